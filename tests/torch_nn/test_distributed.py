"""Batch norm over two real processes equals batch norm over their joined batch."""

import numpy as np
import pytest
import torch
from torch import nn

from helpers.torch_nn import batchnorm
from helpers.torch_nn.distributed import SyncBatchNorm, combined, join
from helpers.torch_nn.torchrun import launch
from torch_nn import distributed_workers as workers
from torch_nn import test_checkpoint, test_training

TWINS = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The file of the run that two processes train together."""
    return tmp_path_factory.mktemp("together") / "run.pt"


def in_each_process(folder, run, folder_of_ranks):
    return workers.all_checks(folder) | {
        "together": test_training.train_together(run),
        "resumed": test_checkpoint.interrupted_and_resumed(folder_of_ranks),
    }


@pytest.fixture(scope="module")
def ranks(folder, run, tmp_path_factory):
    """What two processes found; one launch for all tests: the start takes longest."""
    arguments = [folder, run, tmp_path_factory.mktemp("ranks")]
    return launch(in_each_process, 2, arguments=arguments, timeout=200)


def close(actual, expected, tol=1e-12):
    torch.testing.assert_close(actual, expected, rtol=tol, atol=tol)


@pytest.mark.parametrize("name", list(workers.CASES))
def test_two_processes_compute_what_one_computes_on_the_joined_batch(ranks, name):
    x, dy, _ = workers.case(name)
    whole = workers.set_up(TWINS[x.ndim](3, dtype=torch.float64))
    y, dx, dgamma, dbeta, mean, var, frozen = workers.passes(whole, x, dy, x)
    first, second = (rank["layers"][name] for rank in ranks)
    # The mean of 1000 costs nn.BatchNorm a few digits; ours keeps them.
    close(torch.cat([first[0], second[0]]), y, 1e-11)
    close(torch.cat([first[1], second[1]]), dx, 1e-11)
    close(first[2] + second[2], dgamma, 1e-11)
    close(first[3] + second[3], dbeta)
    for mine in (first, second):
        close(mine[4], mean)
        close(mine[5], var)
        close(mine[6], frozen)


def test_a_batch_of_one_value_is_refused_in_every_process(ranks):
    for rank in ranks:
        assert "all processes together have 1" in rank["too small"]


def test_a_process_group_bounds_who_shares_a_batch(ranks):
    assert ranks[0]["group"] == 0


@pytest.mark.parametrize("norm", ["group", "sync"])
def test_data_parallel_gradients_are_those_of_the_whole_batch(ranks, norm):
    expected = workers.gradient(
        workers.new_net("batch" if norm == "sync" else norm), *workers.batch()
    )
    for rank in ranks:
        close(rank["nets"][norm], expected)


def test_a_compiled_net_synchronizes_too(ranks):
    expected = workers.gradient(workers.new_net("batch"), *workers.batch())
    for rank in ranks:
        close(rank["compiled"], expected)


def test_with_statistics_per_process_they_are_not(ranks):
    expected = workers.gradient(workers.new_net("batch"), *workers.batch())
    for rank in ranks:
        assert (rank["nets"]["batch"] - expected).norm() > 0.1 * expected.norm()


@pytest.mark.parametrize("norm", ["group", "sync"])
def test_fit_in_two_processes_equals_fit_in_one(ranks, norm):
    loss, state, accuracy = workers.trained("batch" if norm == "sync" else norm)
    assert len(loss) == workers.STEPS
    for rank in ranks:
        got_loss, got_state, got_accuracy = rank["fits"][norm]
        np.testing.assert_allclose(got_loss, loss, rtol=1e-4)
        assert got_accuracy == pytest.approx(accuracy, abs=0.005)
        for name, value in state.items():
            torch.testing.assert_close(got_state[name], value, rtol=1e-3, atol=1e-4)


def test_fit_with_statistics_per_process_is_something_else(ranks):
    loss, _, _ = workers.trained("batch")
    for rank in ranks:
        assert np.abs(rank["fits"]["batch"][0] - loss).max() > 0.01


def test_weights_agree_in_all_processes_and_synchronized_statistics_do(ranks):
    first, second = (rank["fits"]["sync"][1] for rank in ranks)
    for name in first:
        assert torch.equal(first[name], second[name]), name
    first, second = (rank["fits"]["batch"][1] for rank in ranks)
    differ = {name for name in first if not torch.equal(first[name], second[name])}
    assert differ == {name for name in first if "running_" in name}


def test_only_rank_0_writes_checkpoints(ranks, folder):
    norms = ("batch", "group", "sync")
    assert sorted(path.name for path in folder.iterdir()) == [f"{n} of rank 0.pt" for n in norms]


def test_two_processes_train_like_one(ranks, run):
    model = test_training.net("layer")
    history = test_training.fit(model, test_training.DATA, **test_training.SETTINGS)
    first, second = (rank["together"] for rank in ranks)
    for loss, accuracy, parameters, _ in (first, second):
        np.testing.assert_allclose(loss, history.loss, rtol=1e-4)
        np.testing.assert_allclose(accuracy, history.test_accuracy, atol=0.011)
        for key, value in model.state_dict().items():
            np.testing.assert_allclose(parameters[key], value, atol=1e-4)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    assert [first[3], second[3]] == [2, 0]  # rank 0 alone writes, after both epochs
    assert torch.load(run)["epoch"] == 2


def test_rank_0_decides_where_all_processes_go_on(ranks):
    first, second = (rank["resumed"] for rank in ranks)
    assert first[0]
    assert second[0]
    assert first[1] == second[1]  # an error is one in every process
    disagree, other_settings, other_data, damaged = first[1]
    assert "the processes do not train the same: lr in rank 1 is 1.1 and in rank 0 0.1;" in disagree
    assert "belongs to another run: lr was 0.1 and is 0.5" in other_settings
    assert "dataset in rank 1 is digits, 1297 images and in rank 0 digits, 330" in other_data
    assert "cannot be read as a checkpoint" in damaged
    assert (first[2], second[2]) == (["run.pt"], [])


# ------------------------------------------------------------------ without processes


def test_parts_make_the_whole():
    rng = np.random.default_rng(3)
    parts = [torch.from_numpy(rng.normal(1e6, s, size=(n, 4))) for n, s in ((5, 1), (1, 2), (9, 3))]
    counts = torch.tensor([[5.0], [1.0], [0.0], [9.0]], dtype=torch.float64)
    means = [part.mean(0) for part in parts]
    variances = [part.var(0, correction=0) for part in parts]
    for of_parts in (means, variances):
        of_parts.insert(2, torch.full((4,), 7.0, dtype=torch.float64))  # of an empty part
    mean, var = combined(counts, torch.stack(means), torch.stack(variances))
    whole = torch.cat(parts)
    close(mean, whole.mean(0))
    close(var, whole.var(0, correction=0), 1e-9)


def test_who_is_alone_cannot_join(monkeypatch):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(RuntimeError, match="start the program with torchrun"):
        join()


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(RuntimeError, match="process 3 on a machine with 2 GPUs"):
        join()


def test_alone_it_is_plain_batch_norm():
    for name in workers.CASES:
        x, dy, _ = workers.case(name)
        ours = workers.set_up(SyncBatchNorm(3, dtype=torch.float64))
        twin = workers.set_up(TWINS[x.ndim](3, dtype=torch.float64))
        for got, wanted in zip(
            workers.passes(ours, x, dy, x), workers.passes(twin, x, dy, x), strict=True
        ):
            close(got, wanted, 1e-11)


def net():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3),
        nn.BatchNorm2d(3, eps=0.1, momentum=None),
        nn.Sequential(nn.ReLU(), batchnorm.BatchNorm2d(3), nn.Flatten()),
        nn.BatchNorm1d(12, affine=False, track_running_stats=False),
    )


def test_convert_replaces_every_batch_norm_and_keeps_its_tensors():
    model = net().eval()
    model[3].train()
    before, modes = model.state_dict(keep_vars=True), [m.training for m in model.modules()]
    optimizer_holds = list(model.parameters())
    converted = SyncBatchNorm.convert(model)
    assert converted is model
    kinds = [type(m) for m in model.modules() if "BatchNorm" in type(m).__name__]
    assert kinds == [SyncBatchNorm] * 3
    after = model.state_dict(keep_vars=True)
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)
    assert all(a is b for a, b in zip(model.parameters(), optimizer_holds, strict=True))
    assert [m.training for m in model.modules()] == modes
    assert (model[1].eps, model[1].momentum) == (0.1, None)
    assert model[3].weight is None
    assert model[3].running_mean is None


def test_convert_takes_a_bare_layer_and_pytorchs_own_synchronized_one():
    for kind in (nn.SyncBatchNorm, nn.BatchNorm3d, SyncBatchNorm):
        layer = kind(4)
        converted = SyncBatchNorm.convert(layer, process_group="some group")
        assert type(converted) is SyncBatchNorm
        assert converted.weight is layer.weight
        assert converted.process_group == "some group"


class NormAct(nn.BatchNorm1d):
    def forward(self, x):
        return torch.relu(super().forward(x))


def with_own_forward():
    layer = nn.BatchNorm1d(3)
    layer.forward = lambda x: x
    return layer


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: NormAct(3), "is a NormAct, a subclass that may compute"),
        (lambda: type("Mine", (batchnorm.BatchNorm1d,), {})(3), "is a Mine, a subclass"),
        (nn.LazyBatchNorm1d, "is a LazyBatchNorm1d, which does not know its channels yet: call"),
        (with_own_forward, "is a BatchNorm1d, whose forward was replaced"),
        (
            lambda: nn.utils.parametrize.register_parametrization(
                nn.BatchNorm1d(3), "weight", nn.Tanh()
            ),
            "is a ParametrizedBatchNorm1d, a subclass",
        ),
    ],
)
def test_a_norm_that_might_be_something_else_is_refused_and_nothing_changed(layer, message):
    model = nn.Sequential(nn.BatchNorm1d(3), nn.ModuleList([layer()]))
    with pytest.raises(TypeError, match=f"the module '1.0' {message}"):
        SyncBatchNorm.convert(model)
    assert type(model[0]) is nn.BatchNorm1d
    with pytest.raises(TypeError, match=f"the model {message}"):
        SyncBatchNorm.convert(layer())


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_a_scripted_norm_is_refused():
    model = nn.Sequential(torch.jit.script(nn.Sequential(nn.BatchNorm1d(3))))
    with pytest.raises(
        TypeError, match=r"the module '0.0' is a RecursiveScriptModule, which is com"
    ):
        SyncBatchNorm.convert(model)


def test_convert_reaches_a_norm_in_any_place_and_keeps_it_one():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.shared = nn.BatchNorm1d(3)
            self.again = nn.Sequential(nn.Linear(3, 3), self.shared)
            self.by_name = nn.ModuleDict({"norm": batchnorm.BatchNorm1d(3)})
            self.in_list = [nn.BatchNorm1d(3), {"deeper": (nn.BatchNorm1d(3),)}]
            self.in_list.append(self.in_list)

    net = Net()
    norms = [net.shared, net.by_name["norm"], net.in_list[0], net.in_list[1]["deeper"][0]]
    SyncBatchNorm.convert(net)
    assert {type(norm) for norm in norms} == {SyncBatchNorm}
    assert net.again[1] is net.shared is norms[0]


def test_hooks_stay_and_can_be_removed():
    calls = []
    layer = nn.BatchNorm1d(3)
    handles = [
        layer.register_forward_hook(lambda *_: calls.append("forward")),
        layer.register_forward_pre_hook(lambda *_: calls.append("before")),
        layer.register_full_backward_hook(lambda *_: calls.append("backward")),
        layer.register_state_dict_post_hook(lambda *_: calls.append("state")),
    ]
    model = SyncBatchNorm.convert(nn.Sequential(layer))
    model(torch.randn(4, 3, requires_grad=True)).sum().backward()
    model.state_dict()
    assert calls == ["before", "forward", "backward", "state"]
    for handle in handles[:3]:
        handle.remove()
    model(torch.randn(4, 3))
    assert calls == ["before", "forward", "backward", "state"]


def test_a_norm_that_is_synchronized_keeps_its_group_unless_another_is_given():
    layer = SyncBatchNorm.convert(nn.Sequential(nn.SyncBatchNorm(3, process_group="old")))
    assert layer[0].process_group == "old"
    assert SyncBatchNorm.convert(layer)[0].process_group == "old"
    assert SyncBatchNorm.convert(layer, process_group="new")[0].process_group == "new"


def test_a_converted_model_computes_the_same_and_trains_with_the_old_optimizer():
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 1, 4, 4)))
    plain, model = net().double(), net().double()
    model.load_state_dict(plain.state_dict())
    optimizers = [torch.optim.SGD(m.parameters(), 0.1) for m in (plain, model)]
    model = SyncBatchNorm.convert(model)
    for _ in range(2):
        for m, optimizer in zip((plain, model), optimizers, strict=True):
            optimizer.zero_grad()
            m(x)[:, 0].pow(3).sum().backward()
            optimizer.step()
    for name, value in plain.state_dict().items():
        close(model.state_dict()[name], value)


@pytest.mark.parametrize("theirs", [nn.SyncBatchNorm, nn.BatchNorm2d])
def test_states_are_interchangeable_with_pytorchs(theirs):
    source, target = theirs(3), SyncBatchNorm(3)
    source.running_mean.fill_(5.0)
    target.load_state_dict(source.state_dict())
    assert target.running_mean.tolist() == [5.0] * 3
    theirs(3).load_state_dict(target.state_dict())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_it_equals_nn_sync_batch_norm():
    for ours, theirs in launch(workers.on_gpu, min(torch.cuda.device_count(), 2)):
        for got, wanted in zip(ours, theirs, strict=True):
            torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)
