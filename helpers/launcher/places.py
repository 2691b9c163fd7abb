"""Where things are; every other module of the launcher asks here at the moment of use."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
NOTEBOOKS = ROOT / "notebooks"
WORKSPACE = ROOT / "workspace"


def stamp():
    """The file that says what .venv holds; written last: an interrupted set-up has none."""
    return VENV / "installed.txt"


def scripts():
    """The folder of programs inside .venv."""
    return VENV / ("Scripts" if os.name == "nt" else "bin")


def venv_python():
    """The interpreter inside .venv."""
    return scripts() / ("python.exe" if os.name == "nt" else "python")
