"""The pool: what was recorded can be read again, arm by arm, and asked for by name."""

import io
import json

import numpy as np
import pytest
from notebook_links import FOLDER

from helpers import pool, training_runs
from helpers.contents import numbered
from helpers.experiments import pool as recorded
from helpers.experiments.pool_settings import BASE
from helpers.pool import CURVES, STEPS

AXES = {"batch": 8, "steps": 100}
REACHED = [step for step in STEPS if step <= 100]


def result(rate, seed, arm):
    curves = [[rate + seed / 100 + i for _ in REACHED] for i in range(len(CURVES))]
    last = {"own": 0.5 + seed / 10, "variance": [1.0, 2.0]} if arm == "batch norm" else {}
    return {"curves": curves, "last": last if rate < 1 else {}}


def content():
    runs = [
        {"setting": {"name": name, "arm": arm, "rate": rate, "seed": seed, **AXES}}
        | {"result": result(rate, seed, arm)}
        for name in ("a", "b")
        for arm in ("plain", "batch norm")
        for rate in (0.1, 0.3, 1.0)
        for seed in range(5)
    ]
    return {"name": "pool", "date": "2026-01-01", "device": "a CPU", "data": "digits", "runs": runs}


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "pool.npz"
    path.write_bytes(pool.pack(content()))
    return pool.load(path)


def test_every_run_is_found_again(small):
    for name in ("a", "b"):
        runs = small.runs(name, "batch norm")
        assert runs.rates.tolist() == [0.1, 0.3, 1.0]
        assert runs.steps.tolist() == REACHED
        assert set(runs.curves) == set(CURVES)
        for i, curve in enumerate(CURVES):
            wanted = np.add.outer([0.1, 0.3, 1.0], np.arange(5) / 100) + i
            np.testing.assert_allclose(runs.curves[curve][..., -1], wanted, rtol=1e-3)
    assert small.axes == {"a": AXES, "b": AXES}


def test_numbers_of_the_trained_network_are_nan_where_a_run_has_none(small):
    runs = small.runs("a", "batch norm")
    assert runs.last["variance"].shape == (3, 5, 2)
    np.testing.assert_allclose(runs.last["own"][0], 0.5 + np.arange(5) / 10)
    assert np.isnan(runs.last["own"][2]).all()
    assert small.runs("a", "plain").last == {}


def test_rates_are_found_to_rounding(small):
    runs = small.runs("a", "plain")
    assert [runs.at(0.1), runs.at(0.3001)] == [0, 1]
    with pytest.raises(KeyError, match=r"no rate 0\.2; there are 0\.1, 0\.3, 1"):
        runs.at(0.2)


def runs_with(curves):
    """Runs of three rates, two seeds and the steps 5, 10, 15."""
    rates, steps = np.array([0.1, 1.0, 10.0]), np.array([5, 10, 15])
    return pool.Runs("a", "plain", rates, steps, {k: np.array(v) for k, v in curves.items()}, {})


HELD_OUT = [[[0.1, 0.6, 0.5]] * 2, [[0.7, 0.8, 0.9]] * 2, [[0.2, 0.9, 0.0]] * 2]
TEST = [[[0.11, 0.61, 0.71]] * 2, [[0.71, 0.81, 0.91]] * 2, [[0.21, 0.91, 0.01]] * 2]


def test_curves_are_read_at_a_step_where_they_are_best_and_where_they_arrive():
    runs = runs_with({"held-out accuracy": HELD_OUT, "test accuracy": TEST})
    assert runs.after("test accuracy")[:, 0].tolist() == [0.71, 0.91, 0.01]
    assert runs.after("test accuracy", 10)[:, 1].tolist() == [0.61, 0.81, 0.91]
    # Stopped where the held-out images say so: at 0.1 after 10 steps, though the test goes on.
    assert runs.stopped("test accuracy")[:, 0].tolist() == [0.61, 0.91, 0.91]
    assert runs.steps_to("test accuracy", 0.8)[:, 0].tolist() == [np.inf, 10, 10]
    with pytest.raises(KeyError, match="was not examined after step 7"):
        runs.after("test accuracy", 7)


def test_rates_are_chosen_on_held_out_images_alone():
    runs = runs_with({"held-out accuracy": HELD_OUT, "test accuracy": TEST})
    assert runs.choose().rate == 1.0
    assert runs.choose(step=10).rate == 10.0
    assert runs.choose_stopped().rate == 1.0  # of equals the smaller rate
    assert runs.choose_fastest(0.9).rate == 10.0
    assert {runs.choose().on, runs.choose_fastest(0.5).on} == {"held-out"}
    assert runs.choose().inside
    losses = runs_with({"held-out loss": -np.array(HELD_OUT), "test loss": -np.array(TEST)})
    assert losses.choose("held-out loss").rate == 1.0
    # No rate gets to 0.95: of all rates, that with the best accuracy was the one to try.
    assert runs.choose_fastest(0.95).rate == 1.0
    assert losses.stopped("test loss")[:, 0].tolist() == [-0.61, -0.91, -0.91]


def arm_at(level, jitter=0.0):
    """Results of an arm whose held-out and test accuracies rise to a level at rate 0.3, 1 point
    apart, and stay at half of it at the other rates."""

    def found(rate, seed):
        top = (level + jitter * seed) * (1.0 if rate == 0.3 else 0.5)
        path = np.linspace(0, top, len(REACHED))
        curves = {"held-out accuracy": path, "test accuracy": path - 0.01}
        return {"curves": [curves.get(c, path).tolist() for c in CURVES], "last": {}}

    return found


def test_the_best_of_several_arms_is_chosen_on_held_out_images(tmp_path):
    arms = {"weak": arm_at(0.6), "strong": arm_at(0.9, jitter=0.01)}
    runs = [
        {"setting": {"name": "a", "arm": arm, "rate": rate, "seed": seed, **AXES}}
        | {"result": of(rate, seed)}
        for arm, of in arms.items()
        for rate in (0.1, 0.3, 1.0)
        for seed in range(5)
    ]
    path = tmp_path / "pool.npz"
    path.write_bytes(pool.pack(content() | {"runs": runs}))
    accuracy, choice = pool.load(path).stopped("a", "weak", "strong")
    np.testing.assert_allclose(accuracy, 0.89 + np.arange(5) / 100, atol=1e-3)
    assert (choice.rate, choice.on, choice.inside) == (0.3, "held-out", True)
    np.testing.assert_allclose(pool.load(path).stopped("a", "weak")[0], 0.59, atol=1e-3)


def test_names_that_are_not_there_bring_those_that_are(small):
    with pytest.raises(KeyError, match="no 'c' here; there are: a, b"):
        small.runs("c", "plain")
    with pytest.raises(KeyError, match="no 'dropout' here; there are: plain, batch norm"):
        small.runs("a", "dropout")
    assert ("a", "plain") in small
    assert ("a", "dropout") not in small
    assert ("c", "plain") not in small


def test_a_pool_is_unpacked_to_what_packs_to_the_same(tmp_path):
    for packed in (pool.pack(content()), pool.PATH.read_bytes()):
        back = pool.unpack(packed)
        again, told = tmp_path / "again.npz", tmp_path / "told.npz"
        again.write_bytes(pool.pack(back))
        told.write_bytes(pool.pack(json.loads(json.dumps(back))))  # by way of a partial file
        with np.load(io.BytesIO(packed)) as first:
            for path in (again, told):
                with np.load(path) as second:
                    np.testing.assert_array_equal(first["curves"], second["curves"])
                    assert str(first["index"]) == str(second["index"])
    # Settings as `helpers.record` compares them: none of the recorded runs would be trained again.
    known = [run["setting"] for run in back["runs"]]
    assert known == json.loads(json.dumps(recorded.EXPERIMENT.settings))


def test_a_pool_that_was_never_recorded_says_how(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m helpers\.record pool"):
        pool.load(tmp_path / "pool.npz")


@pytest.mark.parametrize("name", recorded.SETTINGS)
def test_every_setting_has_its_grid_and_known_arms(name):
    axes, arms = recorded.SETTINGS[name]
    assert set(axes) - {"first_seed"} == set(BASE)
    assert axes["steps"] in STEPS
    for arm, rates in arms.items():
        assert rates == sorted(set(rates))
        training_runs.network(arm, axes, 0, inputs=64)


def test_the_recorded_pool_is_that_of_the_settings():
    found = pool.load()
    assert found.axes == {name: axes for name, (axes, _) in recorded.SETTINGS.items()}
    assert found.arms == {name: arms for name, (_, arms) in recorded.SETTINGS.items()}
    evidence = FOLDER / f"{numbered('weigh_the_evidence')}.ipynb"
    kept = (pool.PATH, pool.WATCHED_PATH, evidence)
    assert sum(path.stat().st_size for path in kept) < 4e6


def test_fresh_seeds_are_seeds_that_no_other_setting_has():
    fresh = [axes for axes, _ in recorded.SETTINGS.values() if "first_seed" in axes]
    assert fresh
    assert all(axes["first_seed"] >= 5 for axes in fresh)
