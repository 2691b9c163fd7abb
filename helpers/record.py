"""Run an experiment that is too long for a notebook and keep its results.

    python -m helpers.record                      list the experiments
    python -m helpers.record NAME                 run one, or go on where it stopped
    python -m helpers.record NAME --device cuda   run it on the GPU, at full size

Results go to `data/results/NAME.json` (those of the pool to `pool.npz`), with the versions, the
device, the date, the command and the data they came from. Every run of an experiment is saved when
it is done, in a file beside it that ends in `.partial`: Ctrl-C loses at most the run it interrupts.
The pool grows: runs in `pool.npz` from the same device, versions and data are kept, and only those
that its settings have in addition are trained. To train all of it again, remove the file.

Experiments of Part III (PyTorch) know devices. On a GPU they run at full size; on a CPU a small
version takes minutes, and its results say "CPU size". Those of Parts I and II run on the CPU.
"""

import argparse
import datetime
import json
import platform
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from helpers import __version__, experiments
from helpers.data import DataError
from helpers.experiments.experiment import Experiment
from helpers.files import replaced_atomically, write_atomically
from helpers.records import RESULTS, SIZES, load


class RecordError(RuntimeError):
    """What was asked for cannot be recorded; the message says why and what to do."""


def record(
    experiment: Experiment, folder: Path = RESULTS, *, device: str = "cpu", size: str | None = None
) -> Path:
    """Run what is still missing of an experiment; return the file with its results.

    device: "cpu" or "cuda". size: "full", "cpu" or "smoke"; None takes what the device is for.
    Raises RecordError where there is no such device or size, or where results of a larger size
    would be lost.
    """
    size = size or experiment.size_for(device)
    settings = [json.loads(json.dumps(setting)) for setting in experiment.sizes.get(size, [])]
    if not settings:
        raise RecordError(f"{experiment.name} has no {SIZES[size]}: leave out --size")
    target = folder / experiment.file_name
    origin = {
        "size": size,
        "device": device_name(device),
        "versions": versions(experiment, device),
        "data": experiment.data_source(*([size] if experiment.knows_devices else [])),
    }
    if experiment.knows_devices:
        _refuse_to_lose(target, size)

    partial = folder / f"{experiment.name}-{device}-{size}.partial"
    place = {key(setting): number for number, setting in enumerate(settings)}
    kept = (*_read_recorded(experiment, target, origin), *_read_partial(partial, origin))
    done = {key(run["setting"]): run for run in kept if key(run["setting"]) in place}
    runs = list(done.values())
    missing = [setting for setting in settings if key(setting) not in done]
    # Written anew: a run that was cut off, or is not wanted any more, is gone before others follow.
    write_atomically(partial, "".join(map(_line, [origin, *runs])))
    with partial.open("a", encoding="utf-8") as file:
        bar = tqdm(missing, desc=experiment.name, initial=len(done), total=len(settings))
        for setting in bar:
            where = {"device": device} if experiment.knows_devices else {}
            runs.append({"setting": setting, "result": experiment.run(**setting, **where)})
            file.write(_line(runs[-1]))
            file.flush()
    content = {
        "name": experiment.name,
        "what": " ".join(experiment.run.__doc__.split()),
        "command": _command(experiment, device, size),
        "date": datetime.date.today().isoformat(),
        **origin,
        "runs": sorted(runs, key=lambda run: place[key(run["setting"])]),
    }
    with replaced_atomically(target) as aside:
        aside.write_bytes(experiment.pack(content))
    partial.unlink()
    return target


def device_name(device: str = "cpu") -> str:
    """Return the name of the processor or of the GPU, as far as the system tells it."""
    if device == "cuda":
        return _torch().cuda.get_device_name()
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return next(
            line.partition(":")[2].strip()
            for line in text.splitlines()
            if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def versions(experiment: Experiment, device: str) -> dict[str, str]:
    """Return the versions that results depend on; PyTorch's only where an experiment uses it."""
    found = {"course": __version__, "python": platform.python_version(), "numpy": np.__version__}
    if experiment.knows_devices:
        found["torch"] = _torch().__version__
    if device == "cuda":
        found["cuda"] = _torch().version.cuda
    return found


def _find(name: str) -> Experiment:
    if name not in experiments.NAMES:
        known = ", ".join(experiments.NAMES)
        raise RecordError(f"No experiment is called {name!r}; there are: {known}.")
    return experiments.find(name)


def _choose_device(experiment: Experiment, asked: str | None) -> str:
    """Return "cpu" or "cuda", or raise RecordError for a device that cannot run the experiment."""
    if not experiment.knows_devices:
        if asked == "cuda":
            raise RecordError(f"{experiment.name} is written in NumPy: it runs on a CPU only.")
        return "cpu"
    if asked == "cuda" and not _torch().cuda.is_available():
        raise RecordError("PyTorch finds no CUDA device here: leave out --device, or use a GPU.")
    return asked or import_module("helpers.torch_nn.training").pick_device().type


def _refuse_to_lose(target: Path, size: str) -> None:
    """Raise RecordError if results of a larger size lie where those of this size would go."""
    there = load(target.stem, target.parent).get("size", "full") if target.exists() else size
    if list(SIZES).index(there) < list(SIZES).index(size):
        raise RecordError(
            f"{target} holds results of {SIZES[there]}, and those of {SIZES[size]} would replace "
            "them: remove the file first, or record into another folder with --folder"
        )


def _command(experiment: Experiment, device: str, size: str) -> str:
    command = f"python -m helpers.record {experiment.name}"
    if experiment.knows_devices:
        command += f" --device {device}"
        if size != experiment.size_for(device):
            command += f" --size {size}"
    return command


def _torch():
    return import_module("torch")


def key(setting: dict) -> str:
    """A setting as text, the same on every computer: NumPy's powers differ in the last digit."""
    return json.dumps(_rounded(setting), sort_keys=True)


def _rounded(value):
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return f"{value:.12g}" if isinstance(value, float) else value


def _line(content: dict) -> str:
    """One thing as one line of JSON; the same things are the same line."""
    return json.dumps(content, sort_keys=True) + "\n"


def _read_partial(path: Path, origin: dict) -> list[dict]:
    """The runs saved at `path`, if they are of the same device, size, versions and data.

    The first line is the origin, each further line a run; a line that Ctrl-C cut off is none.
    """
    try:
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        if json.loads(first) != origin:
            return []
    except (OSError, ValueError):
        return []
    runs = []
    for line in lines:
        try:
            runs.append(json.loads(line))
        except ValueError:
            break
    return runs


def _read_recorded(experiment: Experiment, target: Path, origin: dict) -> list[dict]:
    """The runs at `target` that further ones may join: the same rule as for a partial file."""
    if experiment.unpack is None or not target.exists():
        return []
    content = experiment.unpack(target.read_bytes())
    return content["runs"] if origin.items() <= content.items() else []


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m helpers.record", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("name", nargs="?", metavar="NAME", help="the experiment to run")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: a GPU if there is one")
    parser.add_argument("--size", choices=SIZES, help="default: full on a GPU, cpu on a CPU")
    parser.add_argument("--folder", type=Path, default=RESULTS, help="default: data/results")
    options = parser.parse_args(arguments)
    if options.name is None:
        for name in experiments.NAMES:
            print(f"{name}: {' '.join(experiments.find(name).run.__doc__.split())}")
        return 0
    try:
        experiment = _find(options.name)
        device = _choose_device(experiment, options.device)
        path = record(experiment, options.folder, device=device, size=options.size)
    except (RecordError, DataError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on where it stopped.", file=sys.stderr)
        return 130
    print(f"Results are in {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
