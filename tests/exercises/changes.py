"""Small changes of a function, each a slip that somebody could make.

A change is made in the syntax tree and written back as source, so two changes that read the same
are one. Those that never mean anything, such as the order of axes in a tuple, are not made.

Numbers and sizes that a caller happens to give can be written into the function as well, as
somebody does who only tries one batch: `len(x) -> 6`, `eps -> 0.3`, `x.mean() -> x.sum() / 6`.
"""

import ast
import math
import textwrap
from collections import defaultdict
from collections.abc import Iterator

SWAPPED_OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Div,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
SWAPPED_COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
_PAIRS = (
    ("sum", "mean"),
    ("min", "max"),
    ("amin", "amax"),
    ("argmin", "argmax"),
    ("minimum", "maximum"),
    ("var", "std"),
    ("any", "all"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("floor", "ceil"),
    ("inf", "nan"),
    ("eval", "train"),
    ("median", "mean"),
)
# The order of their arguments plays no part.
SYMMETRIC = {"add", "multiply", "minimum", "maximum", "hypot"}
SWAPPED_NAMES = defaultdict(list)
for _one, _other in _PAIRS:
    SWAPPED_NAMES[_one].append(_other)
    SWAPPED_NAMES[_other].append(_one)


def changes(source: str, given: dict | None = None) -> Iterator[tuple[str, str, str]]:
    """Every small change of a function: (the line before, the line after, the whole after).

    given: arguments by name, whose numbers and sizes are written into the function.
    """
    given = given or {}
    tree = ast.parse(textwrap.dedent(source))
    seen = {ast.unparse(tree)}
    for holder, key, statement in _slots(tree, None):
        node, line = holder[key], _headline(statement)
        for new in (*_variants(node), *_hard_coded(node, given)):
            holder[key] = new
            whole = ast.unparse(tree)
            if whole not in seen:
                seen.add(whole)
                after = _headline(new if node is statement else statement)
                yield line, after, whole
        holder[key] = node


class _Field:
    """One field of a node, as a list of length one, so that every place is holder[key]."""

    def __init__(self, node: ast.AST):
        self.node = node

    def __getitem__(self, name: str):
        return getattr(self.node, name)

    def __setitem__(self, name: str, value) -> None:
        setattr(self.node, name, value)


def _slots(node: ast.AST, statement: ast.stmt | None) -> Iterator[tuple]:
    """Every place of a tree that holds a node: (holder, key, the statement it belongs to)."""
    for name, value in ast.iter_fields(node):
        places = range(len(value)) if isinstance(value, list) else (name,)
        holder = value if isinstance(value, list) else _Field(node)
        for key in places:
            child = holder[key]
            if isinstance(child, ast.AST):
                inside = child if isinstance(child, ast.stmt) else statement
                yield holder, key, inside
                yield from _slots(child, inside)


def _headline(statement: ast.stmt) -> str:
    """The first line of a statement, without its body and its decorators."""
    lines = ast.unparse(statement).splitlines()
    return next(line for line in lines if not line.startswith("@"))


def _variants(node: ast.AST) -> Iterator[ast.AST]:
    """Replacements for one node, each a slip that somebody could make."""
    kind = type(node).__name__
    yield from globals().get(f"_of_{kind}", lambda node: ())(node)


def _hard_coded(node: ast.AST, given: dict) -> Iterator[ast.AST]:
    """Numbers and sizes in the place of what would give them for other arguments, too."""
    match node:
        case ast.Name(id=name, ctx=ast.Load()) if isinstance(given.get(name), (int, float)):
            yield ast.Constant(given[name])
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)]) if name in given:
            yield ast.Constant(len(given[name]))
        case ast.Attribute(value=ast.Name(id=name), attr="shape") if name in given:
            yield ast.Tuple([ast.Constant(int(size)) for size in given[name].shape], ast.Load())
        case ast.Call(func=ast.Attribute(value=of, attr="mean")):
            total = _copied(node, func=ast.Attribute(of, "sum", ast.Load()))
            for count in _counts(given):
                yield ast.BinOp(total, ast.Div(), ast.Constant(count))


def _counts(given: dict) -> set[int]:
    """How many values a mean over some axes of an argument may hold."""
    shapes = [tuple(value.shape) for value in given.values() if getattr(value, "shape", ())]
    return {math.prod(shape[:-1]) for shape in shapes} | {
        math.prod(shape[:1] + shape[2:]) for shape in shapes
    }


def _copied(node: ast.AST, **changed) -> ast.AST:
    return type(node)(**{**dict(ast.iter_fields(node)), **changed})


def _without(items: list, place: int) -> list:
    return items[:place] + items[place + 1 :]


def _of_BinOp(node):
    if type(node.op) in SWAPPED_OPERATORS:
        yield _copied(node, op=SWAPPED_OPERATORS[type(node.op)]())
    yield node.left
    yield node.right


def _of_UnaryOp(node):
    yield node.operand


def _of_BoolOp(node):
    yield _copied(node, op=SWAPPED_OPERATORS[type(node.op)]())
    for place in range(len(node.values)):
        rest = _without(node.values, place)
        yield rest[0] if len(rest) == 1 else _copied(node, values=rest)


def _of_Compare(node):
    for place, op in enumerate(node.ops):
        if type(op) not in SWAPPED_COMPARISONS:  # `is`, `in` and their opposites
            yield ast.UnaryOp(ast.Not(), node)
        for other in SWAPPED_COMPARISONS.get(type(op), ()):
            yield _copied(node, ops=[*node.ops[:place], other(), *node.ops[place + 1 :]])


def _of_Constant(node):
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, float):
        yield ast.Constant(2 * value if value else 1.0)
        yield ast.Constant(value + 1)
        if 0 < value < 0.01:
            yield ast.Constant(100 * value)
    elif isinstance(value, str):
        yield from map(ast.Constant, SWAPPED_NAMES.get(value, ()))


def _of_Name(node):
    if isinstance(node.ctx, ast.Load):
        for name in SWAPPED_NAMES.get(node.id, ()):
            yield _copied(node, id=name)


def _of_Attribute(node):
    for name in SWAPPED_NAMES.get(node.attr, ()):
        yield _copied(node, attr=name)
    if node.attr == "T":
        yield node.value


def _of_Call(node):
    for place in range(len(node.keywords)):
        yield _copied(node, keywords=_without(node.keywords, place))
    if len(node.args) >= 2:
        if getattr(node.func, "attr", None) not in SYMMETRIC:
            yield _copied(node, args=[node.args[1], node.args[0], *node.args[2:]])
        yield _copied(node, args=node.args[:-1])
    if len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]
    if isinstance(node.func, ast.Attribute):
        yield node.func.value
        given = {keyword.arg for keyword in node.keywords}
        if node.func.attr in ("var", "std") and not given & {"ddof", "correction", "unbiased"}:
            for keyword, value in (("ddof", 1), ("correction", 0)):
                more = ast.keyword(keyword, ast.Constant(value))
                yield _copied(node, keywords=[*node.keywords, more])


def _of_Subscript(node):
    if isinstance(node.ctx, ast.Load):
        yield node.value


def _of_Slice(node):
    for bound in ("lower", "upper", "step"):
        if getattr(node, bound) is not None:
            yield _copied(node, **{bound: None})


def _of_Tuple(node):
    if isinstance(node.ctx, ast.Load) and len(node.elts) >= 2:
        if not all(isinstance(entry, ast.Constant) for entry in node.elts):  # axes
            yield _copied(node, elts=[node.elts[1], node.elts[0], *node.elts[2:]])
        for place in range(len(node.elts)):
            yield _copied(node, elts=_without(node.elts, place))


def _of_IfExp(node):
    yield node.body
    yield node.orelse
    yield _copied(node, body=node.orelse, orelse=node.body)


def _negated(node):
    yield _copied(node, test=ast.UnaryOp(ast.Not(), node.test))


def _of_If(node):
    yield from _negated(node)
    for answer in (True, False):
        yield _copied(node, test=ast.Constant(answer))


_of_While = _negated


def _of_With(node):
    yield ast.If(ast.Constant(True), node.body, [])  # the body alone


def _of_AugAssign(node):
    if type(node.op) in SWAPPED_OPERATORS:
        yield _copied(node, op=SWAPPED_OPERATORS[type(node.op)]())
    yield ast.Assign([node.target], node.value, lineno=0)
    yield ast.Pass()


def _of_Assign(node):
    yield ast.Pass()


def _of_Expr(node):
    if not isinstance(node.value, ast.Constant):  # a docstring
        yield ast.Pass()


def _of_Break(node):
    yield ast.Pass()


_of_Continue = _of_Raise = _of_Break
