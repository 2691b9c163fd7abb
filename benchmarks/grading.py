"""Time `course.py grade`: a room of thirty, each with all notebooks, in the sandbox.

    python benchmarks/grading.py [LEARNERS]

Every learner hands in the solved edition, with every third answer broken. What the clock says is
compared with what the same answers take in one process without a sandbox. Exits with 1 if the room
takes longer than a teacher should wait.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is imported

import nbformat  # noqa: E402

from helpers.classroom import answers  # noqa: E402
from helpers.contents import NOTEBOOKS, numbered  # noqa: E402
from helpers.exercises import judge, names  # noqa: E402
from helpers.exercises.engine import EXERCISES  # noqa: E402

GOAL = 15 * 60  # seconds for thirty learners on two cores


def hand_in(folder: Path, learner: int) -> None:
    """Write one learner's notebooks."""
    for number, name in enumerate(NOTEBOOKS):
        file = f"{numbered(name)}.ipynb"
        notebook = nbformat.read(answers.ROOT / "notebooks" / file, as_version=4)
        solved = answers.solved(notebook)
        for place, cell in enumerate(solved.cells):
            if cell.cell_type == "code" and "\ncheck(" in cell.source:
                if (learner + number + place) % 3 == 0:
                    cell.source = cell.source.replace("return ", "return 2 * ", 1)
                cell.outputs = []
        target = folder / f"learner {learner}" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(nbformat.writes(solved), encoding="utf-8")


def seconds_without_a_sandbox() -> float:
    """How long all references take in this process."""
    start = time.perf_counter()
    for name in names():
        judge(name, EXERCISES[name].reference)
    return time.perf_counter() - start


def main() -> int:
    """Grade the room; returns the exit code."""
    learners = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    plain = seconds_without_a_sandbox()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "room"
        for learner in range(learners):
            hand_in(folder, learner)
        start = time.perf_counter()
        command = [sys.executable, "-m", "helpers.classroom.grading", str(folder), "--jobs", "2"]
        subprocess.run(command, check=True)
        took = time.perf_counter() - start
        one = next((Path(scratch) / "room-graded").glob("*/results.json"))
        print(f"one learner's score: {json.loads(one.read_text(encoding='utf-8'))['score']:g}")
    print(f"{learners} learners: {took:.0f} s, {took / learners:.1f} s each")
    print(f"all references without a sandbox: {plain:.1f} s; ratio {took / learners / plain:.2f}")
    return took > GOAL * learners / 30


if __name__ == "__main__":
    sys.exit(main())
