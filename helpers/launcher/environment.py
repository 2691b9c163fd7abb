"""The variables that kernels and proofs start with, and how commands are run with them."""

import contextlib
import os
import subprocess

from helpers.launcher import places

# What notebooks print must hold on every CPU. The first setting switches compiled libraries to
# code for older processors, the second NumPy's own loops; the third does both.
OLDER_CPU = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Nehalem",
}
MATRIX = ("older-cpu", "plain-numpy", "both", "two-threads")


def environment(*, proof):
    """Variables that every kernel of the course starts with.

    ``proof`` adds those of tests and of re-execution: on the CPU, and with no progress bars, which
    would be stored in the notebooks.
    """
    # One thread: with two and a busy neighbour, small networks run 10 to 100 times slower.
    variables = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    # Otherwise the debugger inside each kernel complains about frozen modules on stderr.
    variables["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    # A kernel of the same name that the user installed elsewhere must not win.
    variables["JUPYTER_PREFER_ENV_PATH"] = "1"
    if proof:
        variables["CUDA_VISIBLE_DEVICES"] = ""
        variables["TQDM_DELAY"] = "1e9"  # TQDM_DISABLE does not reach bars in notebooks
        variables["BN_COURSE_SETTING"] = "as it is"
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
        answer = subprocess.run(
            [places.venv_python(), "-c", found], capture_output=True, text=True, check=True
        )
        variables["NPY_DISABLE_CPU_FEATURES"] = answer.stdout.strip()
    return variables


def run(command, variables):
    """Run a command in the environment of the course; returns its exit code.

    Ctrl-C reaches the command too, which knows best how to end.
    """
    parts = [str(part) for part in command]
    with subprocess.Popen(parts, cwd=places.ROOT, env=os.environ | variables) as child:
        try:
            while child.poll() is None:
                with contextlib.suppress(KeyboardInterrupt):
                    child.wait()
        finally:
            child.terminate()  # when this process was told to end, so is the command
    return child.returncode if child.returncode >= 0 else 128 - child.returncode
