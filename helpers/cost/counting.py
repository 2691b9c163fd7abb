"""Count what batch norm costs: bytes moved, operations, and tensors kept for the backward pass.

A count is the same on every machine. How long it takes is measured by `helpers.cost.timing`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# Per value of x. Forward: 1 for the mean, 3 for the variance (subtract, square, add), 2 for
# scale * x + shift. Backward: 1 for the sum of dy, 3 for that of dy * (x - mean), 4 for
# dx = a * dy + b * x + c. What is done once per channel is left out.
OPERATIONS = {"forward": 6, "backward": 8, "eval": 2}

# How often a tensor the size of x must cross the memory bus: (read, written).
# Forward reads x for the statistics, and once more for the output, which it writes. Backward reads
# x and dy for the two sums, both once more for dx, and writes dx. Eval mode knows its statistics.
PASSES = {"forward": (2, 1), "backward": (4, 1), "eval": (1, 1)}
# With x (and dy) kept in the cache or on the chip between the two passes.
PASSES_ON_CHIP = {"forward": (1, 1), "backward": (2, 1), "eval": (1, 1)}


@dataclass(frozen=True)
class Cost:
    """Bytes that must be read and written, and arithmetic operations."""

    read: int
    written: int
    operations: int

    @property
    def moved(self) -> int:
        """Bytes moved, read or written."""
        return self.read + self.written

    @property
    def intensity(self) -> float:
        """Operations per byte moved (Williams, Waterman & Patterson 2009)."""
        return self.operations / self.moved


def batch_norm_cost(
    shape: tuple[int, ...],
    dtype: torch.dtype = torch.float32,
    *,
    direction: str = "forward",
    on_chip: bool = False,
) -> Cost:
    """Return what batch norm costs at least, for an x of this shape, by the counts above.

    direction: "forward" or "backward" in training mode, or "eval". on_chip: x (and dy) stay on the
    chip between the two passes over them. The vectors of one number per channel are left out.
    Raises ValueError for another direction.
    """
    if direction not in PASSES:
        raise ValueError(f"direction is {direction!r}, expected one of {', '.join(PASSES)}")
    values = prod(shape)
    read, written = (PASSES_ON_CHIP if on_chip else PASSES)[direction]
    size = values * dtype.itemsize
    return Cost(read * size, written * size, OPERATIONS[direction] * values)


@dataclass(frozen=True)
class Operator:
    """One operator that PyTorch executed, and the bytes that it had to read and write."""

    name: str
    read: int
    written: int

    @property
    def moved(self) -> int:
        return self.read + self.written


class OperatorCount(TorchDispatchMode):
    """Within `with OperatorCount() as count:`, list every operator with its bytes.

    An operator is counted as reading each of its inputs and writing each of its outputs once;
    batch norm in training mode reads its inputs twice, since it needs the sums before the first
    output. What is inside an operator remains unseen: a convolution that reads its input several
    times counts like one that reads it once. Views and empty tensors are free. On a CPU and on a
    GPU the operators, and so the counts, may differ.
    """

    def __init__(self):
        super().__init__()
        self.operators: list[Operator] = []

    @property
    def moved(self) -> int:
        """Bytes moved by all operators so far."""
        return sum(operator.moved for operator in self.operators)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        name = function.overloadpacket.__name__
        if not function.is_view and "empty" not in name:
            # Of their first argument, these use the place or the shape only.
            unread = name.endswith("_like") or name in ("copy_", "fill_", "zero_")
            read = _in_memory([args[unread:], kwargs]) * _passes(function, args, kwargs)
            operator = Operator(name, read, _in_memory(result))
            if operator.moved:
                self.operators.append(operator)
        return result


def _passes(function, args, kwargs) -> int:
    """How often an operator must read its inputs."""
    if "batch_norm" not in function.overloadpacket.__name__:
        return 1
    names = [argument.name for argument in function._schema.arguments]
    given = dict(zip(names, args, strict=False)) | kwargs
    # cuDNN's backward has no such argument: it is for training mode only.
    in_training = given.get("training", given.get("train", True))
    return 2 if in_training else 1


def _in_memory(tree) -> int:
    """The bytes of all tensors of a tree; what was expanded without a copy counts once."""
    return sum(
        tensor.element_size()
        * prod(size for size, step in zip(tensor.shape, tensor.stride(), strict=True) if step)
        for tensor in tree_leaves(tree)
        if isinstance(tensor, torch.Tensor) and tensor.numel()
    )


def bytes_moved(function: Callable[[], object]) -> int:
    """Return the bytes that the operators of a call move, as `OperatorCount` counts them."""
    with OperatorCount() as count:
        function()
    return count.moved


def saved_tensors(function: Callable[[], object]) -> list[torch.Tensor]:
    """Return what autograd keeps for the backward pass of a call; each piece of memory once.

    Parameters are left out: they are there anyway. `function` must return its outputs, whose graph
    holds the tensors.
    """
    saved = {}

    def pack(tensor):
        source = tensor if tensor._base is None else tensor._base  # of a view, such as weight.T
        if tensor.numel() and not isinstance(source, torch.nn.Parameter):
            saved.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = function()
    del outputs
    return list(saved.values())
