"""What was not recorded is trained: once, in less than a minute, as the recorded runs were."""

import numpy as np
import pytest

from helpers import bench, pool, training_runs
from helpers.bench import live, requests
from helpers.bench.sentences import NotOnTheBench
from helpers.data import DataError
from helpers.pool import CURVES, SLOW, STEPS

TRAIN = training_runs.train


@pytest.fixture
def trained(monkeypatch):
    """A list of the runs that are trained from now on: (arm, rate, seed, batch)."""
    done = []

    def train(arm, rate, seed, **axes):
        done.append((arm, rate, seed, axes["batch"]))
        reached = [step for step in STEPS if step <= axes["steps"]]
        curves = [[rate + seed + i / 100 for _ in reached] for i in range(len(CURVES))]
        return {"curves": curves, "last": {"own": 0.5}}

    monkeypatch.setattr(training_runs, "train", train)
    return done


@pytest.fixture
def seconds(monkeypatch):
    """A list whose last entry is how long each run takes."""
    each, now = [0.0], [0.0]

    def clock():
        now[0] += each[-1]
        return now[0]

    monkeypatch.setattr(live.time, "perf_counter", clock)
    return each


def test_nothing_is_trained_that_was_recorded(trained, capsys):
    bench.runs("relu", batch=8)
    bench.compare({"a": {"norm": "batch"}, "b": {"norm": "none"}})
    assert trained == []
    assert capsys.readouterr().out == ""


def test_what_is_missing_is_trained_beside_what_is_not(trained, capsys):
    found = bench.runs(rate=[0.1, 0.2], seeds=2)
    assert trained == [("batch norm", 0.2, 0, 64), ("batch norm", 0.2, 1, 64)]
    recorded = pool.load().runs("relu", "batch norm")
    for i, name in enumerate(CURVES):
        row = recorded.curves[name][recorded.at(0.1), :2]
        np.testing.assert_array_equal(found.curves[name][0], row)
        np.testing.assert_allclose(found.curves[name][1, :, -1], [0.2 + i / 100, 1.2 + i / 100])
    assert found.last["own"].shape == (2, 2)
    assert found.last["own"][1].tolist() == [0.5, 0.5]
    assert np.isnan(found.last["variance"][1]).all()
    assert capsys.readouterr().out.startswith("Not recorded: 2 runs are trained now")


def test_what_has_been_trained_is_kept(trained, capsys):
    first = bench.runs(batch=7, rate=0.1, seeds=2)
    capsys.readouterr()
    again = bench.runs("relu, batch 8", batch=7, rate=0.1, seeds=2)
    assert len(trained) == 2
    assert capsys.readouterr().out == ""
    for name in CURVES:
        np.testing.assert_array_equal(first.curves[name], again.curves[name])
    bench.runs(batch=7, rate=0.1, seeds=3)
    assert trained[2:] == [("batch norm", 0.1, 2, 7)]


def test_a_run_is_what_it_depends_on():
    axes = {"batch": 8, "hidden": [2, 3]}
    run = live.Run("plain", 0.1, 0, axes)
    assert run == live.Run("plain", 0.1, 0, dict(reversed(axes.items())))
    others = [
        live.Run("batch norm", 0.1, 0, axes),
        live.Run("plain", 0.2, 0, axes),
        live.Run("plain", 0.1, 1, axes),
        live.Run("plain", 0.1, 0, axes | {"batch": 9}),
    ]
    assert len({run, *others}) == 5


def test_where_nothing_was_recorded_the_rates_are_those_of_the_setting_to_start_from(trained):
    found = bench.runs("sigmoid", norm="none", width=50, seeds=1)
    assert found.rates.tolist() == pool.load().arms["sigmoid"]["plain"]
    assert len(trained) == len(found.rates)


def test_more_than_a_minute_is_refused_by_the_first_run(trained, seconds):
    seconds.append(10.0)
    with pytest.raises(NotOnTheBench, match="its 10 runs would take about 100 seconds here"):
        bench.runs(batch=7, rate=[0.1, 0.2], seeds=5)
    assert len(trained) == 1
    # The measure of it is done, and the rest in parts.
    bench.runs(batch=7, rate=0.1, seeds=5)
    assert len(trained) == 5
    bench.runs(batch=7, rate=[0.1, 0.2], seeds=5)
    assert len(trained) == 10


def test_a_minute_is_for_all_that_is_asked_at_once(trained, seconds):
    seconds.append(10.0)
    arms = {"a": {"norm": "batch", "batch": 7}, "b": {"norm": "none", "batch": 7}}
    with pytest.raises(NotOnTheBench, match="its 8 runs would take about 80 seconds"):
        bench.compare(arms, rates=0.1, seeds=4)
    seconds.append(1.0)
    bench.compare(arms, rates=0.1, seeds=4)
    assert len(trained) == 8


def test_longest_is_a_minute(trained, seconds, monkeypatch):
    assert live.LONGEST == 60
    monkeypatch.setattr(live, "LONGEST", 5.0)
    seconds.append(3.0)
    with pytest.raises(NotOnTheBench, match="fewer rates or seeds"):
        bench.runs(batch=7, rate=0.1, seeds=2)


def test_what_an_interrupted_comparison_has_trained_stays(trained, monkeypatch):
    train = training_runs.train

    def interrupted(*args, **axes):
        if len(trained) == 3:
            raise KeyboardInterrupt
        return train(*args, **axes)

    monkeypatch.setattr(training_runs, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bench.runs(batch=7, rate=0.1)
    monkeypatch.setattr(training_runs, "train", train)
    bench.runs(batch=7, rate=0.1)
    assert [seed for _, _, seed, _ in trained] == [0, 1, 2, 3, 4]


def test_images_that_are_not_at_hand_are_a_sentence(monkeypatch):
    def images(name):
        raise DataError(f"no {name} here")

    monkeypatch.setattr(training_runs, "train", TRAIN)
    monkeypatch.setattr(training_runs, "images", images)
    with pytest.raises(NotOnTheBench, match="its images are not at hand: no mnist here"):
        bench.runs(data="mnist", images=11, rate=0.1, seeds=1)
    assert live._trained == {}


def test_a_network_that_there_cannot_be_is_a_sentence(monkeypatch):
    monkeypatch.setattr(training_runs, "train", TRAIN)
    for what in ({"batch": 1}, {"norm": "group", "width": 12}):
        with pytest.raises(NotOnTheBench, match="not recorded, and cannot be trained: "):
            bench.runs(rate=0.1, seeds=1, **what)


def test_runs_of_an_arm_that_was_watched_only_are_trained_beside_them(trained):
    found = bench.runs(norm="batch, momentum 0.01", rate=[0.1, 0.2], seeds=1)
    assert trained == [(SLOW, 0.2, 0, 64)]
    watched = pool.load(pool.WATCHED_PATH).runs("relu, watched", SLOW)
    np.testing.assert_array_equal(
        found.after("test accuracy")[0], watched.after("test accuracy")[watched.at(0.1), :1]
    )


@pytest.mark.parametrize(("norm", "gain"), [("batch", 10.0), ("none", 0.316)])
def test_what_is_trained_now_is_what_was_recorded(monkeypatch, norm, gain):
    asked = {"norm": norm, "gain": gain, "rate": 0.1, "seeds": [3]}
    recorded = bench.runs(**asked)
    monkeypatch.setattr(training_runs, "train", TRAIN)
    monkeypatch.setattr(requests, "_cells", lambda *args: {})  # as if nobody had recorded it
    found = bench.runs(**asked)
    assert len(live._trained) == 1
    for name in CURVES:
        np.testing.assert_allclose(
            found.curves[name], recorded.curves[name], rtol=1e-3, atol=1e-4, err_msg=name
        )
    for key, values in recorded.last.items():
        np.testing.assert_allclose(found.last[key], values, rtol=1e-3, atol=1e-3)
