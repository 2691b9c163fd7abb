"""Run an experiment that is too long for a notebook and keep its results.

    python -m helpers.record            list the experiments
    python -m helpers.record NAME       run one, or go on where it stopped

Results go to `data/results/NAME.json`, with the versions, the device, the date, the command and the
data they came from. After every run of an experiment the results so far are saved beside it, in
`NAME.partial`: Ctrl-C loses at most the run it interrupts.
"""

import argparse
import datetime
import json
import platform
import sys
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from helpers.experiments import EXPERIMENTS, Experiment
from helpers.files import write_atomically

RESULTS = Path(__file__).parents[1] / "data" / "results"


def record(experiment: Experiment, folder: Path = RESULTS) -> Path:
    """Run what is still missing of an experiment; return the file with its results."""
    partial = folder / f"{experiment.name}.partial"
    settings = [json.loads(json.dumps(setting)) for setting in experiment.settings]
    runs = [run for run in _read_partial(partial) if run["setting"] in settings]
    done = [run["setting"] for run in runs]
    missing = [setting for setting in settings if setting not in done]
    for setting in tqdm(missing, desc=experiment.name, initial=len(done), total=len(settings)):
        runs.append({"setting": setting, "result": experiment.run(**setting)})
        _write(partial, {"runs": runs})
    target = folder / f"{experiment.name}.json"
    _write(
        target,
        {
            "name": experiment.name,
            "what": " ".join(experiment.run.__doc__.split()),
            "command": f"python -m helpers.record {experiment.name}",
            "date": datetime.date.today().isoformat(),
            "device": device(),
            "versions": {"python": platform.python_version(), "numpy": np.__version__},
            "data": experiment.data_source(),
            "runs": sorted(runs, key=lambda run: settings.index(run["setting"])),
        },
    )
    partial.unlink()
    return target


def load(name: str, folder: Path = RESULTS) -> dict:
    """Return recorded results; FileNotFoundError says how to record them."""
    path = folder / f"{name}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist: record it with `python -m helpers.record {name}`"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def label(results: dict) -> str:
    """Return the line that every figure from recorded results carries."""
    return f"recorded on {results['date']}, {results['device']}, {results['data']}"


def device() -> str:
    """Return the name of the processor, as far as the system tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return next(
            line.partition(":")[2].strip()
            for line in text.splitlines()
            if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _read_partial(path: Path) -> list[dict]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))["runs"]
    except (OSError, ValueError, KeyError):
        return []


def _write(path: Path, content: dict) -> None:
    write_atomically(path, json.dumps(content, indent=1) + "\n")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m helpers.record", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("name", nargs="?", metavar="NAME", help="the experiment to run")
    name = parser.parse_args(arguments).name
    if name is None:
        for experiment in EXPERIMENTS.values():
            print(f"{experiment.name}: {' '.join(experiment.run.__doc__.split())}")
        return 0
    if name not in EXPERIMENTS:
        known = ", ".join(EXPERIMENTS)
        print(f"No experiment is called {name!r}; there are: {known}.", file=sys.stderr)
        return 2
    try:
        path = record(EXPERIMENTS[name])
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on where it stopped.", file=sys.stderr)
        return 130
    print(f"Results are in {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
