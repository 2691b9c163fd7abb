"""Recording: results carry their origin, and a run that was stopped goes on where it stopped."""

import json

import pytest

from helpers import record
from helpers.experiments import EXPERIMENTS, Experiment


class Stopped:
    """Squares numbers, and is interrupted at one of them, once."""

    def __init__(self, at=None):
        self.at, self.calls = at, []

    def __call__(self, n):
        """Square a number."""
        if n == self.at:
            self.at = None
            raise KeyboardInterrupt
        self.calls.append(n)
        return {"square": n**2}


def squares(run):
    run.__doc__ = "Square a number."
    return Experiment("squares", run, [{"n": n} for n in range(4)], lambda: "numbers")


def test_results_carry_their_origin(tmp_path):
    path = record.record(squares(Stopped()), tmp_path)
    results = record.load("squares", tmp_path)
    assert path == tmp_path / "squares.json"
    assert [run["result"]["square"] for run in results["runs"]] == [0, 1, 4, 9]
    assert results["command"] == "python -m helpers.record squares"
    assert set(results["versions"]) == {"python", "numpy"}
    assert results["data"] == "numbers"
    assert results["what"] == "Square a number."
    label = record.label(results)
    assert results["date"] in label
    assert results["device"] in label
    assert [p.name for p in tmp_path.iterdir()] == ["squares.json"]


def test_a_stopped_run_goes_on_where_it_stopped(tmp_path):
    run = Stopped(at=2)
    with pytest.raises(KeyboardInterrupt):
        record.record(squares(run), tmp_path)
    assert not (tmp_path / "squares.json").exists()
    record.record(squares(run), tmp_path)
    assert run.calls == [0, 1, 2, 3]


def test_a_damaged_partial_file_counts_as_nothing(tmp_path):
    (tmp_path / "squares.partial").write_text("{")
    run = Stopped()
    record.record(squares(run), tmp_path)
    assert run.calls == [0, 1, 2, 3]


def test_settings_that_the_experiment_no_longer_has_are_dropped(tmp_path):
    old = {"runs": [{"setting": {"n": 99}, "result": {"square": 9801}}]}
    (tmp_path / "squares.partial").write_text(json.dumps(old))
    record.record(squares(Stopped()), tmp_path)
    assert len(record.load("squares", tmp_path)["runs"]) == 4


def test_missing_results_say_how_to_make_them(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m helpers\.record squares"):
        record.load("squares", tmp_path)


def test_the_command_lists_refuses_and_stops(monkeypatch, tmp_path, capsys):
    assert record.main([]) == 0
    listed = capsys.readouterr().out
    assert all(f"{name}: " in listed for name in EXPERIMENTS)
    assert record.main(["nothing"]) == 2
    assert "No experiment is called 'nothing'" in capsys.readouterr().err
    monkeypatch.setitem(EXPERIMENTS, "squares", squares(Stopped(at=0)))
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    monkeypatch.setattr(record.record, "__defaults__", (tmp_path,))
    assert record.main(["squares"]) == 130
    assert "goes on where it stopped" in capsys.readouterr().err
    assert record.main(["squares"]) == 0
    assert (tmp_path / "squares.json").exists()


@pytest.mark.parametrize("path", sorted(record.RESULTS.glob("*.json")), ids=lambda p: p.stem)
def test_committed_results_belong_to_an_experiment(path):
    results = record.load(path.stem)
    experiment = EXPERIMENTS[path.stem]
    assert [run["setting"] for run in results["runs"]] == experiment.settings
