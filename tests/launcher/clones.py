"""Clones of the course for its launcher: a tiny wheel stands in for all packages.

No test leaves this machine.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from helpers.launcher import places

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and links")

# Each stand-in prints what it was called with; pytest's fails where FAIL_AT says so.
REPORT = """
import json, os, sys
keep = ("BN_COURSE_", "OMP_", "OPENBLAS", "CUDA_", "NPY_", "ATEN_", "TQDM_")
env = {k: v for k, v in os.environ.items() if k.startswith(keep)}
print(json.dumps({"module": MODULE, "arguments": sys.argv[1:], "env": env}), flush=True)
if "WAIT" in os.environ:
    import signal
    signal.pause()
sys.exit(os.environ.get("FAIL_AT", "nowhere") in (MODULE, env.get("BN_COURSE_SETTING")))
"""
NUMPY = '__cpu_dispatch__ = ["FAST", "FASTER", "OTHER"]\n'
NUMPY += '__cpu_features__ = {"FAST": True, "FASTER": True, "OTHER": False, "BASE": True}\n'


def reporter(module):
    return REPORT.replace("MODULE", repr(module))


STAND_INS = {
    "pytest/__main__.py": reporter("pytest"),
    "jupyterlab/__main__.py": reporter("jupyterlab"),
    "numpy/_core/_multiarray_umath.py": NUMPY,
    "program.py": "import sys\n\n\ndef main():\n    print(sys.prefix)\n",
}
PROOFS = {
    "ruff/__main__.py": reporter("ruff"),
    "codespell_lib/__main__.py": reporter("codespell"),
}
TEACHERS = {"guide.py": "pages = 12\n"}
PROGRAM = "[console_scripts]\nprogram = program:main\n"


def make_wheel(folder, package, version, files):
    """Write the wheel of stand-ins, with the sizes that pip records."""
    name = f"{package}-{version}"
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
    tag = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = files | {
        f"{name}.dist-info/METADATA": metadata,
        f"{name}.dist-info/WHEEL": tag,
    }
    if "program.py" in files:
        files[f"{name}.dist-info/entry_points.txt"] = PROGRAM
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        rows.append(f"{path},sha256={digest.decode()},{len(text)}")
    rows.append(f"{name}.dist-info/RECORD,,")
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{name}.dist-info/RECORD", "\n".join(rows) + "\n")


def notebook(*sources, output="stored"):
    """The bytes of a small notebook, one code cell per source, with the line ends of Windows.

    output: what each cell has printed; None for a notebook that was never run.
    """
    cells = []
    for count, source in enumerate(sources, 1):
        printed = {"output_type": "stream", "name": "stdout", "text": [output]}
        cell = {"cell_type": "code", "id": f"cell-{count}", "metadata": {}, "source": [source]}
        cell["execution_count"] = None if output is None else count
        cell["outputs"] = [] if output is None else [printed]
        cells.append(cell)
    whole = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1).replace("\n", "\r\n").encode()


class Clone:
    """A bare clone in a temporary folder, and the environment of someone who has only Python."""

    def __init__(self, root, wheels):
        self.root = root
        for name in ("course.py", "pyproject.toml"):
            shutil.copy(places.ROOT / name, root)
        without_caches = shutil.ignore_patterns("__pycache__")
        launcher = places.ROOT / "helpers" / "launcher"
        shutil.copytree(launcher, root / "helpers" / "launcher", ignore=without_caches)
        shutil.copy(places.ROOT / "helpers" / "__init__.py", root / "helpers")
        (root / "requirements.txt").write_text(
            "-c constraints.txt\nstandins==1.0  # lessons\n-e .\n"
        )
        (root / "requirements-proofs.txt").write_text("-c constraints.txt\nproofs==1.0\n")
        (root / "requirements-teachers.txt").write_text("-c constraints.txt\nteachers==1.0\n")
        (root / "constraints.txt").write_text("standins==1.0\nteachers==1.0\nproofs==1.0\n")
        (root / "notebooks").mkdir()
        for name in ("00_start_here", "03_backward"):
            (root / "notebooks" / f"{name}.ipynb").write_bytes(notebook(name))
        drop = ("PIP_", "BN_COURSE_", "PYTHON", "PYTEST", "VIRTUAL_ENV", "OMP_", "CUDA_", "TQDM_")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
        # A dead proxy too: nothing but 127.0.0.1 can be reached.
        self.env |= {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_CACHE_DIR": "1",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
        }

    @property
    def stamp(self):
        return self.root / ".venv" / "installed.txt"

    @property
    def site(self):
        (site,) = (self.root / ".venv").glob("lib/python*/site-packages")
        return site

    def popen(self, *arguments, **env):
        variables = {k: v for k, v in (self.env | env).items() if v is not None}
        return subprocess.Popen(
            [sys.executable, "course.py", *arguments],
            cwd=self.root,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments, **env):
        process = self.popen(*arguments, **env)
        out, err = process.communicate(timeout=100)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def reports(self, *arguments, **env):
        """What each stand-in that the command ran was called with, and the exit code."""
        done = self.run(*arguments, **env)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return [json.loads(line) for line in lines], done.returncode


def sentence(done):
    """The one line on stderr of a command that failed as it should."""
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line
