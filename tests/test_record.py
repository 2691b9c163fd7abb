"""Recording: results carry their origin, and a run that was stopped goes on where it stopped."""

import dataclasses
import json
import subprocess
import sys
import types

import pytest
import torch

import helpers
from helpers import experiments, record, records
from helpers.data import DataError
from helpers.experiments.experiment import Experiment

ROOT = records.RESULTS.parents[1]


class Stopped:
    """Squares numbers, and is interrupted at one of them, once."""

    def __init__(self, at=None):
        self.at, self.calls = at, []

    def __call__(self, n, device=None):
        """Square a number."""
        if n == self.at:
            self.at = None
            raise KeyboardInterrupt
        self.calls.append(n)
        return {"square": n**2}


def squares(run):
    run.__doc__ = "Square a number."
    return Experiment("squares", run, [{"n": n} for n in range(4)], lambda: "numbers")


def squares_anywhere(run):
    """The same on a CPU or a GPU; a smaller size has fewer numbers."""
    run.__doc__ = "Square a number."
    sizes = [[{"n": n} for n in range(count)] for count in (4, 2, 1)]
    full, cpu, smoke = sizes
    return Experiment("squares", run, full, lambda size: "numbers", cpu, smoke)


def make_known(monkeypatch, experiment):
    """Add an experiment for the time of a test."""
    module = types.SimpleNamespace(EXPERIMENT=experiment)
    monkeypatch.setitem(sys.modules, f"helpers.experiments.{experiment.name}", module)
    monkeypatch.setattr(experiments, "NAMES", (*experiments.NAMES, experiment.name))


def command(*arguments, **options):
    """Run the recorder as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "helpers.record", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **options,
    )


def test_results_carry_their_origin(tmp_path):
    path = record.record(squares(Stopped()), tmp_path)
    results = records.load("squares", tmp_path)
    assert path == tmp_path / "squares.json"
    assert [run["result"]["square"] for run in results["runs"]] == [0, 1, 4, 9]
    assert results["command"] == "python -m helpers.record squares"
    assert set(results["versions"]) == {"course", "python", "numpy"}
    assert results["versions"]["course"] == helpers.__version__
    assert results["data"] == "numbers"
    assert results["what"] == "Square a number."
    label = records.label(results)
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


def stopped_at_two(make, folder, **options):
    """Stop an experiment after its first two runs; return its partial file."""
    with pytest.raises(KeyboardInterrupt):
        record.record(make(Stopped(at=2)), folder, **options)
    (partial,) = folder.glob("*.partial")
    return partial


def test_a_damaged_partial_file_counts_as_nothing(tmp_path):
    stopped_at_two(squares, tmp_path).write_text("{")
    run = Stopped()
    record.record(squares(run), tmp_path)
    assert run.calls == [0, 1, 2, 3]


@pytest.mark.parametrize("end", ['{"setting": {"n": 2}, "res', "{}]\n"])
def test_a_run_that_was_cut_off_is_done_again_and_the_others_are_not(tmp_path, end):
    with stopped_at_two(squares, tmp_path).open("a") as file:
        file.write(end)
    run = Stopped(at=3)
    with pytest.raises(KeyboardInterrupt):
        record.record(squares(run), tmp_path)
    record.record(squares(run), tmp_path)
    assert run.calls == [2, 3]
    results = records.load("squares", tmp_path)
    assert [found["result"]["square"] for found in results["runs"]] == [0, 1, 4, 9]


def test_settings_that_the_experiment_no_longer_has_are_dropped(tmp_path):
    partial = stopped_at_two(squares, tmp_path)
    with partial.open("a") as file:
        file.write(json.dumps({"setting": {"n": 99}, "result": {"square": 9801}}) + "\n")
    run = Stopped()
    record.record(squares(run), tmp_path)
    assert run.calls == [2, 3]
    assert len(records.load("squares", tmp_path)["runs"]) == 4


def extendable(run, count):
    """Squares of so many numbers, which are told from the file that holds them."""
    return dataclasses.replace(
        squares(run), settings=[{"n": n} for n in range(count)], unpack=json.loads
    )


def test_what_a_file_holds_is_not_run_again_where_it_can_be_extended(tmp_path):
    record.record(extendable(Stopped(), 2), tmp_path)
    run = Stopped(at=3)
    with pytest.raises(KeyboardInterrupt):
        record.record(extendable(run, 4), tmp_path)
    assert len(records.load("squares", tmp_path)["runs"]) == 2  # as it was
    record.record(extendable(run, 4), tmp_path)
    assert run.calls == [2, 3]
    results = records.load("squares", tmp_path)
    assert [found["result"]["square"] for found in results["runs"]] == [0, 1, 4, 9]
    run = Stopped()
    record.record(extendable(run, 3), tmp_path)  # a setting fewer is dropped
    assert run.calls == []
    assert len(records.load("squares", tmp_path)["runs"]) == 3
    record.record(squares(run), tmp_path)  # any other experiment is run anew
    assert run.calls == [0, 1, 2, 3]


@pytest.mark.parametrize("what", ["device", "versions", "data", "size"])
def test_a_file_of_another_origin_is_not_extended(tmp_path, what):
    path = record.record(extendable(Stopped(), 2), tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {what: "another"}))
    run = Stopped()
    record.record(extendable(run, 4), tmp_path)
    assert run.calls == [0, 1, 2, 3]


def test_missing_results_say_how_to_make_them(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m helpers\.record squares"):
        records.load("squares", tmp_path)


def test_the_command_lists_refuses_and_stops(monkeypatch, tmp_path, capsys):
    assert record.main([]) == 0
    listed = capsys.readouterr().out
    assert all(f"{name}: " in listed for name in experiments.NAMES)
    assert record.main(["nothing"]) == 2
    assert "No experiment is called 'nothing'" in capsys.readouterr().err
    make_known(monkeypatch, squares(Stopped(at=0)))
    assert record.main(["squares", "--folder", str(tmp_path)]) == 130
    assert "goes on where it stopped" in capsys.readouterr().err
    assert record.main(["squares", "--folder", str(tmp_path)]) == 0
    assert (tmp_path / "squares.json").exists()


@pytest.mark.parametrize("what", ["device", "versions", "data", "size"])
def test_runs_of_another_origin_are_not_mixed_in(tmp_path, what):
    partial = stopped_at_two(squares, tmp_path)
    origin, runs = partial.read_text().split("\n", 1)
    partial.write_text(json.dumps(json.loads(origin) | {what: "another"}) + "\n" + runs)
    run = Stopped()
    record.record(squares(run), tmp_path)
    assert run.calls == [0, 1, 2, 3]


def test_the_cpu_leaves_the_runs_of_a_gpu_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "device_name", lambda device: f"some {device}")
    monkeypatch.setattr(record, "versions", lambda *_: {})
    partial = stopped_at_two(squares_anywhere, tmp_path, device="cuda")
    run = Stopped()
    record.record(squares_anywhere(run), tmp_path, device="cpu")
    assert run.calls == [0, 1]
    assert partial.exists()
    results = records.load("squares", tmp_path)
    assert (results["device"], results["size"]) == ("some cpu", "cpu")
    run = Stopped()
    record.record(squares_anywhere(run), tmp_path, device="cuda")
    assert run.calls == [2, 3]
    results = records.load("squares", tmp_path)
    assert (results["device"], results["size"]) == ("some cuda", "full")


@pytest.mark.parametrize(
    ("size", "numbers", "said"), [("full", 4, ""), ("cpu", 2, "CPU size"), ("smoke", 1, "smoke")]
)
def test_results_say_their_size(tmp_path, size, numbers, said):
    record.record(squares_anywhere(Stopped()), tmp_path, size=size)
    results = records.load("squares", tmp_path)
    assert len(results["runs"]) == numbers
    assert results["size"] == size
    assert records.label(results).endswith("numbers") == (size == "full")
    assert said in records.label(results)
    flag = "" if size == "cpu" else f" --size {size}"
    assert results["command"] == f"python -m helpers.record squares --device cpu{flag}"
    assert set(results["versions"]) == {"course", "python", "numpy", "torch"}


def test_runs_are_selected_by_their_settings(tmp_path):
    def run(n, sign, device):
        """Multiply."""
        return {"value": n * sign}

    settings = [{"n": n, "sign": sign} for n in (1, 2) for sign in (1, -1)]
    pairs = Experiment("pairs", run, settings, lambda size: "numbers", settings[:1])
    results = records.load("pairs", record.record(pairs, tmp_path, size="full").parent)
    assert records.select(results, sign=-1) == [{"value": -1}, {"value": -2}]
    assert records.select(results, n=2, sign=1) == [{"value": 2}]
    assert records.select(results, n=3) == []
    assert not records.on_gpu(results)
    assert records.on_gpu(results | {"versions": {"cuda": "13.0"}})


def test_a_smaller_size_never_replaces_a_larger_one(tmp_path):
    record.record(squares_anywhere(Stopped()), tmp_path, size="full")
    run = Stopped()
    with pytest.raises(record.RecordError, match=r"holds results of full size.*--folder"):
        record.record(squares_anywhere(run), tmp_path, size="cpu")
    assert run.calls == []
    assert records.load("squares", tmp_path)["size"] == "full"
    record.record(squares_anywhere(Stopped()), tmp_path, size="full")


def test_an_experiment_in_numpy_has_one_size(tmp_path):
    with pytest.raises(record.RecordError, match="squares has no CPU size"):
        record.record(squares(Stopped()), tmp_path, size="cpu")


def test_a_device_that_is_not_there_is_refused(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert record.main(["smoke", "--device", "cuda", "--folder", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "PyTorch finds no CUDA device here: leave out --device, or use a GPU.\n"
    )
    assert record.main(["depth", "--device", "cuda", "--folder", str(tmp_path)]) == 2
    assert "written in NumPy" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_data_that_cannot_be_had_are_a_sentence(monkeypatch, tmp_path, capsys):
    def absent():
        raise DataError("there is no such data")

    nothing = Experiment("squares", Stopped(), [{"n": 1}], absent)
    make_known(monkeypatch, nothing)
    assert record.main(["squares", "--folder", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "there is no such data\n"


def test_the_smallest_experiment_from_end_to_end(tmp_path):
    arguments = ("smoke", "--device", "cpu", "--size", "smoke", "--folder", str(tmp_path))
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Results are in {tmp_path / 'smoke.json'}\n"
    results = records.load("smoke", tmp_path)
    assert results["versions"]["torch"] == torch.__version__
    assert results["command"] == "python -m helpers.record smoke --device cpu --size smoke"
    (run,) = results["runs"]
    assert 0 <= run["result"]["test_accuracy"][-1] <= 1


def test_numpy_experiments_do_without_pytorch(tmp_path):
    program = (
        "import sys; sys.modules['torch'] = None; from helpers import record; "
        f"code = record.main(['depth', '--size', 'smoke', '--folder', {str(tmp_path)!r}]); "
        "print('code', code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "code 2\n", done.stderr
    assert "depth has no smoke test" in done.stderr


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_smallest_experiment_on_a_gpu(tmp_path):
    done = command("smoke", "--device", "cuda", "--size", "smoke", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    results = records.load("smoke", tmp_path)
    assert results["device"] == torch.cuda.get_device_name()
    assert results["versions"]["cuda"] == torch.version.cuda


@pytest.mark.parametrize("path", sorted(records.RESULTS.glob("*.json")), ids=lambda p: p.stem)
def test_committed_results_belong_to_an_experiment(path):
    results = records.load(path.stem)
    experiment = experiments.find(path.stem)
    settings = experiment.sizes[results.get("size", "full")]
    assert [record.key(run["setting"]) for run in results["runs"]] == list(
        map(record.key, settings)
    )


def test_a_setting_is_known_by_twelve_digits():
    # 10.0 ** -5 in NumPy, on two processors.
    one, other = ({"gain": gain, "arms": {"a": [gain]}} for gain in (9.999999999999999e-06, 1e-05))
    assert record.key(one) == record.key(other)
    assert record.key({"gain": 1e-05}) != record.key({"gain": 1.0000001e-05})
    assert record.key({"seed": 1}) != record.key({"seed": 2})
