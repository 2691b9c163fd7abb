"""The variables that kernels and proofs start with, and how commands are run with them."""

import atexit
import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from helpers.launcher import places

# What notebooks print must hold on every CPU. The first setting switches compiled libraries to
# code for older processors, the second NumPy's own loops; the third does both.
OLDER_CPU = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Nehalem",
}
MATRIX = ("older-cpu", "plain-numpy", "both", "two-threads", "core")

# Variables of Python that decide nothing. All others go: they put other packages before those of
# .venv, switch assertions off, turn warnings into errors, or keep an interpreter from starting.
HARMLESS = ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")

# Further settings that would decide: figures drawn where nobody sees them, kernels of another
# Python, and what pytest runs.
DECISIVE = (
    "MPLBACKEND",
    "JUPYTER_PATH",
    "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD",
    "__PYVENV_LAUNCHER__",
)


def take_away_settings(variables):
    """Remove, in place, what a user has set and what would change what the course does."""
    for name in list(variables):
        of_python = name.upper().startswith("PYTHON") and name.upper() not in HARMLESS
        if of_python or name in DECISIVE:
            del variables[name]


def clean_environment():
    """The variables of this process without such settings."""
    variables = dict(os.environ)
    take_away_settings(variables)
    return variables


@functools.lru_cache(1)
def private_folder():
    """An empty folder for as long as this process lives."""
    folder = Path(tempfile.mkdtemp(prefix="batch-norm-course-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def home_is_usable():
    """Whether programs can keep their settings where the user's are.

    Containers that run as a number have no home, and some machines have one that is read-only.
    """
    try:
        return os.name == "nt" or os.access(Path.home(), os.W_OK | os.X_OK)
    except RuntimeError:
        return False


def environment(*, proof):
    """Variables that every kernel of the course starts with, after ``take_away_settings``.

    ``proof`` adds those of tests and of re-execution: on the CPU, with nobody's settings, and with
    no progress bars, which would be stored in the notebooks.
    """
    # One thread: with two and a busy neighbour, small networks run 10 to 100 times slower.
    variables = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    # Otherwise the debugger inside each kernel complains about frozen modules on stderr.
    variables["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    # A kernel of the same name that the user installed elsewhere must not win.
    variables["JUPYTER_PREFER_ENV_PATH"] = "1"
    # Files are UTF-8 in every locale, and figures look the same for everybody.
    variables["PYTHONUTF8"] = "1"
    variables["MATPLOTLIBRC"] = str(Path(__file__).with_name("matplotlibrc"))
    if not home_is_usable():
        variables["HOME"] = str(private_folder())
    if proof:
        variables["CUDA_VISIBLE_DEVICES"] = ""
        # Many processes import the course; where bytecode is not kept each would compile it.
        variables["PYTHONDONTWRITEBYTECODE"] = ""
        variables["TQDM_DELAY"] = "1e9"  # TQDM_DISABLE does not reach bars in notebooks
        variables["BN_COURSE_SETTING"] = "as it is"
        variables["IPYTHONDIR"] = str(private_folder() / "ipython")
        variables["JUPYTER_CONFIG_DIR"] = str(private_folder() / "jupyter")
    return variables


def matrix_variables(name):
    """The variables of one setting of the matrix."""
    if name == "two-threads":
        two = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "2")
        return {"BN_COURSE_SETTING": name, **two}
    variables = {"BN_COURSE_SETTING": name}
    if name in ("older-cpu", "both"):
        variables |= OLDER_CPU
    if name in ("plain-numpy", "both"):
        # Only features that were found may be named: NumPy warns about any other.
        found = (
            "from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__;"
            "print(*(name for name in __cpu_dispatch__ if __cpu_features__[name]))"
        )
        command = [places.venv_python(), "-c", found]
        answer = subprocess.run(
            command, env=clean_environment(), capture_output=True, text=True, check=True
        )
        variables["NPY_DISABLE_CPU_FEATURES"] = answer.stdout.strip()
    return variables


def run(command, variables, folder=None):
    """Run a command in the environment of the course; returns its exit code.

    folder: where; in that of the course without. Ctrl-C reaches the command too, which knows best
    how to end.
    """
    parts = [str(part) for part in command]
    folder, variables = folder or places.ROOT, clean_environment() | variables
    with subprocess.Popen(parts, cwd=folder, env=variables) as child:
        try:
            while child.poll() is None:
                with contextlib.suppress(KeyboardInterrupt):
                    child.wait()
        finally:
            child.terminate()  # when this process was told to end, so is the command
    return child.returncode if child.returncode >= 0 else 128 - child.returncode
