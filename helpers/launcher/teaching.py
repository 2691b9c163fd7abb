"""The commands of teachers; what they do stands in helpers/classroom."""

from pathlib import Path

from helpers.launcher import places
from helpers.launcher.environment import environment, run
from helpers.launcher.installation import set_up
from helpers.launcher.notebooks import select


def answers(names):
    """Write the solved edition of notebooks, all of them without names."""
    notebooks = select(names)
    return classroom("answers", map(str, notebooks))


def guide():
    """Write the pages of the teacher's guide."""
    return classroom("guide", ())


def grade(arguments):
    """Judge what learners handed in."""
    return classroom("grading", arguments)


def classroom(module, arguments):
    """Run a module of helpers/classroom where the user stands: paths are theirs."""
    set_up(teachers=True)
    # -P: where the user stands there may be files of learners, called as modules are.
    command = [places.venv_python(), "-P", "-m", f"helpers.classroom.{module}", *arguments]
    variables = environment(proof=True)
    del variables["TQDM_DELAY"]  # somebody waits in front of a terminal
    return run(command, variables, folder=Path.cwd())
