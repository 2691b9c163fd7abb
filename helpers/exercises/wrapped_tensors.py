"""What checks see of a tensor inside torch.func, where layers get it wrapped."""

import torch


def physical(x: torch.Tensor) -> torch.Tensor:
    """The tensor in memory. Inside torch.vmap it has the axis that the layers do not see."""
    while torch._C._functorch.is_functorch_wrapped_tensor(x):
        x = torch._C._functorch.get_unwrapped(x)
    return x
