"""The virtual environment .venv: made once, and mended without a network.

A folder that was moved or renamed, and a Python that was updated within its minor version, leave
every package usable; what holds the old places is written anew here.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from helpers.launcher import places
from helpers.launcher.downloads import pip_environment
from helpers.launcher.environment import clean_environment
from helpers.launcher.reasons import Stop, why_no_venv

# Defaults of the tools, written inside .venv: what users have set for themselves stays, and wins.
DEFAULTS = {
    "share/jupyter/lab/settings/overrides.json": {
        # JupyterLab neither asks for news nor for its own updates: the course pins its version.
        "@jupyterlab/apputils-extension:notification": {
            "fetchNews": "false",
            "checkForUpdates": False,
        }
    },
    "etc/ipython/ipython_kernel_config.json": {
        # Each kernel would warn in the terminal that it talks over an unencrypted local socket.
        "IPKernelApp": {"log_level": 40},
        # Kernels side by side must not wait for each other's history file.
        "HistoryManager": {"hist_file": ":memory:"},
    },
}

# Whatever imports nbformat imports jsonschema, which would spend two seconds each time on a grammar
# for addresses and on durations; no notebook has such fields, and without both it goes on.
QUICK_START = "import sys; sys.modules.update(rfc3987_syntax=None, isoduration=None)\n"

# In place of the first line of every program: the Python beside it, wherever the folder is now.
RELOCATABLE = b"""#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/python" "$0" "$@"
' '''
"""

QUESTION = (
    "import sys, sysconfig; print(*sys.version_info[:3]); print(sys.prefix);"
    "print(sysconfig.get_path('purelib')); print(sys._base_executable)"
)


class Interpreter(NamedTuple):
    """What the Python of .venv says about itself."""

    version: tuple  # (major, minor, patch)
    packages: Path  # where its packages are
    base: str  # the Python that it was made from


def interpreter():
    """The Python of .venv, or None where it does not run, or has none of the packages."""
    command = [places.venv_python(), "-I", "-X", "utf8", "-c", QUESTION]
    try:
        answer = subprocess.run(
            command, env=clean_environment(), capture_output=True, encoding="utf-8"
        )
        version, prefix, packages, base = answer.stdout.splitlines()
        # Without pyvenv.cfg it is the system's Python; updated, it looks into another folder.
        folder = places.VENV / Path(packages).relative_to(prefix)
        if not os.path.samefile(prefix, places.VENV) or not folder.is_dir():
            return None
    except (OSError, ValueError):
        return None
    return Interpreter(tuple(map(int, version.split())), folder, base)


def base_python():
    """The Python that runs this, outside of any virtual environment."""
    return getattr(sys, "_base_executable", None) or sys.executable


def call(*command):
    """Run a Python and return all that it says, or stop with the reason why it failed."""
    answer = subprocess.run(
        list(map(str, command)),
        env=clean_environment() | {"PYTHONNOUSERSITE": "1"},
        cwd=places.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if answer.returncode:
        raise Stop(why_no_venv(answer.stdout))
    return answer.stdout


def make():
    """A fresh .venv in place of whatever is there."""
    remove()
    try:
        call(base_python(), "-m", "venv", "--without-pip", place())
        ensure_pip()
    except Stop:
        remove()
        raise


def place():
    """Where .venv is, also where it is a link to another drive."""
    return os.path.realpath(places.VENV)


def remove():
    """Take .venv away; a link stays, and with it the drive that the reader has chosen."""
    shutil.rmtree(place(), ignore_errors=True)


def ensure_pip():
    """Give .venv the pip that comes with Python, unless it has one; no network is needed."""
    ask = [places.venv_python(), "-m", "pip", "--version"]
    # Without the user's settings for pip: those that cannot be read do not mean that it is missing.
    if subprocess.run(ask, env=pip_environment({}), capture_output=True).returncode:
        python = interpreter()
        for remains in python.packages.glob("pip-*.dist-info") if python else ():
            shutil.rmtree(remains)
        call(places.venv_python(), "-m", "ensurepip", "--upgrade", "--default-pip")


def can_be_linked_again():
    """Whether .venv was made by a Python of the same minor version as the running one."""
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if os.name == "nt":
        return str(configuration().get("version", "")).startswith(minor + ".")
    return (places.VENV / "lib" / f"python{minor}{sys.abiflags}" / "site-packages").is_dir()


def link_again():
    """Let .venv, whose Python is gone, use the running one; its packages stay."""
    for python in places.scripts().glob("python*"):
        if python.is_symlink() or os.name == "nt":
            python.unlink()
    call(base_python(), "-m", "venv", "--without-pip", place())


def configuration():
    """What pyvenv.cfg says; empty without it."""
    try:
        lines = (places.VENV / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    pairs = (line.partition("=") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}


def was_moved():
    """Whether .venv was made at another place, which its activation scripts still name."""
    command = configuration().get("command")
    return command is not None and not command.endswith(place())


def is_tidy(python):
    """Whether nothing of ``tidy`` is left to do."""
    return not was_moved() and all(
        content == read(path) for path, content in small_files(python).items()
    )


def tidy(python):
    """Write what names this place or belongs to the course; needs no network."""
    if was_moved():
        call(python.base, "-m", "venv", "--without-pip", place())
    for path, content in small_files(python).items():
        if read(path) != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    relocate_programs()


def small_files(python):
    """The files that the course adds to .venv, with their contents."""
    files = {places.VENV / name: json.dumps(text, indent=1) for name, text in DEFAULTS.items()}
    # `import helpers` from anywhere. A relative line stays right when the folder moves.
    depth = len(python.packages.relative_to(places.ROOT).parts)
    root = str(places.ROOT) if places.VENV.is_symlink() else "/".join([".."] * depth)
    files[python.packages / "batch_norm_course.pth"] = root + "\n"
    files[python.packages / "batch_norm_course_quick_start.pth"] = QUICK_START
    return files


def read(path):
    """The text of a file, or None."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def relocate_programs():
    """Let the programs of .venv find its Python wherever the folder is; on Windows they cannot."""
    if os.name == "nt":
        return
    for path in places.scripts().iterdir():
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        first, _, rest = content.partition(b"\n")
        if first == b"#!/bin/sh" and rest.startswith(b"'''exec'"):
            rest = rest.split(b"\n' '''\n", 1)[-1]  # how pip writes a long path
        elif not (first.startswith(b"#!") and b"python" in first):
            continue
        if content != RELOCATABLE + rest:
            fresh = path.with_name(path.name + ".fresh")
            fresh.write_bytes(RELOCATABLE + rest)
            shutil.copymode(path, fresh)
            os.replace(fresh, path)
