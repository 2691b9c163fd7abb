"""Set-up: the virtual environment .venv and the packages in it."""

import contextlib
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys

from helpers.launcher import places
from helpers.launcher.reasons import Stop, last_line, why_pip_failed

# What a fresh installation takes, with pip's downloads beside it.
DISK_NEEDED = 2_500_000_000
DISK_NEEDED_WITH_CUDA = 9_000_000_000

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


def wanted():
    """A fingerprint of everything that the installed packages depend on."""
    import tomllib  # here, because an older Python must get as far as main() to be told so

    ask = [places.venv_python(), "-c", "import sys; print(sys.version)"]
    version = subprocess.run(ask, capture_output=True, text=True).stdout
    project = tomllib.loads((places.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # Not the whole file: a new setting for ruff is no reason to install anything.
    package = {key: project.get(key) for key in ("build-system", "project")}
    package["setuptools"] = project.get("tool", {}).get("setuptools")
    parts = [str(places.ROOT), version, json.dumps([package, DEFAULTS], sort_keys=True)]
    for name in ("requirements.txt", "constraints.txt"):
        parts.append((places.ROOT / name).read_text(encoding="utf-8"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def venv_works():
    """Whether .venv has a Python that runs and has pip."""
    try:
        ask = [places.venv_python(), "-m", "pip", "--version"]
        answer = subprocess.run(ask, capture_output=True)
    except OSError:
        return False
    return answer.returncode == 0


def is_set_up():
    """Whether .venv holds exactly what requirements.txt asks for."""
    try:
        return places.stamp().read_text() == wanted()
    except OSError:
        return False


@contextlib.contextmanager
def one_at_a_time():
    """Let a second set-up of the same folder wait for the first."""
    with open(places.ROOT / ".venv.lock", "w") as file:
        try:
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another set-up is running in this folder; waiting for it to end ...")
                fcntl.flock(file, fcntl.LOCK_EX)
        except ImportError:  # Windows: the check after the wait below is all there is.
            pass
        yield


def set_up():
    """Make .venv and install requirements.txt, unless that is done already."""
    if is_set_up():
        return
    with one_at_a_time():
        if is_set_up():
            return
        if not venv_works():
            make_venv()
        places.stamp().unlink(missing_ok=True)
        install(["-r", "requirements.txt"])
        if remove_broken_packages():
            install(["-r", "requirements.txt"])
        configure()
        places.stamp().write_text(wanted())
        print("Set-up is complete.", flush=True)


def make_venv():
    """Make a fresh .venv in place of whatever is there."""
    check_disk()
    print(
        "Setting up the course in .venv, once: downloading and installing about 1.3 GB, mostly\n"
        "PyTorch. Depending on your connection this takes a few minutes.",
        flush=True,
    )
    shutil.rmtree(places.VENV, ignore_errors=True)
    answer = subprocess.run(
        [sys.executable, "-m", "venv", places.VENV], capture_output=True, text=True, cwd=places.ROOT
    )
    if answer.returncode == 0:
        return
    shutil.rmtree(places.VENV, ignore_errors=True)
    said = answer.stdout + answer.stderr
    if "No space left" in said:
        raise Stop("The disk is full: free about 2.5 GB, then run this command again.")
    if "ensurepip" in said:
        raise Stop(
            "This Python cannot make virtual environments; on Debian or Ubuntu, "
            "`apt install python3-venv` adds what is missing. Then run this command again."
        )
    raise Stop(f"Could not make the virtual environment {places.VENV}: {last_line(said)}")


def check_disk():
    """Refuse to start what cannot fit."""
    free = shutil.disk_usage(places.ROOT).free
    if free < DISK_NEEDED:
        raise Stop(
            f"Too little disk space: the course needs about {DISK_NEEDED / 1e9:.1f} GB, "
            f"{free / 1e9:.1f} GB are free in {places.ROOT}; "
            "free some, then run this command again."
        )
    if sys.platform == "linux" and platform.machine() == "x86_64" and free < DISK_NEEDED_WITH_CUDA:
        print(
            f"Note: {free / 1e9:.1f} GB are free here. PyTorch for NVIDIA GPUs, which pip takes on "
            "Linux by default, may not fit; the README says how to get the small CPU build."
        )


def install(arguments):
    """Run pip, showing in one line what it is doing."""
    command = [places.venv_python(), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--no-input", "--progress-bar", "off", "--log", places.VENV / "install.log"]
    command += arguments
    pip = subprocess.Popen(
        command, cwd=places.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said = []
    try:
        for line in pip.stdout:
            said.append(line)
            show_progress(line)
        pip.wait()
    finally:
        pip.kill()
        pip.wait()
        if sys.stdout.isatty():
            print("\r\033[K", end="")
    if pip.returncode:
        raise Stop(why_pip_failed("".join(said)))


def show_progress(line):
    """Keep a terminal's last line up to date; elsewhere print only the large downloads."""
    line = line.strip()
    doing = line.startswith(("Collecting", "Downloading", "Installing collected", "Building"))
    if sys.stdout.isatty() and doing:
        print("\r\033[K" + line[: shutil.get_terminal_size().columns - 1], end="", flush=True)
    elif line.startswith("Installing collected") or (doing and "00 MB)" in line):
        print(line[:79], flush=True)


def configure():
    """Write the defaults of the tools into .venv."""
    for name, content in DEFAULTS.items():
        path = places.VENV / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1))


def remove_broken_packages():
    """Make pip forget packages with files missing or cut short; returns whether there were any.

    An installation that was killed can leave such a package, and pip believes that it is there.
    """
    import importlib.metadata  # here for the same reason as tomllib in wanted()

    found = False
    for site in (places.VENV / "Lib/site-packages", *places.VENV.glob("lib/python*/site-packages")):
        for folder in site.glob("*.dist-info"):
            files = importlib.metadata.Distribution.at(folder).files
            if files is None or any(
                file.size is not None and file.size != size_of(file.locate()) for file in files
            ):
                print(f"Repairing {folder.name.removesuffix('.dist-info')} ...", flush=True)
                shutil.rmtree(folder)
                found = True
    return found


def size_of(path):
    """The size of a file in bytes, or None."""
    try:
        return os.stat(path).st_size
    except OSError:
        return None
