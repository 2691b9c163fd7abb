"""What all tests share, the notebooks included: one environment, and no progress of anyone's."""

import os
import sys
import tempfile
from pathlib import Path

import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell

from helpers.authoring import sections
from helpers.contents import NOTEBOOKS
from helpers.launcher import places
from helpers.launcher.environment import environment, take_away_settings

# What follows happens at import, so that pytest-xdist's workers and the notebooks' kernels inherit
# it. Packages that a user keeps elsewhere, under the names of the course's, stay out of the way.
hidden = os.environ.setdefault("BN_COURSE_HIDDEN_PATHS", os.environ.get("PYTHONPATH", ""))
for folder in map(os.path.abspath, filter(None, hidden.split(os.pathsep))):
    if not Path(folder).is_relative_to(places.ROOT):
        sys.path[:] = [path for path in sys.path if os.path.abspath(path) != folder]
take_away_settings(os.environ)

# Where course.py has chosen a setting already, it stays.
setting_is_open = "BN_COURSE_SETTING" not in os.environ
if setting_is_open:
    variables = environment(proof=True)
    hide_gpus = {"CUDA_VISIBLE_DEVICES": variables.pop("CUDA_VISIBLE_DEVICES")}
    os.environ.update(variables)

SANITIZE = Path(__file__).parent / "tests" / "nbval_sanitize.cfg"


def pytest_report_header():
    return f"setting: {os.environ['BN_COURSE_SETTING']}"


def pytest_configure(config):
    # `pytest -m gpu` is the only run that may see GPUs: what notebooks store comes from the CPU.
    if setting_is_open and config.option.markexpr != "gpu":
        os.environ.update(hide_gpus)
    option = config.option
    if getattr(option, "nbval", False):
        # `pytest --nbval notebooks` alone compares as `course.py test` does.
        option.nbval_sanitize_with = option.nbval_sanitize_with or str(SANITIZE)
        option.nbval_current_env = option.nbval_current_env or not option.nbval_kernel_name
    config.course_progress = tempfile.TemporaryDirectory(prefix="bn-course-progress-")


def pytest_unconfigure(config):
    config.course_progress.cleanup()


# The folders with files that take longest come first, those that wait for a clock before all, and
# many short files last: so two workers end together. Each takes the next file as soon as it is done
# with one.
LONGEST = ("torch_nn", "exercises", "launcher", "notebooks")


def pytest_collection_modifyitems(config, items):
    if os.environ["BN_COURSE_SETTING"] == "core":
        further = [item for item in items if is_further(item)]
        config.hook.pytest_deselected(items=further)
        items[:] = [item for item in items if not is_further(item)]
    items.sort(key=lambda item: LONGEST.index(f) if (f := item.path.parent.name) in LONGEST else 9)


def is_further(item):
    """Whether an item is a cell of a notebook, in a section that is not of its core."""
    if not isinstance(item, IPyNbCell):
        return False
    _, further = sections.split(item.parent.nb.cells)
    return item.cell in further


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    # One file per notebook, before its kernel starts: whoever solved an exercise in another
    # notebook, or on this machine, changes nothing here.
    folder = Path(item.config.course_progress.name)
    os.environ["BN_COURSE_PROGRESS"] = str(folder / f"{item.path.stem}.json")


def execute_as_jupyterlab_does(self, cell_input, allow_stdin=None):
    return self.kc.execute(cell_input, allow_stdin=allow_stdin, stop_on_error=False)


# nbval's own method keeps cells out of the history, and there IPython looks for the semicolon that
# silences a plot: `plt.plot(x);` would print an object's address.
RunningKernel.execute_cell_input = execute_as_jupyterlab_does


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    # After the last cell of a notebook: are the answers of its questions what it has measured?
    result = yield
    if isinstance(item, IPyNbCell) and item.cell_num == _last_number(item.parent.nb):
        notebook = item.path.stem.partition("_")[2]
        if notebook in NOTEBOOKS:
            from measured_answers import wrong_answers  # takes time, and only notebooks need it

            if found := wrong_answers(item.parent.kernel, notebook):
                item.raise_cell_error("Answers of questions are not as measured", "\n".join(found))
    return result


def _last_number(notebook):
    return sum(cell.cell_type == "code" for cell in notebook.cells) - 1
