"""Batch norm in PyTorch: against PyTorch's own, float64, numerical gradients, and at its edges."""

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers.numpy_nn import functional as F
from helpers.torch_nn import batchnorm
from helpers.torch_nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNormFunction

REPEATABLE = settings(derandomize=True, deadline=None, max_examples=120)
# Beside the largest value that takes part. bfloat16 keeps 8 bits: two neighbours are 2**-7 apart.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 2**-7}


def tensors(shape, dtype=torch.float64, mean=0.0, std=1.0, seed=0):
    """Random x, weight, bias, dy; no weight is 1 and no bias 0."""
    rng = np.random.default_rng(seed)
    x = mean + std * rng.standard_normal(shape)
    weight, bias = rng.uniform(0.5, 2, shape[1]), rng.uniform(1, 2, shape[1])
    return [torch.tensor(a, dtype=dtype) for a in (x, weight, bias, rng.standard_normal(shape))]


def close(actual, expected, scale=None, dtype=None):
    """Same dtype and shape, and values as close as that dtype allows beside `scale`."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    actual, expected = actual.detach(), expected.detach()
    scale = max(float(expected.abs().max()), 1.0 if scale is None else float(scale))
    error = (actual.double() - expected.double()).abs().max()
    assert error <= TOLERANCE[dtype or actual.dtype] * scale


def twins(dims, channels, dtype=torch.float64, seed=0, **options):
    """Our layer and PyTorch's, with the same random parameters. Half precision gets float32's."""
    pair = {2: (BatchNorm1d, nn.BatchNorm1d), 3: (BatchNorm1d, nn.BatchNorm1d)}
    ours, theirs = (
        cls(channels, **options).to(torch.promote_types(dtype, torch.float32))
        for cls in pair.get(dims, (BatchNorm2d, nn.BatchNorm2d))
    )
    gen = torch.Generator().manual_seed(seed)
    for parameter in theirs.parameters():
        nn.init.uniform_(parameter, -2, 2, generator=gen)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def run(layer, x, dy):
    """Forward and backward: y, dx, and the gradients of the parameters."""
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    layer.zero_grad()
    y = layer(x)
    y.backward(dy)
    return y.detach(), x.grad, *(p.grad for p in layer.parameters())


# --- PyTorch's own -----------------------------------------------------------------------------


@st.composite
def batches(draw):
    """Random shapes, types and layouts. The values of a channel are a shuffled grid."""
    shape = (draw(st.integers(2, 9)), draw(st.integers(1, 5)))
    shape += tuple(draw(st.lists(st.integers(1, 5), max_size=2)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = int(np.prod(shape)) // shape[1]
    grid = np.tile(np.linspace(-1, 1, count), (shape[1], 1))
    values = rng.uniform(-2, 2, (shape[1], 1)) + rng.uniform(0.5, 4, (shape[1], 1)) * grid
    values = rng.permuted(values, axis=1).reshape(shape[1], shape[0], *shape[2:])
    dtype = draw(st.sampled_from([torch.float64, torch.float32, torch.bfloat16]))
    x = torch.tensor(values.swapaxes(0, 1).copy(), dtype=dtype)
    dy = torch.tensor(rng.standard_normal(shape), dtype=dtype)
    if x.ndim == 4 and draw(st.booleans()):
        x = x.to(memory_format=torch.channels_last)
    if x.ndim == 4 and draw(st.booleans()):
        dy = dy.to(memory_format=torch.channels_last)
    return x, dy


OPTIONS = st.fixed_dictionaries(
    {
        "eps": st.sampled_from([1e-5, 0.1]),
        "momentum": st.sampled_from([None, 0.01, 0.1, 1.0]),
        "affine": st.booleans(),
        "track_running_stats": st.booleans(),
        "bias": st.booleans(),
    }
)


@REPEATABLE
@given(batches(), OPTIONS, st.integers(0, 3), st.booleans())
def test_a_layer_is_that_of_pytorch(batch, options, steps, training):
    x, dy = batch
    ours, theirs = twins(x.ndim, x.shape[1], x.dtype, **options)
    for step in range(steps):
        close(ours(x * (1 + step)), theirs(x * (1 + step)), scale=4)
    ours.train(training), theirs.train(training)
    (y, dx, *dparameters), (y2, dx2, *dparameters2) = run(ours, x, dy), run(theirs, x, dy)
    close(y, y2, scale=4)
    # With two values per channel dx is the small difference of large terms: those set the scale.
    spread = x.double().transpose(0, 1).flatten(1).var(1, correction=0)
    terms = 2 * dy.abs().max() / torch.sqrt(spread.min() + options["eps"])
    close(dx, dx2, scale=terms)
    for actual, expected in zip(dparameters, dparameters2, strict=True):
        # The gradients of half-precision input are compared to that precision.
        close(actual, expected, scale=dy.numel(), dtype=x.dtype)
    assert [name for name, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]
    for actual, expected in zip(ours.buffers(), theirs.buffers(), strict=True):
        if actual.is_floating_point():
            close(actual, expected)
        else:
            assert actual == expected


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_memory_format_and_dtype_are_those_of_the_input(dtype, training):
    x, _, _, dy = tensors((4, 3, 5, 6), dtype)
    for layout in (torch.contiguous_format, torch.channels_last):
        layer = BatchNorm2d(3).train(training)
        # A gradient in the other layout decides nothing.
        other = {torch.contiguous_format: torch.channels_last}.get(layout, torch.contiguous_format)
        leaf = x.to(memory_format=layout).requires_grad_()
        y = layer(leaf)
        # Not .grad: autograd itself would give that the layout of the leaf.
        dx, dweight = torch.autograd.grad(y, [leaf, layer.weight], dy.to(memory_format=other))
        assert y.is_contiguous(memory_format=layout)
        if training:  # in eval mode autograd differentiates by itself, in the layout of dy
            assert dx.is_contiguous(memory_format=layout)
        assert (y.dtype, dx.dtype, dweight.dtype) == (dtype, dtype, torch.float32)


def test_a_layout_changes_no_value():
    x, weight, bias, dy = tensors((4, 3, 5, 6))
    layer = BatchNorm2d(3).double()
    layer.load_state_dict({**layer.state_dict(), "weight": weight, "bias": bias})
    last = [a.to(memory_format=torch.channels_last) for a in (x, dy)]
    for actual, expected in zip(run(layer, *last), run(layer, x, dy), strict=True):
        torch.testing.assert_close(actual, expected, check_stride=False, rtol=0, atol=1e-13)


@pytest.mark.parametrize("training", [True, False])
def test_a_strided_input_and_an_expanded_gradient_do(training):
    x, _, _, _ = tensors((3, 8, 10))
    ours, theirs = twins(3, 10)
    for layer in (ours, theirs):
        layer.train(training)
    dy = torch.ones(1, dtype=torch.float64).expand(4, 10, 3)
    x = x.permute(1, 2, 0)[::2]
    for actual, expected in zip(run(ours, x, dy), run(theirs, x, dy), strict=True):
        torch.testing.assert_close(actual, expected, check_stride=False, rtol=0, atol=1e-12)


# --- state -------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"affine": False}, {"track_running_stats": False}])
@pytest.mark.parametrize("dims", [3, 4])
def test_state_dicts_go_both_ways(dims, options):
    ours, theirs = twins(dims, 3, **options)
    x = tensors((4, 3, 5, 6)[:dims])[0]
    ours(x)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    theirs(x)
    fresh, _ = twins(dims, 3, seed=1, **options)
    fresh.load_state_dict(theirs.state_dict(), strict=True)
    assert list(fresh.state_dict()) == list(theirs.state_dict())
    torch.testing.assert_close(fresh.eval()(x), theirs.eval()(x))


def test_a_state_dict_of_another_size_is_refused():
    with pytest.raises(RuntimeError, match="size mismatch"):
        BatchNorm1d(3).load_state_dict(nn.BatchNorm1d(4).state_dict())


def test_copies_and_pickles_are_independent():
    layer = BatchNorm1d(3)
    x = tensors((5, 3), torch.float32)[0]
    layer(x)
    before = copy.deepcopy(layer.state_dict())
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        torch.testing.assert_close(twin.state_dict(), before)
        twin(x + 1)
        assert twin.num_batches_tracked == 2
        torch.testing.assert_close(layer.state_dict(), before)


def test_running_statistics_keep_no_graph():
    layer = BatchNorm1d(3)
    x = tensors((5, 3), torch.float32)[0].requires_grad_()
    layer(x)
    assert not layer.running_mean.requires_grad
    assert not layer.running_var.requires_grad


def test_eval_mode_moves_nothing_and_no_grad_does():
    layer = BatchNorm1d(3)
    x = tensors((5, 3), torch.float32)[0]
    before = copy.deepcopy(layer.state_dict())
    layer.eval()(x)
    torch.testing.assert_close(layer.state_dict(), before)
    with torch.no_grad():
        layer.train()(x)
    assert layer.num_batches_tracked == 1
    torch.testing.assert_close(layer.running_mean, 0.1 * x.mean(0))
    torch.testing.assert_close(layer.running_var, 0.9 + 0.1 * x.var(0))


def test_updating_records_no_graph():
    running, batch = torch.zeros(3), torch.ones(3, requires_grad=True)
    batchnorm.update_running(running, batch, 0.1)
    batchnorm.update_running(None, batch, 0.1)
    assert not running.requires_grad
    torch.testing.assert_close(running, torch.full((3,), 0.1))


def test_momentum_none_is_the_plain_average():
    layer = BatchNorm1d(3, momentum=None).double()
    x = tensors((12, 3))[0]
    for batch in x.split(4):
        layer(batch)
    torch.testing.assert_close(layer.running_mean, x.mean(0))
    torch.testing.assert_close(
        layer.running_var, torch.stack([b.var(0) for b in x.split(4)]).mean(0)
    )


def test_an_infinite_running_statistic_stays_what_it_is_in_pytorch():
    ours, theirs = twins(2, 3)
    for layer in (ours, theirs):
        layer.running_mean[1] = torch.inf
        layer(tensors((5, 3))[0])
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)


def test_tracking_can_be_switched_off_later():
    ours, theirs = twins(2, 3)
    x = tensors((5, 3))[0]
    for layer in (ours, theirs):
        layer.track_running_stats = False
        layer(x)
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


def test_tracking_cannot_be_switched_on_later():
    ours, theirs = twins(2, 3, track_running_stats=False)
    x = tensors((5, 3))[0]
    for layer in (ours, theirs):
        layer.track_running_stats = True
        torch.testing.assert_close(layer(x).mean(0), torch.zeros(3).double() + layer.bias)
    assert ours.running_mean is None


def test_reset():
    layer = BatchNorm1d(3)
    fresh = copy.deepcopy(layer.state_dict())
    nn.init.uniform_(layer.weight), nn.init.uniform_(layer.bias)
    layer(tensors((5, 3), torch.float32)[0])
    layer.reset_parameters()
    torch.testing.assert_close(layer.state_dict(), fresh)
    BatchNorm1d(3, affine=False, track_running_stats=False).reset_parameters()


def test_a_layer_says_what_it_is():
    assert repr(BatchNorm2d(3, momentum=None)) == repr(nn.BatchNorm2d(3, momentum=None))


# --- gradients and accuracy --------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 3), (3, 2, 4), (3, 2, 2, 3), (2, 3, 2, 1, 2)])
@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_gradients_agree_with_finite_differences(shape, eps):
    x, weight, bias, _ = (a.requires_grad_() for a in tensors(shape))
    with_parameters = lambda *args: BatchNormFunction.apply(*args, eps)[0]  # noqa: E731
    assert torch.autograd.gradcheck(with_parameters, (x, weight, bias))
    assert torch.autograd.gradcheck(lambda x: BatchNormFunction.apply(x, None, None, eps)[0], (x,))
    mean, var = torch.rand(2, shape[1], dtype=torch.float64) + 0.5
    in_eval_mode = lambda *args: batchnorm.batch_norm(args[0], mean, var, *args[1:], eps=eps)  # noqa: E731
    assert torch.autograd.gradcheck(in_eval_mode, (x, weight, bias))


@pytest.mark.parametrize("shape", [(5, 3), (3, 2, 2, 2)])
def test_the_gradient_can_be_differentiated_again(shape):
    x, weight, bias, _ = (a.requires_grad_() for a in tensors(shape))
    with_parameters = lambda *args: BatchNormFunction.apply(*args, 0.1)[0]  # noqa: E731
    assert torch.autograd.gradgradcheck(with_parameters, (x, weight, bias))
    assert torch.autograd.gradgradcheck(lambda x: BatchNormFunction.apply(x, None, None, 0.1)[0], x)


def test_statistics_are_not_differentiable():
    x = tensors((5, 3))[0].requires_grad_()
    y, mean, var = BatchNormFunction.apply(x, None, None, 1e-5)
    assert (y.requires_grad, mean.requires_grad, var.requires_grad) == (True, False, False)


def test_it_agrees_with_the_layer_of_parts_one_and_two():
    x, weight, bias, dy = (a.numpy() for a in tensors((4, 3, 5, 6), mean=2))
    y, cache = F.batch_norm(x, weight, bias)
    expected = [y, *F.batch_norm_backward(dy, cache)]
    layer = BatchNorm2d(3).double()
    layer.load_state_dict(
        {**layer.state_dict(), "weight": torch.tensor(weight), "bias": torch.tensor(bias)}
    )
    for actual, wanted in zip(run(layer, *map(torch.tensor, (x, dy))), expected, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=0, atol=1e-12)


def exact(x, weight, bias, dy, eps=1e-5):
    """y, dx, dweight, dbias by PyTorch in float64."""
    x, weight, bias, dy = (a.double() for a in (x, weight, bias, dy))
    leaves = [a.requires_grad_() for a in (x, weight, bias)]
    y = nn.functional.batch_norm(leaves[0], None, None, *leaves[1:], True, eps=eps)
    y.backward(dy)
    return y.detach(), *(leaf.grad for leaf in leaves)


def results(batch_norm, x, weight, bias, dy):
    leaves = [
        a.clone(memory_format=torch.preserve_format).requires_grad_() for a in (x, weight, bias)
    ]
    y = batch_norm(leaves[0], None, None, *leaves[1:], training=True)
    y.backward(dy)
    return y.detach(), *(leaf.grad for leaf in leaves)


def exact_in_eval_mode(layer, x):
    """y in float64, from the values that the layer holds."""
    state = {name: value.double() for name, value in layer.state_dict().items()}
    inv_std = torch.rsqrt(state["running_var"] + layer.eps)
    return (x.double() - state["running_mean"]) * inv_std * state["weight"] + state["bias"]


def errors(actual, truth):
    """The largest error of each, beside its largest value."""
    return [float((a - t).abs().max() / t.abs().max()) for a, t in zip(actual, truth, strict=True)]


SHAPES = [(200, 30), (5000, 7), (64, 16, 14, 14), (64, 16, 50)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("std", [1, 0.1, 0.01])
def test_a_large_mean_does_no_harm(shape, std):
    arguments = tensors(shape, torch.float32, mean=1e4, std=std)
    truth = exact(*arguments)
    ours = errors(results(batchnorm.batch_norm, *arguments), truth)
    theirs = errors(results(nn.functional.batch_norm, *arguments), truth)
    assert max(ours) < 2e-5
    assert all(o <= max(t, 1e-6) for o, t in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("shape", SHAPES)
def test_statistics_of_half_precision_are_those_of_float64(shape):
    x = tensors(shape, torch.bfloat16, mean=3)[0]
    mean, var = batchnorm.batch_statistics(x)
    assert mean.dtype == var.dtype == torch.float64
    axes = [0, *range(2, x.ndim)]
    torch.testing.assert_close(mean, x.double().mean(axes), rtol=1e-6, atol=0)
    torch.testing.assert_close(var, x.double().var(axes, correction=0), rtol=1e-6, atol=0)


def test_the_pieces_keep_the_dtype_of_x_and_sum_in_float64():
    x, weight, _, dy = tensors((4, 3, 2), torch.bfloat16)
    mean, var = batchnorm.batch_statistics(x)
    sums = batchnorm.gradient_sums(dy, x, mean, var, 1e-5)
    assert {a.dtype for a in sums} == {torch.float64}
    torch.testing.assert_close(sums[0], dy.double().sum((0, 2)), rtol=1e-5, atol=1e-6)
    dx = batchnorm.input_gradient(dy, x, mean, var, weight, 1e-5, *sums, 8)
    assert dx.dtype == torch.bfloat16


def test_half_precision_does_not_overflow():
    x = torch.tensor([[-300.0], [0.0], [300.0]] * 300, dtype=torch.float16)  # squares beyond 65504
    layer = BatchNorm1d(1)
    y = layer(x)
    assert y.dtype == torch.float16
    torch.testing.assert_close(layer.running_var, torch.tensor([0.9 + 0.1 * 60_000 * 900 / 899]))
    expected = torch.tensor([-(1.5**0.5), 0, 1.5**0.5])
    torch.testing.assert_close(y[:3, 0].float(), expected, rtol=1e-3, atol=0)


def test_a_layer_of_half_precision_computes_in_float32():
    layer = twins(2, 3)[0].bfloat16()
    x, _, _, dy = tensors((50, 3), torch.bfloat16, mean=3)
    truth = exact(x, layer.weight.detach(), layer.bias.detach(), dy)
    for actual, wanted in zip(run(layer, x, dy), truth, strict=True):
        assert actual.dtype == torch.bfloat16
        torch.testing.assert_close(actual.double(), wanted, rtol=2**-8, atol=1e-4)
    layer.running_var.fill_(7.3)
    y = layer.eval()(x).double()
    torch.testing.assert_close(y, exact_in_eval_mode(layer, x), rtol=2**-8, atol=1e-4)


# --- pieces that a batch over several processes needs -------------------------------------------


def test_a_batch_in_two_halves_gives_the_gradient_of_the_whole():
    x, weight, bias, dy = tensors((6, 3, 2, 2), mean=2)
    mean, var = batchnorm.batch_statistics(x)
    halves = list(zip(x.split(2), dy.split(2), strict=True))
    sums = [batchnorm.gradient_sums(d, h, mean, var, 1e-5) for h, d in halves]
    sum_dy, sum_dy_x_hat = (sum(parts) for parts in zip(*sums, strict=True))
    whole = (mean, var, weight, 1e-5, sum_dy, sum_dy_x_hat, 6 * 2 * 2)
    dx = torch.cat([batchnorm.input_gradient(d, h, *whole) for h, d in halves])
    y = torch.cat([batchnorm.normalize(h, mean, var, weight, bias, 1e-5) for h, _ in halves])
    expected = exact(x, weight, bias, dy)
    for actual, wanted in zip((y, dx, sum_dy_x_hat, sum_dy), expected, strict=True):
        torch.testing.assert_close(actual, wanted, rtol=0, atol=1e-12)


# --- autocast, compile, devices -----------------------------------------------------------------


def test_autocast_keeps_parameters_and_statistics_in_float32():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), BatchNorm2d(3), nn.ReLU())
    x = tensors((4, 2, 6, 6), torch.float32)[0]
    with torch.autocast("cpu", torch.bfloat16):
        y = model(x)
        loss = y.float().square().sum()
    loss.backward()
    assert y.dtype == torch.bfloat16
    layer = model[1]
    assert {a.dtype for a in (layer.running_mean, layer.running_var)} == {torch.float32}
    assert {p.grad.dtype for p in model.parameters()} == {torch.float32}
    with torch.autocast("cpu", torch.bfloat16):
        features = model[0](x).double()
    torch.testing.assert_close(
        layer.running_mean, (0.1 * features.mean((0, 2, 3))).float(), rtol=1e-5, atol=1e-7
    )


# Dynamo makes an instance of autograd.Function, which PyTorch itself deprecates.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("options", [{}, {"momentum": None}, {"affine": False}])
def test_it_compiles_to_one_graph(options):
    eager = nn.Sequential(nn.Conv2d(2, 3, 3), BatchNorm2d(3, **options), nn.ReLU()).double()
    model = copy.deepcopy(eager)
    torch.compiler.reset()
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    x = tensors((4, 2, 6, 6))[0]
    for training in (True, True, False):
        eager.train(training), model.train(training)
        for net in (eager, compiled):
            net(x).square().sum().backward()
    for actual, expected in zip(model.parameters(), eager.parameters(), strict=True):
        torch.testing.assert_close(actual.grad, expected.grad, rtol=0, atol=1e-12)
    torch.testing.assert_close(model.state_dict(), eager.state_dict())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("training", [True, False])
def test_on_a_gpu_it_is_that_of_pytorch(dtype, layout, training):
    x, _, _, dy = (a.cuda() for a in tensors((8, 5, 6, 7), dtype))
    ours, theirs = twins(4, 5, dtype)
    x, dy = (a.to(memory_format=layout) for a in (x, dy))
    pair = [layer.cuda().train(training) for layer in (ours, theirs)]
    tolerance = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 2e-3}[dtype]
    for actual, expected in zip(*(run(layer, x, dy) for layer in pair), strict=True):
        assert actual.device.type == "cuda"
        torch.testing.assert_close(actual, expected, rtol=tolerance, atol=10 * tolerance)
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())


# --- PyTorch's tools ---------------------------------------------------------------------------


def test_functional_transforms_go_through():
    layer, theirs = twins(2, 3, track_running_stats=False, eps=0.1)
    x = torch.stack([tensors((5, 3), seed=seed)[0] for seed in range(4)])

    def loss(x):
        return (layer(x) ** 3).sum()

    for_one, truth = torch.func.grad(loss), torch.func.grad(lambda x: (theirs(x) ** 3).sum())
    torch.testing.assert_close(for_one(x[0]), truth(x[0]))
    torch.testing.assert_close(torch.vmap(for_one)(x), torch.stack([truth(each) for each in x]))
    hessian = torch.func.jacrev(torch.func.jacrev(loss))(x[0])
    truth = torch.autograd.functional.hessian(lambda x: (theirs(x) ** 3).sum(), x[0])
    torch.testing.assert_close(hessian, truth)
    parameters = {name: value.detach() + 1 for name, value in layer.named_parameters()}
    called = torch.func.functional_call(layer, parameters, (x[0],))
    expected = nn.functional.batch_norm(x[0], None, None, *parameters.values(), True, eps=0.1)
    torch.testing.assert_close(called, expected)


def test_tools_that_look_for_batch_norms_find_ours():
    batches = [tensors((20, 3), mean=7, std=3, seed=seed)[0] for seed in range(4)]
    pair = twins(2, 3)
    for layer in pair:
        torch.optim.swa_utils.update_bn(batches, nn.Sequential(layer))
    close(pair[0].running_mean, torch.cat(batches).mean(0))
    torch.testing.assert_close(pair[0].state_dict(), pair[1].state_dict())
    assert pair[0].momentum == 0.1
    synchronized = nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(pair[0]))[0]
    assert type(synchronized) is nn.SyncBatchNorm
    assert synchronized.running_mean is pair[0].running_mean
    linear = nn.Linear(3, 3).double().eval()
    fused = nn.utils.fusion.fuse_linear_bn_eval(linear, pair[0].eval())
    torch.testing.assert_close(fused(batches[0]), pair[0](linear(batches[0])))


@pytest.mark.parametrize("use_buffers", [False, True])
def test_weights_can_be_averaged(use_buffers):
    averages = []
    for layer in twins(2, 3):
        model = nn.Sequential(nn.Linear(3, 3).double(), layer)
        for parameter in model[0].parameters():
            nn.init.constant_(parameter, 0.5)
        averaged = torch.optim.swa_utils.AveragedModel(model, use_buffers=use_buffers)
        for seed in range(3):
            model(tensors((6, 3), seed=seed)[0])
            nn.init.constant_(layer.weight, seed)
            averaged.update_parameters(model)
        averages.append(averaged.state_dict())
    torch.testing.assert_close(*averages)
    assert averages[0]["module.1.weight"].tolist() == [1.0] * 3


@pytest.mark.parametrize("training", [True, False])
def test_it_can_be_exported(training):
    ours, theirs = (layer.train(training) for layer in twins(4, 3))
    x = tensors((4, 3, 5, 6))[0]
    exported = torch.export.export(copy.deepcopy(ours), (x,)).module()
    torch.testing.assert_close(exported(x), theirs(x))
    torch.testing.assert_close(dict(exported.named_buffers()), dict(theirs.named_buffers()))


@pytest.mark.parametrize("dims", [3, 4])
def test_a_state_dict_from_before_batches_were_counted_loads(dims):
    """PyTorch before 0.4.1 did not write num_batches_tracked."""
    for layer in twins(dims, 3):
        layer(tensors((4, 3, 5, 6)[:dims])[0])
        old = {k: v + 1 for k, v in layer.state_dict().items() if k != "num_batches_tracked"}
        for twin in twins(dims, 3):
            twin.load_state_dict(old)
            assert twin.num_batches_tracked == 0
            assert torch.equal(twin.running_mean, old["running_mean"])
    for missing in ("running_mean", "weight"):
        broken = {k: v for k, v in old.items() if k != missing}
        with pytest.raises(RuntimeError, match=f"Missing key.*{missing}"):
            BatchNorm1d(3).load_state_dict(broken)
    with pytest.raises(RuntimeError, match=r"Unexpected key.*scale"):
        BatchNorm1d(3).load_state_dict({**old, "scale": old["weight"]})


# --- huge values -------------------------------------------------------------------------------

HUGE = [
    *[(torch.float32, 2.0**power) for power in (60, 66, 90, 120)],
    *[(torch.bfloat16, 2.0**power) for power in (66, 110)],
    *[(torch.float64, 2.0**power) for power in (400, 500)],
]


@pytest.mark.parametrize("shape", [(50, 3), (16, 3, 6, 7)])
@pytest.mark.parametrize("mean", [0, 30])
@pytest.mark.parametrize(("dtype", "unit"), HUGE)
def test_the_unit_of_x_does_not_matter(dtype, unit, mean, shape):
    x, weight, bias, dy = tensors(shape, torch.float32, mean=mean)
    x[:, 1] *= 0.1
    x, weight, bias, dy = (a.to(dtype) for a in (x, weight, bias, dy))
    # As if eps were 0, which it is beside values this large.
    y, dx, dweight, dbias = exact(*(a.clone() for a in (x, weight, bias, dy)), eps=1e-200)
    found = results(batchnorm.batch_norm, x * unit, weight, bias, dy)
    for actual, truth in zip(found, (y, dx / unit, dweight, dbias), strict=True):
        scale = truth.abs().max()
        torch.testing.assert_close(
            actual.double() / scale, truth / scale, rtol=0, atol=TOLERANCE[dtype] * 2
        )
    mean, var = batchnorm.batch_statistics(x * unit)
    axes = [0, *range(2, x.ndim)]
    torch.testing.assert_close(mean / unit, x.double().mean(axes), rtol=1e-5, atol=1e-6)
    truth = x.double().var(axes, correction=0)
    torch.testing.assert_close(var / unit / unit, truth, rtol=1e-5, atol=0)
    in_eval_mode = batchnorm.batch_norm(x * unit, mean, var, weight, bias)
    torch.testing.assert_close(in_eval_mode, found[0])


def test_one_huge_channel_leaves_the_others_as_they_are():
    x = tensors((16, 3, 6, 7), torch.float32)[0]
    usual = batchnorm.batch_norm(x, None, None, training=True)
    x[:, 1] *= 1e30
    y = batchnorm.batch_norm(x, None, None, training=True)
    assert torch.equal(y[:, ::2], usual[:, ::2])
    torch.testing.assert_close(y[:, 1], usual[:, 1], rtol=1e-4, atol=1e-4)


def test_a_variance_beyond_float64_is_an_error_and_nan_where_no_one_looks():
    x = tensors((5, 3))[0] * 1e200
    layer = BatchNorm1d(3).double()
    with pytest.raises(
        OverflowError, match="variance of x is beyond float64; divide x by a constant"
    ):
        layer(x)
    assert layer.num_batches_tracked == 0
    assert torch.equal(layer.running_mean, torch.zeros(3).double())
    alone = BatchNorm1d(3, track_running_stats=False).double()
    assert torch.vmap(alone)(x[None]).isnan().all()


def test_running_statistics_that_do_not_fit_are_an_error():
    x = tensors((5, 3), torch.float32)[0]
    layer = BatchNorm1d(3)
    layer(x * 1e18)
    before = copy.deepcopy(layer.state_dict())
    with pytest.raises(OverflowError, match=r"reaches .*e\+39, which torch.float32 cannot hold"):
        layer(x * 1e20)
    torch.testing.assert_close(layer.state_dict(), before)
    layer.double()(x * 1e20)
    assert layer.running_var.max() > 1e39
    layer.float().eval()
    with pytest.raises(OverflowError, match="a running variance is infinite"):
        layer(x)


def test_values_so_small_that_squares_vanish_are_what_eps_makes_of_them():
    x = tensors((50, 3), torch.float32)[0] * 1e-30
    assert batchnorm.batch_norm(x, None, None, training=True).abs().max() < 1e-26


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_nan_and_infinity_spoil_their_channel_and_no_other(bad):
    x = tensors((6, 3))[0]
    usual = batchnorm.batch_norm(x, None, None, training=True)
    x[2, 1] = bad
    y = batchnorm.batch_norm(x, None, None, training=True)
    assert y[:, 1].isnan().all()
    assert torch.equal(y[:, ::2], usual[:, ::2])


# --- errors ------------------------------------------------------------------------------------

X = torch.arange(12.0).view(4, 3)


@pytest.mark.parametrize(
    ("layer", "x", "message"),
    [
        (BatchNorm1d(3), torch.ones(3), r"expected 2D or 3D input \(got 1D input\)"),
        (BatchNorm1d(3), torch.ones(2, 3, 4, 5), r"expected 2D or 3D input \(got 4D"),
        (BatchNorm2d(3), torch.ones(2, 3, 4), r"expected 4D input \(got 3D"),
        (BatchNorm1d(3), X[:1], r"at least two values per channel.*\(1, 3\)"),
        (BatchNorm1d(3), X[:0], r"at least two values per channel.*\(0, 3\)"),
        (BatchNorm2d(3), torch.ones(1, 3, 1, 1), r"at least two.*\(1, 3, 1, 1\)"),
        (BatchNorm1d(4), X, r"running_mean must have shape \(3,\).*\(4, 3\), not \(4,\)"),
        (
            BatchNorm1d(4, track_running_stats=False),
            X,
            r"weight must have shape \(3,\).*not \(4,\)",
        ),
    ],
)
def test_wrong_inputs_are_refused(layer, x, message):
    with pytest.raises(ValueError, match=message):
        layer(x)


def test_one_value_is_enough_in_eval_mode_but_not_without_running_statistics():
    assert BatchNorm1d(3).eval()(X[:1]).shape == (1, 3)
    assert BatchNorm2d(3)(torch.rand(1, 3, 2, 2)).shape == (1, 3, 2, 2)
    with pytest.raises(ValueError, match="at least two values per channel"):
        BatchNorm1d(3, track_running_stats=False).eval()(X[:1])


def test_a_refused_batch_leaves_no_trace():
    layer = BatchNorm1d(3)
    with pytest.raises(ValueError, match="at least two"):
        layer(X[:1])
    assert layer.num_batches_tracked == 0


def test_integers_are_refused():
    with pytest.raises(TypeError, match=r"floating-point dtype, not torch.int64; convert it"):
        BatchNorm1d(3)(torch.ones(4, 3, dtype=torch.int64))


@pytest.mark.parametrize("eps", [0, -1e-5, float("nan")])
def test_eps_must_be_positive(eps):
    with pytest.raises(ValueError, match="eps must be positive, not"):
        BatchNorm1d(3, eps=eps)
    with pytest.raises(ValueError, match="eps must be positive, not"):
        batchnorm.batch_norm(X, None, None, training=True, eps=eps)


def test_eval_mode_needs_running_statistics():
    with pytest.raises(ValueError, match="needs running_mean and running_var"):
        batchnorm.batch_norm(X, None, None)
    with pytest.raises(ValueError, match=r"\(N, C\) or \(N, C, \*spatial\), not \(3,\)"):
        batchnorm.batch_norm(X[0], None, None, training=True)


def test_devices_without_float64_are_refused():
    x = SimpleNamespace(device=torch.device("mps"), ndim=2, shape=(4, 3))
    with pytest.raises(TypeError, match=r"MPS devices do not have; use torch\.nn's layer"):
        BatchNorm1d(3)(x)
