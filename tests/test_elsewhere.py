"""The record of ten settings: its rates lie inside their grids, and it is read arm by arm."""

import json

import numpy as np
import pytest

from helpers import elsewhere, records
from helpers.experiments import change_and_smoothness as recorded
from helpers.experiments.pool_settings import BASE

TINY = {**BASE, "images": 60, "hidden": [8, 8], "batch": 20}


def test_the_record_holds_the_settings_that_the_experiment_has():
    runs = records.load(elsewhere.NAME)["runs"]
    now = json.loads(json.dumps(recorded.EXPERIMENT.settings))
    assert [run["setting"] for run in runs] == now
    assert elsewhere.settings() == list(recorded.SETTINGS)


@pytest.mark.parametrize("setting", list(recorded.SETTINGS))
@pytest.mark.parametrize("arm", recorded.TWO)
def test_own_rates_lie_inside_their_grids(setting, arm):
    assert elsewhere.choose(setting, arm, recorded.STEPS).inside
    assert elsewhere.accuracy(setting, arm, recorded.STEPS).shape == (recorded.SEEDS,)


@pytest.mark.parametrize("measure", ["relative", "range", "change", "smoothness"])
def test_ratios_are_batch_norm_over_plain_seed_by_seed(measure):
    result = elsewhere._runs()["8 x 64"]["result"]["measured"]
    for own, rates in ((True, "own"), (False, "plain's")):
        found = elsewhere.ratios("8 x 64", measure, own=own) * result["own"]["plain"][measure]
        assert np.allclose(found, result[rates]["batch norm"][measure])


def test_axes_are_those_of_the_pool():
    assert elsewhere.axes("5 x 64") == BASE
    assert elsewhere.axes("8 x 64") == BASE | {"hidden": [64] * 8}
    with pytest.raises(KeyError):
        elsewhere.axes("9 x 64")


@pytest.mark.parametrize("setting", list(recorded.SETTINGS))
@pytest.mark.parametrize("arm", recorded.TWO)
def test_runs_of_an_arm_say_what_the_record_says(setting, arm):
    runs, result = elsewhere.runs(setting, arm), elsewhere._runs()[setting]["result"]
    assert runs.steps.tolist() == [50, 100, 150, 200]
    choice = elsewhere.choose(setting, arm, 200)
    assert runs.choose().rate == choice.rate == result["own"][arm]
    np.testing.assert_array_equal(
        runs.after("test accuracy", 100)[runs.at(choice.rate)],
        np.array(result["test"][arm])[choice.row, :, 1],
    )
    # Each measured at its own rate, and at the plain network's; nowhere else.
    measured = {result["own"][arm]: result["measured"]["own"][arm]}
    if arm == "batch norm":
        measured |= {result["own"]["plain"]: result["measured"]["plain's"][arm]} | measured
    for name in elsewhere.MEASURED:
        for row, rate in enumerate(runs.rates):
            wanted = measured[rate][name] if rate in measured else [np.nan] * recorded.SEEDS
            np.testing.assert_array_equal(runs.last[name][row], wanted)


def test_an_arm_that_was_not_recorded_is_not_there():
    assert elsewhere.runs("8 x 64", "noisy batch norm").rates.tolist() == [0.1, 0.3, 1.0, 3.0]
    with pytest.raises(KeyError):
        elsewhere.runs("8 x 64", "group norm")


def test_a_small_run_gives_plain_numbers_and_a_line_per_setting(monkeypatch):
    monkeypatch.setattr(recorded, "STEPS", 100)
    monkeypatch.setattr(recorded, "SEEDS", 2)
    arms = {"plain": [0.1, 1e9], "batch norm": [0.1, 0.3], "noisy batch norm": [0.1, 0.3]}
    result = recorded.change_and_smoothness("tiny", arms, **TINY)
    assert result["own"]["plain"] == 0.1  # the other one is far too large
    for part in ("held-out", "test"):
        assert np.shape(result[part]["batch norm"]) == (2, 2, 2)
        assert np.max(result[part]["plain"][1]) < 0.5
    for measured in (
        result["measured"]["own"]["plain"],
        result["measured"]["plain's"]["batch norm"],
    ):
        assert all(np.isfinite(values).all() and len(values) == 2 for values in measured.values())
    runs = [{"setting": {"name": name}, "result": result} for name in "ab"]
    packed = recorded.pack({"name": "tiny", "runs": runs})
    assert json.loads(packed)["runs"] == runs
    assert len(packed.splitlines()) == 7
