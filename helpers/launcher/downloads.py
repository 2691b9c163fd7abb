"""Running pip: packages come the way that the user's settings say, and go into .venv."""

import ast
import os
import shutil
import signal
import subprocess
import sys

from helpers.launcher import places
from helpers.launcher.environment import clean_environment
from helpers.launcher.reasons import Stop, why_pip_failed

# pip's settings that say where packages come from and how they are reached. All others say what is
# installed and where (user, target, prefix, constraint, ...), and that is the course's to say.
WAYS = (
    "cache-dir",
    "cert",
    "client-cert",
    "default-timeout",
    "extra-index-url",
    "find-links",
    "index-url",
    "keyring-provider",
    "no-cache-dir",
    "no-index",
    "proxy",
    "pypi-url",
    "resume-retries",
    "retries",
    "timeout",
    "trusted-host",
    "use-deprecated",
    "use-feature",
)


def pip_settings(python):
    """The ways in the user's variables and files (pip.conf, pip.ini), as {name: value}.

    ``python`` is the interpreter whose pip is asked.
    """
    command = [python, "-m", "pip", "config", "list"]
    # For this command `user = true` would mean: list what stands in the user's file alone.
    every_file = dict.fromkeys(("PIP_USER", "PIP_GLOBAL", "PIP_SITE"), "0")
    answer = subprocess.run(
        command,
        env=clean_environment() | every_file,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if answer.returncode:
        said = " ".join((answer.stderr or answer.stdout).split())
        raise Stop(f"pip cannot read its own settings: {said}")
    settings = {}
    # Sections in the order in which pip lets one win over the other.
    for section in ("global", "install", ":env:"):
        for line in answer.stdout.splitlines():
            key, _, value = line.partition("=")
            where, _, name = key.rpartition(".")
            if where == section and name in WAYS and ast.literal_eval(value):
                settings[name] = ast.literal_eval(value)
    return settings


def pip_environment(settings):
    """The variables for pip: the settings given, and none of the user's others."""
    variables = {k: v for k, v in clean_environment().items() if not k.upper().startswith("PIP_")}
    for name, value in settings.items():
        variables["PIP_" + name.upper().replace("-", "_")] = value
    variables["PIP_CONFIG_FILE"] = os.devnull  # no file is read beside these variables
    if os.name != "nt":  # where paths must be short
        # Large packages are unpacked on the drive of the course: /tmp is often small.
        variables["TMPDIR"] = str(places.VENV / "tmp")
    return variables


def install(arguments, settings):
    """Run pip, showing in one line what it is doing."""
    log = places.VENV / "install.log"
    command = [places.venv_python(), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--no-input", "--progress-bar", "off", "--log", log, *arguments]
    logged = log.stat().st_size if log.exists() else 0
    unpacking = places.VENV / "tmp"
    unpacking.mkdir(exist_ok=True)
    said = []
    with subprocess.Popen(
        command,
        cwd=places.ROOT,
        env=pip_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as pip:
        try:
            for line in pip.stdout:
                said.append(line)
                show_progress(line)
                if line.startswith("Installing collected"):
                    # From here on .venv is neither what it was nor what it shall be.
                    places.stamp().unlink(missing_ok=True)
            pip.wait()
        finally:
            pip.kill()
            pip.wait()
            shutil.rmtree(unpacking, ignore_errors=True)
            if sys.stdout.isatty():
                print("\r\033[K", end="")
    if pip.returncode == -getattr(signal, "SIGKILL", 9):
        raise Stop("The system has ended pip, probably for lack of memory: close other programs.")
    if pip.returncode:
        raise Stop(why_pip_failed("".join(said) + refusals(log, logged)))


def refusals(log, start):
    """What an index answered in this run: pip keeps that for its log."""
    with open(log, "rb") as file:
        file.seek(start)
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    return "".join(line + "\n" for line in lines if "Could not fetch URL" in line)


def show_progress(line):
    """Keep a terminal's last line up to date; elsewhere print only the large downloads."""
    line = line.strip()
    doing = line.startswith(("Collecting", "Downloading", "Installing collected", "Building"))
    if sys.stdout.isatty() and doing:
        print("\r\033[K" + line[: shutil.get_terminal_size().columns - 1], end="", flush=True)
    elif line.startswith("Installing collected") or (doing and "00 MB)" in line):
        print(line[:79], flush=True)
