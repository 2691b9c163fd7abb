"""The edition's version: written once, valid, and explained."""

import subprocess
import sys
import tomllib

from packaging.version import Version

import helpers
from helpers.launcher import places


def test_the_version_is_known_without_an_installation(tmp_path):
    code = f"import sys; sys.path.insert(0, {str(places.ROOT)!r})\n"
    code += "import helpers; print(helpers.__version__)"
    answer = subprocess.check_output(
        [sys.executable, "-I", "-S", "-c", code], cwd=tmp_path, text=True
    )
    assert answer.strip() == helpers.__version__
    assert str(Version(helpers.__version__)) == helpers.__version__


def test_the_package_takes_its_version_from_helpers():
    project = tomllib.loads((places.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "helpers.__version__"}


def test_the_changes_begin_with_this_edition():
    text = (places.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first = next(line for line in text.splitlines() if line.startswith("## "))
    assert helpers.__version__ in first.replace("(", " ").replace(")", " ").split()
