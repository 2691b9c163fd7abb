"""What is timed: batch norm in several ways, a training step, inference, a profile of them."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from helpers.torch_nn.speed import precision


def from_small_operators(x, gamma, beta, eps=1e-5):
    """Batch norm in training mode, written as one thinks it: one operator after the other.

    x: (N, C, H, W); gamma, beta: (C,). Half precision is computed in float32, as in F.batch_norm.
    """
    x, dtype = x.float() if x.dtype.itemsize == 2 else x, x.dtype
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    var = x.var(dim=(0, 2, 3), keepdim=True, correction=0)
    x_hat = (x - mean) / torch.sqrt(var + eps)
    return (x_hat * gamma[:, None, None] + beta[:, None, None]).to(dtype)


def built_in(x, gamma, beta):
    """PyTorch's own batch norm in training mode, without running statistics."""
    return F.batch_norm(x, None, None, gamma, beta, training=True)


def with_relu(batch_norm):
    """Return the function that applies a batch norm, then a ReLU."""
    return lambda x, gamma, beta: torch.relu(batch_norm(x, gamma, beta))


def batch_norm_arms(
    shape: tuple[int, int, int, int],
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    *,
    compiled: bool = False,
) -> dict[str, dict[str, Callable[[], object]]]:
    """Return {"forward": arms, "both": arms}, ready for `paired`; "both" is forward and backward.

    The arms are a copy of x, batch norm from small operators, PyTorch's own in the default NCHW
    layout and in channels_last, the latter two with a ReLU behind, and if `compiled`, what
    torch.compile makes of the small operators, without and with a ReLU.
    """
    x = torch.randn(shape, device=device).to(dtype)
    last = {"memory_format": torch.channels_last}
    default = x, torch.randn_like(x)
    channels_last = tuple(tensor.to(**last) for tensor in default)
    candidates = {
        "small operators": (from_small_operators, default),
        "F.batch_norm": (built_in, default),
        "F.batch_norm, channels_last": (built_in, channels_last),
        "F.batch_norm, ReLU": (with_relu(built_in), default),
        "F.batch_norm, ReLU, channels_last": (with_relu(built_in), channels_last),
    }
    if compiled:
        torch.compiler.reset()  # it stops compiling a function after a few shapes
        for suffix, data in (("", default), (", channels_last", channels_last)):
            for name, function in (
                ("compiled", from_small_operators),
                ("compiled, ReLU", with_relu(from_small_operators)),
            ):
                candidates[name + suffix] = torch.compile(function, dynamic=False), data
    target = torch.empty_like(x)
    arms = {"forward": {"copy": lambda: target.copy_(x)}, "both": {"copy": lambda: target.copy_(x)}}
    for name, (function, (x_in, dy)) in candidates.items():
        arms["forward"][name] = _forward(function, x_in)
        arms["both"][name] = _forward_and_backward(function, x_in, dy)
    return arms


def _parameters(x):
    ones, zeros = (make(x.shape[1], device=x.device) for make in (torch.ones, torch.zeros))
    return ones.requires_grad_(), zeros.requires_grad_()


def _forward(function, x):
    gamma, beta = _parameters(x)

    def run():
        with torch.no_grad():
            return function(x, gamma, beta)

    return run


def _forward_and_backward(function, x, dy):
    inputs = (x.detach().requires_grad_(), *_parameters(x))
    return lambda: torch.autograd.grad(function(*inputs), inputs, dy)


def training_step(
    model: nn.Module, x: torch.Tensor, y: torch.Tensor, *, amp: bool = False
) -> Callable[[], None]:
    """Return a function that takes one step of SGD on one batch. x: (N, C, H, W), y: (N,).

    amp: automatic mixed precision with bfloat16.
    """
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with precision(x.device, amp):
            loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()

    return step


def inference(
    model: nn.Module, x: torch.Tensor, *, amp: bool = False
) -> Callable[[], torch.Tensor]:
    """Return a function that applies a model, in the mode it is in, without a graph."""

    def run():
        with torch.no_grad(), precision(x.device, amp):
            return model(x)

    return run


def profiled_share(
    step: Callable[[], object], device: torch.device | str = "cpu", *, calls: int = 5
) -> float:
    """Return the share of the time of some calls that torch.profiler finds in batch norm.

    On a GPU it is the time of the kernels that batch norm's operators start.
    """
    on_cuda = torch.device(device).type == "cuda"
    activity = torch.profiler.ProfilerActivity
    step()  # the first call allocates and chooses algorithms
    with torch.profiler.profile(activities=[activity.CPU, *[activity.CUDA] * on_cuda]) as profile:
        for _ in range(calls):
            step()
        if on_cuda:
            torch.cuda.synchronize()
    spent = "self_device_time_total" if on_cuda else "self_cpu_time_total"
    # Kernels have rows of their own beside the operators that started them.
    operators = [
        event
        for event in profile.key_averages()
        if event.device_type == torch.autograd.DeviceType.CPU
    ]
    total = sum(getattr(event, spent) for event in operators)
    return sum(getattr(e, spent) for e in operators if "batch_norm" in e.key) / total
