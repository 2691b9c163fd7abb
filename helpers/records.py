"""Read the results of recorded experiments, in `data/results`. `helpers.record` writes them."""

import json
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "data" / "results"
SIZES = {"full": "full size", "cpu": "CPU size", "smoke": "smoke test"}


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
    small = f", {SIZES[results['size']]}" if results.get("size", "full") != "full" else ""
    return f"recorded on {results['date']}, {results['device']}, {results['data']}{small}"


def select(results: dict, **setting) -> list[dict]:
    """Return the results of the runs whose settings include these, in the recorded order."""
    return [run["result"] for run in results["runs"] if setting.items() <= run["setting"].items()]


def on_gpu(results: dict) -> bool:
    """Whether results come from a GPU."""
    return "cuda" in results["versions"]
