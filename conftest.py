"""What all tests share, the notebooks included: one environment, and no progress of anyone's."""

import os
import tempfile
from pathlib import Path

import pytest
from nbval.kernel import RunningKernel

import course

# At import, so that pytest-xdist's workers and the notebooks' kernels inherit it. Where course.py
# has chosen a setting already, it stays.
if "BN_COURSE_SETTING" not in os.environ:
    os.environ.update(course.environment(proof=True))


def pytest_report_header():
    return f"setting: {os.environ['BN_COURSE_SETTING']}"


def pytest_configure(config):
    config.course_progress = tempfile.TemporaryDirectory(prefix="bn-course-progress-")


def pytest_unconfigure(config):
    config.course_progress.cleanup()


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
