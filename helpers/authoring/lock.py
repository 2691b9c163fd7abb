"""Make constraints.txt again: every package on every system, with the Pythons that it allows.

``python -m helpers.authoring.lock``, in the course's environment, with a network and with uv
(``pip install uv``), which resolves for all systems at once. Pins stay as they are, wherever they
still fit; to move one, change it first in constraints.txt, or in requirements.txt or its companion
that asks for it. Then pip is asked, for each system and each minor version of Python, whether every
package has a wheel there and what it says in Requires-Python. Takes several minutes; downloads
metadata.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from helpers.launcher import packages, places

HEAD = """\
# Every package of the tested set, on every system: made by `python -m helpers.authoring.lock` from
# requirements.txt, requirements-teachers.txt and requirements-proofs.txt, which say what the course
# asks for, and why. Behind each stands the Requires-Python that it declares.
"""


def _manylinux(machine):
    """Tags of the wheels that a Linux with glibc 2.28 or later takes."""
    return [f"manylinux_2_{minor}_{machine}" for minor in range(28, 4, -1)] + [
        f"manylinux{year}_{machine}" for year in ("2014", "2010", "1")
    ]


# System: the tags of its wheels, and what environment markers see there.
SYSTEMS = {
    "Linux": (
        _manylinux("x86_64"),
        {"sys_platform": "linux", "platform_machine": "x86_64", "os_name": "posix"},
    ),
    "Linux on ARM": (
        _manylinux("aarch64"),
        {"sys_platform": "linux", "platform_machine": "aarch64", "os_name": "posix"},
    ),
    "Windows": (
        ["win_amd64"],
        {"sys_platform": "win32", "platform_machine": "AMD64", "os_name": "nt"},
    ),
    "macOS": (
        ["macosx_14_0_arm64"],
        {"sys_platform": "darwin", "platform_machine": "arm64", "os_name": "posix"},
    ),
    "macOS on Intel": (
        ["macosx_14_0_x86_64"],
        {"sys_platform": "darwin", "platform_machine": "x86_64", "os_name": "posix"},
    ),
}


def main():
    """Resolve, ask, write."""
    supported = SpecifierSet(packages.supported_pythons())
    minors = [minor for minor in range(100) if supported.contains(f"3.{minor}.99")]
    asked = [Requirement(text) for text in packages.requirements("proofs")]
    pins = resolve(asked, f"3.{minors[0]}.0")
    limited = {canonicalize_name(item.name): item.marker for item in asked if item.marker}
    pythons = {}
    for system, (tags, seen) in SYSTEMS.items():
        for minor in minors:
            python = {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.99"}
            here = [pin for pin in pins if applies(pin, limited, seen | python)]
            print(f"{system}, Python 3.{minor}: {len(here)} packages", flush=True)
            pythons |= requires_python(here, tags, f"3.{minor}")
    text = HEAD + "".join(line(pin, pythons[canonicalize_name(pin.name)]) for pin in pins)
    (places.ROOT / "constraints.txt").write_text(text, encoding="utf-8")


def resolve(asked, oldest):
    """Every package that is needed anywhere, as requirements with the markers of dependencies."""
    with tempfile.TemporaryDirectory() as folder:
        top, kept = Path(folder, "asked.in"), Path(folder, "kept.txt")
        top.write_text("\n".join(f"{item.name}{item.specifier}" for item in asked))
        kept.write_text("\n".join(f"{name}=={version}" for name, version, *_ in packages.pins()))
        command = ["uv", "pip", "compile", top, "--constraint", kept, "--quiet", "--universal"]
        command += ["--python-version", oldest, "--fork-strategy", "fewest"]
        command += ["--no-annotate", "--no-header"]
        answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        raise SystemExit(answer.stderr)
    return [Requirement(line.strip()) for line in answer.stdout.splitlines()]


def applies(pin, asked, seen):
    """Whether a package is installed where environment markers see this."""
    markers = pin.marker, asked.get(canonicalize_name(pin.name))
    return all(marker is None or marker.evaluate(seen) for marker in markers)


def requires_python(pins, tags, python):
    """Requires-Python of each package, by name; ends the command where one has no wheel."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps"]
        command += ["--ignore-installed", "--only-binary=:all:", "--target", folder]
        command += ["--python-version", python, "--report", report]
        command += [f"--platform={tag}" for tag in tags]
        answer = subprocess.run(
            command + [f"{pin.name}{pin.specifier}" for pin in pins], capture_output=True, text=True
        )
        if answer.returncode:
            raise SystemExit(answer.stderr)
        found = [item["metadata"] for item in json.loads(report.read_text())["install"]]
    return {canonicalize_name(data["name"]): data.get("requires_python", "") for data in found}


def line(pin, python):
    """One line of constraints.txt."""
    marker = re.sub(r"'([^']*)'", r'"\1"', f" ; {pin.marker}" if pin.marker else "")
    said = f"Python {python}" if python else "any Python"
    return f"{pin.name}{pin.specifier}{marker}  # {said}\n"


if __name__ == "__main__":
    main()
