"""Look into an autograd graph: a check gets a result and no other way to its inputs."""

import torch


def given(values):
    """A tensor that wants gradients, marked as an input: copies of it are, x.detach() is not."""
    tensor = torch.as_tensor(values).clone().requires_grad_()
    tensor.is_given = True
    return tensor


def leaf(y, value):
    """Return the input in y's graph that holds `value` (same shape, same entries), or None.

    An input is a leaf, a tensor that gradients end in, made by `given`.
    """
    todo, seen = [getattr(y, "grad_fn", None)], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        tensor = getattr(node, "variable", None)
        if getattr(tensor, "is_given", False) and torch.equal(tensor, value):
            return tensor
        todo.extend(earlier for earlier, _ in node.next_functions)
    return None


def slopes(y, weights, value, of="this input"):
    """Return the gradient of sum(weights * y) at the leaf holding `value`, as a NumPy array.

    Raises AssertionError if y does not depend on it, as far as autograd knows.
    """
    start = leaf(y, value)
    if start is None:
        raise AssertionError(f"no gradient reaches {of}: autograd finds no way back to it")
    try:
        (gradient,) = torch.autograd.grad((weights * y).sum(), start, retain_graph=True)
    except RuntimeError as error:
        if "inplace" not in str(error):
            raise
        raise AssertionError(
            "backward() fails: something that autograd needs again was changed in place, as "
            "`y /= std` does; `y = y / std` makes a new tensor"
        ) from error
    return gradient.numpy()
