"""What of a submitted notebook is executed: imports, functions, classes and constants, and of all
that is computed only what the answer uses.

Nothing is executed here. Still it runs in the sandbox: source that nobody has read can crash a
parser.
"""

import ast
import hashlib
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from IPython.core.inputtransformer2 import TransformerManager

from helpers.exercises.engine import EXERCISES

KEPT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
TOO_SHORT = 160  # characters; shorter answers are the same by chance

# Names by which code gets at more than its arguments: files, processes, the interpreter, and what
# the course knows about its exercises.
INTERNALS = frozenset(
    (  # noqa: SIM905, a list of words is easier to read than one of strings
        "__builtins__ __class__ __code__ __globals__ __import__ __subclasses__ _getframe "
        "breakpoint builtins compile ctypes eval exec exit gc importlib input inspect "
        "multiprocessing open os pathlib pickle quit shutil signal socket subprocess sys "
        "threading traceback EXERCISES QUESTIONS engine examine judge judging progress_file"
    ).split()
)


@dataclass
class Reading:
    """statements: those that give a name to something, each with its cell. checked: the cell where
    a name was checked last. problems: sentences about cells that cannot be read."""

    statements: list[tuple[int, ast.stmt]] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def until(self, name: str) -> list[tuple[int, ast.stmt]]:
        """The statements up to the cell that checks `name`: what that check sees when all is run
        from top to bottom."""
        last = self.checked.get(name)
        return [(cell, s) for cell, s in self.statements if last is None or cell <= last]

    def to_execute(self, name: str) -> list[tuple[int, ast.stmt]]:
        """Those of them that are executed to judge the answer to `name`."""
        above, used, new = self.until(name), {name}, {name}
        while new:
            found = {n for _, s in above if new & bound(s) for n in names_in(s)}
            new = found - used
            used |= new
        return [(cell, s) for cell, s in above if not is_computed(s) or used & bound(s)]

    def definition(self, name: str) -> ast.stmt | None:
        """The definition of `name` that counts."""
        found = [s for _, s in self.until(name) if getattr(s, "name", None) == name]
        return found[-1] if found else None

    def answers(self) -> list[str]:
        """The exercises that are defined here."""
        return [name for name in EXERCISES if self.definition(name) is not None]


def read(cells: Iterable[str]) -> Reading:
    """Read the sources of a notebook's code cells."""
    reading = Reading()
    for number, source in enumerate(cells):
        try:
            tree = ast.parse(plain_python(source))
        except Exception as error:  # of IPython's rules and Python's parser, whatever it is
            reading.problems.append(f"code cell {number + 1} cannot be read: {told(error)}")
            continue
        for statement in tree.body:
            if isinstance(statement, (*KEPT, ast.Assign, ast.AnnAssign)):
                reading.statements.append((number, statement))
            elif name := checked_in(statement):
                reading.checked[name] = number
    return reading


def plain_python(source: str) -> str:
    """A cell without IPython's own syntax: `%time`, `!ls`, `x?`."""
    return TransformerManager().transform_cell(source)


def told(error: Exception) -> str:
    """An error of the parser in a few words."""
    line = f", line {error.lineno}" if getattr(error, "lineno", None) else ""
    return f"{getattr(error, 'msg', None) or type(error).__name__}{line}"


def is_computed(statement: ast.stmt) -> bool:
    """Whether a statement gives a name to more than what stands there."""
    if isinstance(statement, KEPT) or statement.value is None:
        return False
    try:
        ast.literal_eval(statement.value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return True
    return False


def bound(statement: ast.stmt) -> set[str]:
    """The names that a statement gives to something."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    if isinstance(statement, KEPT):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return {node.id for t in targets for node in ast.walk(t) if isinstance(node, ast.Name)}


def checked_in(statement: ast.stmt) -> str | None:
    """`f` of a line `check(f)`."""
    match statement:
        case ast.Expr(ast.Call(func=ast.Name(id="check"), args=[ast.Name(id=name)])):
            return name
    return None


# ------------------------------------------------------------- what deserves a look


def plainly(definition: ast.stmt) -> str:
    """A definition without comments, docstrings and blank lines."""
    tree = ast.parse(ast.unparse(definition))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, False):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def fingerprint(definition: ast.stmt) -> str:
    """The same for answers that are the same but for comments."""
    return hashlib.sha256(plainly(definition).encode()).hexdigest()


def is_long(definition: ast.stmt) -> bool:
    """Whether an answer is long enough that nobody else would write the same by chance."""
    return len(plainly(definition)) >= TOO_SHORT


def is_reference(definition: ast.stmt, name: str) -> bool:
    """Whether an answer is what `solution()` prints."""
    reference = ast.parse(textwrap.dedent(EXERCISES[name].source())).body[0]
    return plainly(definition) == plainly(reference)


def internals(definition: ast.stmt) -> list[str]:
    """Names in a definition by which it can get at more than its arguments, sorted."""
    return sorted(set(names_in(definition)) & INTERNALS)


def names_in(node: ast.AST) -> Iterator[str]:
    """Every name, attribute and part of an imported module in a piece of code."""
    for part in ast.walk(node):
        match part:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.Import(names=aliases):
                yield from (word for alias in aliases for word in alias.name.split("."))
            case ast.ImportFrom(module=module, names=aliases):
                yield from (module or "").split(".")
                yield from (alias.name for alias in aliases)
