"""What one asks for is found among the recorded runs; what cannot be asked gets a sentence."""

import numpy as np
import pytest

from helpers import bench, elsewhere, pool
from helpers.bench import requests
from helpers.bench.sentences import NotOnTheBench, listed
from helpers.experiments.pool_settings import BASE
from helpers.pool import CURVES, SLOW, WATCHED

POOL, CLOSELY = pool.load(), pool.load(pool.WATCHED_PATH)
NORM_OF = {arm: norm for norm, arm in bench.NORMS.items()}


def asked_as(arm):
    """What asks for an arm of the pool."""
    norm, _, dropout = arm.rpartition("dropout ")
    if not dropout.startswith("0."):
        return {"norm": NORM_OF[arm]}
    return {"norm": NORM_OF[norm.rstrip(", ") or "plain"], "dropout": float(dropout)}


def same_runs(found, wanted, seeds=slice(None)):
    """Whether runs are those of the pool, as far as these go."""
    assert found.arm == wanted.arm
    assert found.rates.tolist() == wanted.rates.tolist()
    steps = len(wanted.steps)
    for name in CURVES:
        np.testing.assert_array_equal(
            found.curves[name][:, seeds, :steps], wanted.curves[name], err_msg=name
        )


@pytest.mark.parametrize("setting", bench.settings())
def test_every_recorded_run_is_found(setting):
    axes = POOL.axes[setting]
    for arm, rates in POOL.arms[setting].items():
        seeds = [axes.get("first_seed", 0) + seed for seed in range(5)]
        found = bench.runs(setting, rate=rates, seeds=seeds, **asked_as(arm))
        wanted = POOL.runs(setting, arm)
        same_runs(found, wanted)
        if len(found.steps) == len(wanted.steps):
            assert set(found.last) == set(wanted.last)
            for key, values in wanted.last.items():
                np.testing.assert_array_equal(found.last[key], values)


@pytest.mark.parametrize(
    ("like", "what", "setting"),
    [
        ("relu", {}, "relu"),
        ("relu", {"batch": 8}, "relu, batch 8"),
        ("relu, batch 8", {"batch": 64}, "relu"),
        ("relu", {"depth": 12}, "relu, 12 x 64"),
        ("relu", {"depth": 2, "width": 128}, "relu, 2 x 128"),
        ("relu", {"hidden": [128, 128]}, "relu, 2 x 128"),
        ("relu, 2 x 128", {"depth": 8, "width": 100}, "relu, 8 x 100"),
        ("relu", {"init": "pytorch"}, "relu, PyTorch's init"),
        ("relu", {"pixels": "standardized"}, "relu, pixels standardized"),
        ("relu", {"optimizer": "adam"}, "relu, Adam"),
        ("relu", {"activation": "tanh"}, "tanh"),
        ("relu", {"data": "mnist"}, "relu, MNIST"),  # all 3,000 images of it
        ("relu", {"data": "mnist", "images": 3000}, "relu, MNIST"),
        ("relu, MNIST", {"data": "digits"}, "relu"),
        ("sigmoid", {"data": "mnist"}, "sigmoid, MNIST"),
        ("300 images", {"data": "mnist"}, "300 images, MNIST"),  # and 300 stay 300
        ("300 images", {"wrong": 0.4}, "wrong labels"),
        ("300 images", {"images": 1047}, "1047 images"),
        ("30 x 32", {"activation": "tanh"}, "30 x 32, tanh"),
    ],
)
def test_a_setting_is_found_by_what_is_different(like, what, setting):
    found = bench.runs(like, **what)
    same_runs(found, POOL.runs(setting, "batch norm"))
    assert found.setting == requests.words(POOL.axes[setting])


def test_the_scale_of_initial_weights_was_recorded_at_some_rates():
    found = bench.runs(gain=10, rate=[0.1, 1.0])  # a whole number is as good
    same_runs(found, POOL.runs("relu, gain 10", "batch norm"))
    assert bench.runs(gain=10).rates.tolist() == [0.1, 1.0]


def test_of_the_same_setting_the_longest_runs_are_taken():
    assert POOL.axes["relu, gain 1"]["steps"] == 200
    assert bench.runs("relu, gain 1").steps[-1] == 400


def test_rates_are_those_that_were_recorded():
    assert bench.runs(rate=0.3).rates.tolist() == [0.316]
    assert bench.runs(rate=[3, 0.1, 0.03, 0.0316]).rates.tolist() == [0.0316, 0.1, 3.16]
    assert bench.runs(rate=np.array([0.1])).rates.tolist() == [0.1]
    assert bench.runs().rates.tolist() == POOL.arms["relu"]["batch norm"]
    assert requests.request(rates=0.2).rates == (0.2,)
    assert len(requests.request(rates=0.2).missing) == 5


@pytest.mark.parametrize(
    ("seeds", "wanted"), [(3, [0, 1, 2]), ([4, 1], [4, 1]), (range(1, 3), [1, 2]), ((2,), [2])]
)
def test_seeds_are_how_many_or_which(seeds, wanted):
    found = bench.runs(seeds=seeds).curves["test accuracy"]
    recorded = POOL.runs("relu", "batch norm").curves["test accuracy"]
    np.testing.assert_array_equal(found, recorded[:, wanted])


def test_fresh_seeds_go_on_from_five_where_they_were_recorded():
    found = bench.runs("300 images", seeds=10, norm="none", dropout=0.5)
    same_runs(found, POOL.runs("300 images", "dropout 0.5"), slice(5))
    fresh = POOL.runs("300 images, fresh seeds", "dropout 0.5")
    same_runs(found, fresh, slice(5, 10))
    same_runs(bench.runs("300 images, fresh seeds", seeds=range(5, 10)), POOL.runs(
        "300 images, fresh seeds", "batch norm"
    ))  # fmt: skip
    assert len(requests.request(seeds=6, rates=0.1).missing) == 1


def test_what_was_watched_is_asked_for_by_its_record():
    found = requests.request(source="watched", norm="none")
    assert found.missing == []
    runs = found.answered({})
    assert tuple(runs.curves) == CURVES + WATCHED
    wanted = CLOSELY.runs("relu, watched", "plain")
    for name in WATCHED:
        np.testing.assert_array_equal(runs.curves[name], wanted.curves[name])


def test_an_arm_that_was_watched_only_is_found_as_any_other():
    found = bench.runs(norm="batch, momentum 0.01")
    same_runs(found, CLOSELY.runs("relu, watched", SLOW))
    assert tuple(found.curves) == CURVES


def test_gradients_are_asked_for_by_their_record():
    found = requests.request("sigmoid", source="gradients", norm="none").answered({})
    wanted = elsewhere.runs("3 x 100, sigmoid", "plain")
    assert found.steps.tolist() == [50, 100, 150, 200]
    assert found.rates.tolist() == wanted.rates.tolist()
    for name in elsewhere.MEASURED:
        np.testing.assert_array_equal(found.last[name], wanted.last[name])
    assert bench.recorded({"a": {}}, {"measure": "smoothness"}, {"depth": 8})
    assert not bench.recorded({"a": {}}, {"measure": "smoothness"}, {"batch": 2})


def test_every_norm_was_recorded_somewhere():
    arms = {arm for p in (POOL, CLOSELY) for arms in p.arms.values() for arm in arms}
    assert set(bench.NORMS.values()) <= arms


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"norm": "layer"}, 'no norm \'layer\'; there are "none", "batch"'),
        ({"norm": "group", "dropout": 0.5}, "dropout goes with the norms none and batch"),
        ({"dropout": 2}, "dropout is a share between 0 and 1, not 2"),
        ({"like": "relus"}, "no setting 'relus' to start from"),
        ({"lr": 0.1}, "no 'lr' to change; there are norm, dropout, depth, width, activation"),
        ({"steps": 100}, "no 'steps' to change"),
        ({"first_seed": 5}, "no 'first_seed' to change"),
        ({"rates": 0}, "rates are numbers above 0, not 0"),
        ({"rates": []}, "rates are numbers above 0"),
        ({"rates": [0.1, -1]}, "rates are numbers above 0"),
        ({"rates": np.nan}, "rates are numbers above 0"),
        ({"seeds": 0}, "seeds is how many, or a list of seeds from 0 on"),
        ({"seeds": []}, "seeds is how many"),
        ({"seeds": [0, -1]}, "seeds is how many"),
        ({"activation": "gelu"}, "activation is 'gelu', but there are relu, sigmoid and tanh"),
        ({"optimizer": "rmsprop"}, "optimizer is 'rmsprop', but there are sgd, momentum and adam"),
        ({"pixels": "blue"}, "pixels is 'blue', but there are raw, centred and standardized"),
        ({"init": "glorot"}, "init is 'glorot', but there are he and pytorch"),
        ({"data": "cifar10"}, "data is 'cifar10', but there are digits and mnist"),
        ({"images": 1048}, "digits has 1,047 images to train on, not 1048"),
        ({"data": "mnist", "images": 10**6}, "images is a number from 1 to 3750"),
        ({"depth": 0}, "depth is a number from 1 to 100, not 0"),
        ({"width": 0}, "width is a number from 1 to 1024, not 0"),
        ({"batch": 0}, "batch is a number from 1 to 3750, not 0"),
        ({"batch": 2.5}, "batch is a whole number, not 2.5"),
        ({"batch": "8"}, "batch is a number from 1 to 3750, not '8'"),
        ({"wrong": 1.5}, "wrong is a number from 0.0 to 1.0, not 1.5"),
        ({"gain": "10"}, "gain is a number from 0.0"),
        ({"norm": "SkipInit", "activation": "tanh"}, "SkipInit goes with relu"),
        ({"norm": "batch, skips", "gain": 10}, "batch, skips goes with relu"),
        ({"source": "watched", "batch": 2}, "only these settings were watched so closely: relu, "),
        ({"source": "watched", "seeds": 6}, "only these settings were watched"),
        ({"source": "gradients", "batch": 2}, "measured on the way in these"),
        ({"source": "gradients", "seeds": 6}, "for the seeds 0 to 4 only"),
        ({"source": "gradients", "rates": 0.2}, "at the rates 0.1, 0.3, 1.0 and 3.0, not at 0.2"),
        ({"source": "gradients", "norm": "group"}, "gradients of group norm were not measured"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_gets_a_sentence(asked, said):
    with pytest.raises(NotOnTheBench, match=said.replace("(", r"\(")) as raised:
        requests.request(**asked)
    assert raised.value._render_traceback_() == [f"✗ {raised.value}"]
    assert not str(raised.value).endswith(".")


def test_numbers_are_taken_as_they_were_recorded():
    assert requests.request(batch=8.0).axes["batch"] == 8
    assert requests.request("sigmoid", init="he").axes["init"] == "he"
    made_whole = requests.request(init=1).axes["init"]
    assert isinstance(made_whole, float)  # a deviation that is no float would be passed over


def test_a_setting_in_words():
    assert requests.words(BASE) == (
        "5 layers of 64 relu units, 1,047 images of digits, batches of 64"
    )
    changed = {"wrong": 0.4, "pixels": "centred", "gain": 10.0, "init": "pytorch"}
    said = requests.words({**BASE, **changed, "optimizer": "adam", "hidden": [8, 8]})
    for part in (
        *("2 layers of 8", "40% wrong labels", "pixels centred", "times 10"),
        *("PyTorch's initial weights", "adam"),
    ):
        assert part in said


@pytest.mark.parametrize("like", ["relu", "sigmoid", "300 images", "30 x 32"])
def test_changes_are_settings_that_differ_in_one_thing(like):
    base, found = POOL.axes[like], bench.changes(like)
    recorded = [*POOL.axes.values(), *map(elsewhere.axes, elsewhere.settings())]
    beside = ("steps", "first_seed")
    for axis, values in found.items():
        assert base[axis] not in values
        for value in values:
            axes = requests.request(like, **{axis: value}).axes
            assert axes[axis] == value
            assert any(
                all(other[key] == axes[key] for key in axes if key not in beside)
                for other in recorded
            ), (axis, value)


def test_changes_of_the_base():
    found = bench.changes()
    assert found["batch"] == [2, 4, 8, 20, 256]
    assert found["data"] == ["mnist"]  # with all its images, which is one thing
    assert found["images"] == [300]
    assert [128, 128] in found["hidden"]
    assert found["gain"] == sorted(found["gain"])
    assert "wrong" not in found
    assert "wrong" in bench.changes("300 images")


TWO = {"batch norm": {"norm": "batch"}, "plain": {"norm": "none"}}


def test_whether_a_change_makes_sense_and_was_recorded():
    assert len(bench.check(TWO, {}, {"batch": 7})) == 2
    with pytest.raises(NotOnTheBench, match="no 'bach' to change"):
        bench.check(TWO, {}, {"bach": 7})
    assert bench.recorded(TWO, {}, {"batch": 8})
    assert not bench.recorded(TWO, {}, {"batch": 7})
    assert not bench.recorded(TWO, {}, {"bach": 8})
    assert not bench.recorded(TWO, {"rates": 0.2}, {"batch": 8})
    assert bench.recorded(TWO, {"rates": "plain"}, {"batch": 8})
    scaled = {"scaled": {"gain": 10.0}, "usual": {}}
    assert bench.recorded(scaled, {"rates": 0.1}, {"gain": 100}, first_only=("gain",))


def test_names_are_listed():
    assert listed(["a"]) == "a"
    assert listed(["a", 2, "c"]) == "a, 2 and c"
    assert listed("abc", ";") == "a; b and c"
