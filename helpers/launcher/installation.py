"""Set-up: .venv holds what the requirement files ask for, and nothing is done twice."""

import contextlib
import csv
import hashlib
import json
import os
import platform
import shutil
import sys

from helpers.launcher import packages, places, venv
from helpers.launcher.downloads import install, pip_settings
from helpers.launcher.reasons import Stop

# What a fresh installation takes, with pip's downloads beside it.
DISK_NEEDED = 2_500_000_000
DISK_NEEDED_WITH_CUDA = 9_000_000_000


def fingerprint(version, stage):
    """What was asked for, and of which Python: another one is a reason to run pip again."""
    asked = [packages.requirements(stage), packages.pins(), version[:2]]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def stamped():
    """The fingerprints of what .venv holds, by stage."""
    try:
        known = json.loads(places.stamp().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def holds(python, stage):
    """Whether .venv, with this Python, holds what a stage asks for."""
    return stamped().get(stage) == fingerprint(python.version, stage)


def is_set_up(last):
    """Whether nothing is left to do for a stage and those that it stands on."""
    python = venv.interpreter()
    return (
        python is not None
        and all(holds(python, stage) for stage in packages.stages(last))
        # What others have set up, for instance in an image, is theirs to mend.
        and (venv.is_tidy(python) or not os.access(places.VENV, os.W_OK))
    )


@contextlib.contextmanager
def one_at_a_time():
    """Let a second set-up of the same folder wait for the first, where the drive has locks."""
    with open(places.ROOT / ".venv.lock", "w") as file:
        try:
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another set-up is running in this folder; waiting for it to end ...")
                fcntl.flock(file, fcntl.LOCK_EX)
        except (ImportError, OSError):
            # Windows, and drives without locks: the check after the wait is all there is.
            pass
        yield


def set_up(*, teachers=False, proofs=False):
    """Make .venv and install what is asked for, unless that is done already.

    ``teachers`` adds what only teachers' tools need; ``proofs`` that, and what only tests and
    linters need.
    """
    last = "proofs" if proofs else "teachers" if teachers else "lessons"
    if is_set_up(last):
        return
    if not os.access(places.ROOT, os.W_OK):
        raise Stop(f"You may not write in {places.ROOT}: copy the course to a folder of your own.")
    with one_at_a_time():
        if not is_set_up(last):
            bring_up_to_date(last)


def bring_up_to_date(last):
    """Do what is missing, from what needs no network to what does."""
    python = venv.interpreter()
    if python is None:
        refuse_python(sys.version_info[:3])
        if venv.can_be_linked_again():
            venv.link_again()
            python = venv.interpreter()
    if python is None:
        announce()
        venv.make()
        python = venv.interpreter()
    if python is None:
        raise Stop(f"The Python in {places.VENV} does not run: remove that folder.")
    venv.tidy(python)
    settings = None
    for stage in packages.stages(last):
        if not holds(python, stage):
            if settings is None:
                refuse_python(python.version)
                venv.ensure_pip()
                settings = pip_settings(places.venv_python())
            install_stage(python, stage, settings)
    if settings is not None:
        print("Set-up is complete.", flush=True)


def refuse_python(version):
    """Stop where a pin or pyproject.toml excludes this Python, before anything is downloaded."""
    reason = packages.why_not_this_python(version)
    if reason:
        raise Stop(reason)


def announce():
    """Say what a first set-up will do, or refuse to start what cannot fit."""
    free = shutil.disk_usage(places.ROOT).free
    if free < DISK_NEEDED:
        raise Stop(
            f"Too little disk space: the course needs about {DISK_NEEDED / 1e9:.1f} GB, "
            f"{free / 1e9:.1f} GB are free in {places.ROOT}; "
            "free some, then run this command again."
        )
    print(
        "Setting up the course in .venv, once: downloading and installing about 1.4 GB, mostly\n"
        "PyTorch. Depending on your connection this takes a few minutes.",
        flush=True,
    )


def install_stage(python, stage, settings):
    """Run pip for what a stage asks for, and write down that it is there."""
    # What was put on other lessons has to be looked at again.
    known = {} if stage == "lessons" else stamped()
    if stage == "lessons":
        install_pytorch(settings)
    arguments = packages.pip_arguments(stage)
    install(arguments, settings)
    if remove_broken_packages(python.packages):
        install(arguments, settings)
    venv.tidy(python)
    known[stage] = fingerprint(python.version, stage)
    places.stamp().write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def install_pytorch(settings):
    """Take PyTorch's small build where pip would take the one with CUDA for nothing."""
    index, sentence = packages.index_arguments(settings)
    if packages.why_no_pytorch():
        print(packages.why_no_pytorch(), flush=True)
    elif index and packages.pytorch_requirement():
        print(sentence, flush=True)
        install(["--no-deps", *index, packages.pytorch_requirement()], settings)
    elif sys.platform == "linux" and platform.machine() == "x86_64":
        warn_of_cuda()


def warn_of_cuda():
    """Say in time that PyTorch's largest build may not fit."""
    free = shutil.disk_usage(places.ROOT).free
    if free < DISK_NEEDED_WITH_CUDA:
        print(
            f"Note: {free / 1e9:.1f} GB are free here. PyTorch for NVIDIA GPUs, which pip takes on "
            "Linux by default, may not fit; BN_COURSE_TORCH=cpu asks for the small CPU build."
        )


def remove_broken_packages(folder):
    """Make pip forget packages with files missing or cut short; returns whether there were any.

    An installation that was killed can leave such a package, and pip believes that it is there.
    """
    broken = [path for path in sorted(folder.glob("*.dist-info")) if not is_whole(path)]
    for path in broken:
        print(f"Repairing {path.name[: -len('.dist-info')]} ...", flush=True)
        shutil.rmtree(path)
    return bool(broken)


def is_whole(information):
    """Whether a package has every file that its RECORD lists, in the listed size."""
    try:
        with open(information / "RECORD", encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError):
        return False
    programs = os.path.realpath(places.scripts())
    for name, _, size in filter(None, rows):
        if not size:  # what Python compiles may come and go
            continue
        path = os.path.join(information.parent, name)
        try:
            found = os.stat(path).st_size
        except OSError:
            return False
        # Programs were written by pip for one place, and by us for every place.
        if found != int(size) and os.path.realpath(os.path.dirname(path)) != programs:
            return False
    return True
