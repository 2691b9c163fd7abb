"""What each participant of a workshop runs the day before: is anything left to do?

A check yields its lines: whether all is well, or None where that cannot be told, and a sentence. It
says what to do where something is not well.
"""

import json
import os
import subprocess
import sys

from helpers.launcher import packages, places
from helpers.launcher.environment import clean_environment
from helpers.launcher.installation import set_up
from helpers.launcher.lab import lab_variables
from helpers.launcher.machine import check_disk, check_memory, check_port, check_python
from helpers.launcher.notebooks import notebook_paths, refuse_incomplete_clone
from helpers.launcher.reasons import Stop, last_line, why_os_error
from helpers.launcher.workspace import copy_notebooks

KERNEL_PATIENCE = 120  # seconds: the first import after an installation is the slowest

# How a line begins: its colour on a terminal, its sign, and words where signs cannot be shown.
BEGINNINGS = {
    True: ("\033[32m", "✓", "[ok]"),
    False: ("\033[31m", "✗", "[to do]"),
    None: ("\033[33m", "?", "[?]"),
}

MEND = "delete the folder .venv and run this command again"
AGAIN = f"run this command again; if that does not help, {MEND}"

# What `helpers.kernel_trial` tries, in its order: what is well, and what is not for some reason.
KERNEL = {
    "computes": (
        "A kernel starts and computes 1 + 1.",
        f"No kernel starts and computes 1 + 1 ({{}}): {AGAIN}.",
    ),
    "imports": (
        "The kernel imports the course and its packages.",
        f"The kernel cannot import the course and its packages ({{}}): {AGAIN}.",
    ),
    "draws": ("The kernel draws a figure.", f"The kernel draws no figure ({{}}): {AGAIN}."),
    "digits": ("data/digits.npz is whole.", "data/digits.npz cannot be used: {}."),
}


def preflight():
    """Look at all that a workshop needs, also when something is missing; returns the exit code."""
    print("Looking at what the workshop needs; a kernel may take two minutes to start.", flush=True)
    missing = count_missing(check_set_up)
    needing_packages = () if missing else (check_packages, check_kernel)
    if missing:
        show(None, "Not tried before the course is set up: its packages, and a kernel.")
    for check in (
        *(check_python, check_disk, check_memory, check_workspace, check_port),
        *needing_packages,
    ):
        missing += count_missing(check)
    if not missing:
        show(True, "Ready for the workshop: nothing is left to do.")
    elif missing == 1:
        show(False, "1 thing is left to do; it is marked above.")
    else:
        show(False, f"{missing} things are left to do; they are marked above.")
    return int(missing > 0)


def count_missing(check):
    """Show the lines of a check; returns how many of them say that something is left to do."""
    missing = 0
    for good, sentence in lines(check):
        show(good, sentence)
        missing += good is False
    return missing


def lines(check):
    """The lines of a check; what stops it is one of them."""
    try:
        yield from check()
    except Stop as reason:
        yield False, str(reason)
    except OSError as error:
        yield False, why_os_error(error)


def show(good, sentence):
    """Print one line, which never means something by its colour alone."""
    colour, sign, words = BEGINNINGS[good]
    try:
        "✓✗".encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        sign = words
    line = f"{sign} {sentence}"
    # Older terminals of Windows would print the colours' codes.
    if sys.stdout.isatty() and (os.name != "nt" or "WT_SESSION" in os.environ):
        line = f"{colour}{line}\033[0m"
    print(line, flush=True)


def check_set_up():
    """All packages are there, as the requirement files ask for them."""
    set_up()
    yield True, "The course is set up."


def check_packages():
    """The largest packages can be imported, and are those that are pinned."""
    pinned = {name: version for name, version, *_ in packages.pins()}
    without = packages.why_no_pytorch()
    for name in ("numpy", "matplotlib", "jupyterlab", *([] if without else ["torch"])):
        answer = ask_python("-c", f"import {name}; print({name}.__version__)")
        version = last_line(answer.stdout)
        if answer.returncode:
            reason = last_line(answer.stderr)
            yield False, f"{name} cannot be imported ({reason}): {MEND}."
        elif version.partition("+")[0] != pinned[name]:  # behind it: which build of PyTorch
            yield False, f"{name} is {version} and should be {pinned[name]}: {MEND}."
        else:
            yield True, f"{name} {version} can be imported."
    if without:
        yield None, without


def check_workspace():
    """The copies can be written; they are made as `lab` makes them."""
    refuse_incomplete_clone()
    try:
        messages = copy_notebooks(places.WORKSPACE, with_outputs=None)
    except FileExistsError:
        yield False, f"{places.WORKSPACE} is no folder, and your copies go there: rename it."
        return
    for message in messages:
        print(message)
    count = len(notebook_paths())
    yield True, f"workspace/ can be written, and has your copies of {count} notebooks."


def check_kernel():
    """A kernel in the learner's folder does what the notebooks ask of it."""
    folder = places.WORKSPACE if places.WORKSPACE.is_dir() else places.ROOT
    answer = ask_python("-m", "helpers.kernel_trial", folder, KERNEL_PATIENCE)
    reports = [line for line in answer.stdout.splitlines() if line.startswith('{"tried"')]
    reasons = {report["tried"]: report["reason"] for report in map(json.loads, reports)}
    if not reasons:
        yield False, f"No kernel can be tried ({last_line(answer.stderr)}): {AGAIN}."
    for tried, (well, not_well) in KERNEL.items():
        reason = reasons.get(tried)
        if tried not in reasons:
            yield None, f"Not tried, as the kernel has failed: {well}"
        elif reason is None:
            yield True, well
        else:
            yield False, not_well.format(reason)


def ask_python(*arguments):
    """Run the Python of .venv as JupyterLab runs it; returns what it has said."""
    return subprocess.run(
        [str(places.venv_python()), *map(str, arguments)],
        cwd=places.ROOT,
        env=clean_environment() | lab_variables(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
