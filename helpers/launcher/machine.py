"""What a computer has, and what it lets one do: the checks of `preflight` beside the course."""

import shutil
import socket
import sys

from helpers.launcher import memory, packages, places, venv

DISK_NEEDED = 1_000_000_000  # for copies and figures; set-up sees to its own needs
MEMORY_NEEDED = 2_000_000_000
PORT_PATIENCE = 5  # seconds


def check_python():
    """The Python of .venv, or the running one where there is none."""
    python = venv.interpreter()
    version = python.version if python else sys.version_info[:3]
    reason = packages.why_not_this_python(version)
    yield not reason, reason or f"Python {'.'.join(map(str, version))} can run the course."


def check_disk():
    """Room for copies and figures."""
    folder = places.WORKSPACE if places.WORKSPACE.is_dir() else places.ROOT
    free, needed = shutil.disk_usage(folder).free, f"{DISK_NEEDED / 1e9:.0f} GB"
    told = f"{free / 1e9:.1f} GB of disk are free"
    if free >= DISK_NEEDED:
        yield True, f"{told}."
    else:
        yield False, f"{told} in {folder}, copies and figures need {needed}: free some."


def check_memory():
    """Room for a kernel beside JupyterLab and a browser."""
    free, needed = memory.available(), f"{MEMORY_NEEDED / 1e9:.0f} GB"
    if free is None:
        yield None, f"How much memory is free cannot be told here: the course needs {needed}."
        return
    told = f"{free / 1e9:.1f} GB of memory are free"
    if free >= MEMORY_NEEDED:
        yield True, f"{told}."
    else:
        yield False, f"{told}, the course needs {needed}: close other programs."


def check_port():
    """What JupyterLab and a browser on the same machine need."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(PORT_PATIENCE)
            with socket.create_connection(server.getsockname(), PORT_PATIENCE):
                server.accept()[0].close()
    except OSError as error:
        why = f"No port of 127.0.0.1 can be opened and reached ({error.strerror or error})"
        who = "ask who looks after this computer what forbids it, such as a firewall"
        yield False, f"{why}, which JupyterLab needs: {who}."
    else:
        yield True, "A port of 127.0.0.1 can be opened and reached."
