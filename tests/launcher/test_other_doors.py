"""The course where no launcher ran: an environment with the packages, and nothing but README."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig

import nbformat
import pytest

from helpers.launcher import places, venv

# Its stored output was measured on another day.
CELL = """\
import time
from helpers import data
print(len(data.load("digits").x_train), f"images (measured {time.time()})")
"""
SAYS = "1297 images (measured 3.1)\n"
README = (places.ROOT / "README.md").read_text(encoding="utf-8")


class Elsewhere:
    """A copy of the course, and an environment with all packages but without the course."""

    def __init__(self, folder):
        self.course = folder / "the course"
        here = shutil.ignore_patterns("__pycache__")
        for name in ("helpers", "data"):
            shutil.copytree(places.ROOT / name, self.course / name, ignore=here)
        for name in (
            *("course.py", "conftest.py", "pyproject.toml", "tests/nbval_sanitize.cfg"),
            *("requirements.txt", "constraints.txt"),
        ):
            (self.course / name).parent.mkdir(exist_ok=True)
            shutil.copy(places.ROOT / name, self.course / name)
        (self.course / "notebooks").mkdir()
        self.write_notebook(CELL)
        environment = folder / "environment"
        command = [sys.executable, "-m", "venv", "--without-pip", environment]
        subprocess.run(command, check=True)
        self.python = environment / "bin" / "python"
        # This environment's packages are seen there as if they were installed; the lines that put
        # the course itself on the path are not read there.
        (site,) = environment.glob("lib/python*/site-packages")
        packages = sysconfig.get_path("purelib") + "\n"
        (site / "packages.pth").write_text(packages + venv.QUICK_START)
        drop = ("PIP_", "BN_COURSE_", "PYTHON", "PYTEST", "JUPYTER")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
        self.env |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}

    def write_notebook(self, code):
        cell = nbformat.v4.new_code_cell(code, execution_count=1)
        cell.outputs = [nbformat.v4.new_output("stream", text=SAYS)]
        notebook = nbformat.v4.new_notebook(cells=[cell])
        nbformat.write(notebook, self.course / "notebooks" / "00_short.ipynb")

    def run(self, *arguments, folder="."):
        return subprocess.run(
            [self.python, *arguments],
            cwd=self.course / folder,
            env=self.env,
            capture_output=True,
            text=True,
        )

    def nbval(self):
        """What pytest says about the notebook, compared strictly."""
        command = ["-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", "notebooks"]
        return self.run(*command).stdout.strip().splitlines()[-1].split(" in ")[0]


@pytest.fixture
def elsewhere(tmp_path):
    if os.name != "posix":
        pytest.skip("an environment is laid out differently there")
    return Elsewhere(tmp_path)


def test_pip_and_pytest_alone_prove_the_notebooks(elsewhere):
    # The build of `-e .` takes the setuptools that is pinned here, instead of a network.
    done = elsewhere.run("-m", "pip", "install", "--no-build-isolation", "-r", "requirements.txt")
    assert done.returncode == 0, done.stdout + done.stderr
    there = elsewhere.run("-c", "import helpers; print(helpers.__file__)", folder="..")
    assert there.stdout.strip() == str(elsewhere.course / "helpers" / "__init__.py")
    assert elsewhere.nbval() == "1 passed"


def cell_of_readme():
    """The cell that README gives to those who only have the packages."""
    return re.search(r"```python\n(import os\nimport sys\n.*?)```", README, re.DOTALL).group(1)


def test_the_cell_of_readme_finds_the_course_where_only_packages_are(elsewhere):
    done = elsewhere.run("-c", CELL, folder="notebooks")
    assert "No module named 'helpers'" in done.stderr
    elsewhere.write_notebook(cell_of_readme() + CELL)
    assert elsewhere.nbval() == "1 passed"
