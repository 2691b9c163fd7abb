"""The commands of teachers; what they do stands in helpers/classroom."""

import argparse
import os
from pathlib import Path

from helpers.launcher import places
from helpers.launcher.environment import environment, run
from helpers.launcher.installation import set_up
from helpers.launcher.notebooks import select

FORMATS = ("moodle", "canvas", "gradescope")


def answers(names):
    """Write the solved edition of notebooks, all of them without names."""
    notebooks = select(names)
    return classroom("answers", map(str, notebooks))


def guide():
    """Write the pages of the teacher's guide."""
    return classroom("guide", ())


def grade_parser():
    """The command line of `grade`, which tells about itself before anything is installed."""
    top = argparse.ArgumentParser(
        prog="python3 course.py grade",
        description="Judge the notebooks in a folder as learning platforms export them, in a "
        "sandbox. What is graded already is not graded again.",
    )
    top.add_argument("folder")
    top.add_argument("--into", help="where the results go; FOLDER-graded without")
    top.add_argument(
        "--points", type=Path, help="a TOML file: see helpers/classroom/grading/points.py"
    )
    top.add_argument("--format", choices=FORMATS, help="write this file too")
    top.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="learners at a time")
    top.add_argument("--seconds", type=float, default=10, help="for one answer (10)")
    top.add_argument(
        "--trust-submissions", action="store_true", help="without a sandbox, with your own rights"
    )
    return top


def grade(arguments):
    """Judge what learners handed in."""
    grade_parser().parse_args(arguments)
    return classroom("grading", arguments)


def classroom(module, arguments):
    """Run a module of helpers/classroom where the user stands: paths are theirs."""
    set_up(teachers=True)
    # -P: where the user stands there may be files of learners, called as modules are.
    command = [places.venv_python(), "-P", "-m", f"helpers.classroom.{module}", *arguments]
    variables = environment(proof=True)
    del variables["TQDM_DELAY"]  # somebody waits in front of a terminal
    return run(command, variables, folder=Path.cwd())
