"""What set-up asks pip for: on which Python, which packages, and which build of PyTorch.

The answers stand in ``pyproject.toml`` (the range of Pythons), ``requirements.txt`` and its
companions (what the course asks for, stage by stage) and ``constraints.txt`` (every package
beneath, with the Pythons that it allows); this module reads them.
"""

import os
import platform
import re
import shutil
import sys

from helpers.launcher import places

# What is installed, from the ground up, and the files that say so. A stage stands on all before it:
# the proofs also test what only teachers use.
STAGES = {
    "lessons": "requirements.txt",
    "teachers": "requirements-teachers.txt",
    "proofs": "requirements-proofs.txt",
}

# Where PyTorch's builds without CUDA are; on the package index Linux has only those with it.
CPU_INDEX = "https://download.pytorch.org/whl/cpu"

# One of these in pip's own settings, and the user has decided where packages come from.
SOURCES = ("index-url", "pypi-url", "extra-index-url", "find-links", "no-index")

# Each is there where an NVIDIA driver is: on Linux, in a container, in WSL, on a Jetson.
NVIDIA_DRIVER = (
    "/proc/driver/nvidia/version",
    "/dev/nvidiactl",
    "/dev/nvidia0",
    "/usr/lib/wsl/lib/nvidia-smi",
    "/etc/nv_tegra_release",
)

# A line of constraints.txt: name==version ; marker  # Python >=3.9
PIN = r"([\w.-]+)==([^\s;]+)(?: ; ([^#]*))?\s*(?:# (?:any )?Python ?(.*))?$"


# ---------------------------------------------------------------------- Python


def supported_pythons():
    """The range of Pythons that pyproject.toml promises, such as ``>=3.11, <3.15``."""
    text = (places.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.search(r'^requires-python = "(.*)"$', text, re.MULTILINE).group(1)


def allows(specifiers, version):
    """Whether specifiers such as ``>=3.9, !=3.14.1`` allow a version (major, minor, patch).

    They are those of a package's Requires-Python (PEP 440) for released versions.

    Raises
    ------
    ValueError
        For a specifier that is none.
    """
    parts = [part.strip() for part in specifiers.split(",")]
    return all(_fits(part, tuple(version)) for part in parts if part)


def _fits(specifier, version):
    """Whether one specifier allows the version."""
    match = re.match(r"(~=|==|!=|<=|>=|<|>)\s*(\d+(?:\.\d+)*)(\.\*)?$", specifier)
    if not match:
        raise ValueError(f"{specifier!r} is no version specifier such as '>=3.11'")
    sign, numbers, star = match.groups()
    numbers = tuple(int(number) for number in numbers.split("."))
    wanted = (*numbers, 0, 0)[: len(version)]
    if star:
        return (version[: len(numbers)] == numbers) == (sign == "==")
    if sign == "~=":
        return version >= wanted and version[: len(numbers) - 1] == numbers[:-1]
    return {
        "==": version == wanted,
        "!=": version != wanted,
        "<=": version <= wanted,
        ">=": version >= wanted,
        "<": version < wanted,
        ">": version > wanted,
    }[sign]


def pins():
    """Every package of constraints.txt: (name, version, marker or "", Requires-Python or "")."""
    found = []
    for line in (places.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        match = re.match(PIN, line)
        if match:
            name, version, marker, python = match.groups()
            found.append((name, version, (marker or "").strip(), python or ""))
    return found


def why_not_this_python(version):
    """One sentence why the course cannot be set up on a Python (major, minor, patch), or None."""
    promised = supported_pythons()
    bounds = re.findall(r"(>=|<)\s*3\.(\d+)", promised)
    oldest, beyond = (next(int(n) for sign, n in bounds if sign == which) for which in (">=", "<"))
    several = f"Python 3.{oldest} to 3.{beyond - 1}"
    mine = ".".join(str(number) for number in version)
    if not (3, oldest) <= tuple(version[:2]) < (3, beyond):
        return f"The course runs on {several}, not on Python {mine}: start it with one of those."
    for name, release, _, allowed in pins():
        if not allows(allowed, version):
            return (
                f"{name} {release}, which the course needs, excludes Python {mine}: "
                f"start the course with another {several}."
            )
    return None


# -------------------------------------------------------------------- packages


def stages(last):
    """A stage with all those that it stands on, from the ground up."""
    names = list(STAGES)
    return names[: names.index(last) + 1]


def requirements(last):
    """What these stages ask for, one pip argument each: neither options nor the line ``-e .``."""
    lines = []
    for stage in stages(last):
        text = (places.ROOT / STAGES[stage]).read_text(encoding="utf-8")
        for line in text.splitlines():
            requirement = re.sub(r"(^|\s+)#.*", "", line).strip()
            if requirement and not requirement.startswith("-"):
                lines.append(requirement)
    return lines


def pip_arguments(last):
    """The arguments with which ``pip install`` installs all of them, at the pinned versions."""
    return ["--constraint", str(places.ROOT / "constraints.txt"), *requirements(last)]


# --------------------------------------------------------------------- PyTorch


def why_no_pytorch():
    """One sentence where PyTorch has no wheel for this system, or None.

    requirements.txt says the same with a marker, so that everything else is installed there.
    """
    system, machine = sys.platform, platform.machine()
    if system == "darwin" and machine == "x86_64":
        here = "Macs with an Intel processor"
    elif system == "win32" and machine == "ARM64":
        here = "Windows on ARM"
    else:
        return None
    return (
        f"PyTorch is not made for {here}: the course is set up without it, for Parts I and II; "
        "Part III (Use it) needs another computer."
    )


def index_arguments(settings):
    """Where PyTorch shall come from: pip's arguments, and the sentence that says so.

    ``settings`` are the user's for pip, as {name: value}. On Linux without an NVIDIA driver the
    small build for CPUs is asked for, unless pip's settings name an index or a folder of wheels.
    The variable BN_COURSE_TORCH decides otherwise: ``cpu``, ``default`` (whatever pip finds) or
    the address of an index. Both answers are empty where pip shall choose by itself.

    The index is meant for PyTorch alone, in a ``pip install --no-deps`` of its own before
    everything else, so that nothing but PyTorch can come from there.
    """
    chosen = os.environ.get("BN_COURSE_TORCH", "")
    if chosen == "default" or why_no_pytorch():
        return [], ""
    if chosen == "cpu":
        return ["--index-url", CPU_INDEX], "PyTorch: the small CPU build, as you said."
    if chosen:
        return ["--index-url", chosen], f"PyTorch comes from {chosen}, as you said."
    told_where_to_look = any(settings.get(name) for name in SOURCES)
    if sys.platform != "linux" or has_nvidia_driver() or told_where_to_look:
        return [], ""
    return ["--index-url", CPU_INDEX], (
        "There is no NVIDIA driver here, so PyTorch's small CPU build is taken "
        "(BN_COURSE_TORCH=default takes the one with CUDA)."
    )


def pytorch_requirement():
    """The line of requirements.txt that asks for PyTorch, or None."""
    return next((line for line in requirements("lessons") if re.match(r"torch\b", line)), None)


def has_nvidia_driver():
    """Whether an NVIDIA driver can be seen from here."""
    return bool(shutil.which("nvidia-smi")) or any(map(os.path.exists, NVIDIA_DRIVER))
