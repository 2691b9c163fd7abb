"""The launcher: everything one does with this course, from a bare clone.

Standard library only, because it runs before anything is installed. ``python3 course.py`` prints
what it can do.
"""

import argparse
import contextlib
import hashlib
import itertools
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
NOTEBOOKS = ROOT / "notebooks"
WORKSPACE = ROOT / "workspace"

# Written last: a set-up that was interrupted has none, and starts again.
STAMP = VENV / "installed.txt"

# What a fresh installation takes, with pip's downloads beside it.
DISK_NEEDED = 2_500_000_000
DISK_NEEDED_WITH_CUDA = 9_000_000_000

# What notebooks print must hold on every CPU. The first setting switches compiled libraries to
# code for older processors, the second NumPy's own loops; the third does both.
OLDER_CPU = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Nehalem",
}
MATRIX = ("older-cpu", "plain-numpy", "both", "two-threads")

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


class Stop(Exception):
    """The reason why nothing more can be done, in one sentence for the reader."""


# ---------------------------------------------------------------- environment


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
            [venv_python(), "-c", found], capture_output=True, text=True, check=True
        )
        variables["NPY_DISABLE_CPU_FEATURES"] = answer.stdout.strip()
    return variables


def venv_python():
    """The interpreter inside .venv."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


# --------------------------------------------------------------------- set-up


def wanted():
    """A fingerprint of everything that the installed packages depend on."""
    import tomllib  # here, because an older Python must get as far as main() to be told so

    version = subprocess.run(
        [venv_python(), "-c", "import sys; print(sys.version)"], capture_output=True, text=True
    ).stdout
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # Not the whole file: a new setting for ruff is no reason to install anything.
    package = {key: project.get(key) for key in ("build-system", "project")}
    package["setuptools"] = project.get("tool", {}).get("setuptools")
    parts = [str(ROOT), version, json.dumps([package, DEFAULTS], sort_keys=True)]
    for name in ("requirements.txt", "constraints.txt"):
        parts.append((ROOT / name).read_text(encoding="utf-8"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def venv_works():
    """Whether .venv has a Python that runs and has pip."""
    try:
        answer = subprocess.run([venv_python(), "-m", "pip", "--version"], capture_output=True)
    except OSError:
        return False
    return answer.returncode == 0


def is_set_up():
    """Whether .venv holds exactly what requirements.txt asks for."""
    try:
        return STAMP.read_text() == wanted()
    except OSError:
        return False


@contextlib.contextmanager
def one_at_a_time():
    """Let a second set-up of the same folder wait for the first."""
    with open(ROOT / ".venv.lock", "w") as file:
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
        STAMP.unlink(missing_ok=True)
        install(["-r", "requirements.txt"])
        if remove_broken_packages():
            install(["-r", "requirements.txt"])
        configure()
        STAMP.write_text(wanted())
        print("Set-up is complete.", flush=True)


def make_venv():
    """Make a fresh .venv in place of whatever is there."""
    check_disk()
    print(
        "Setting up the course in .venv, once: downloading and installing about 1.3 GB, mostly\n"
        "PyTorch. Depending on your connection this takes a few minutes.",
        flush=True,
    )
    shutil.rmtree(VENV, ignore_errors=True)
    answer = subprocess.run(
        [sys.executable, "-m", "venv", VENV], capture_output=True, text=True, cwd=ROOT
    )
    if answer.returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    said = answer.stdout + answer.stderr
    if "No space left" in said:
        raise Stop("The disk is full: free about 2.5 GB, then run this command again.")
    if "ensurepip" in said:
        raise Stop(
            "This Python cannot make virtual environments; on Debian or Ubuntu, "
            "`apt install python3-venv` adds what is missing. Then run this command again."
        )
    raise Stop(f"Could not make the virtual environment {VENV}: {last_line(said)}")


def check_disk():
    """Refuse to start what cannot fit."""
    free = shutil.disk_usage(ROOT).free
    if free < DISK_NEEDED:
        raise Stop(
            f"Too little disk space: the course needs about {DISK_NEEDED / 1e9:.1f} GB, "
            f"{free / 1e9:.1f} GB are free in {ROOT}; free some, then run this command again."
        )
    if sys.platform == "linux" and platform.machine() == "x86_64" and free < DISK_NEEDED_WITH_CUDA:
        print(
            f"Note: {free / 1e9:.1f} GB are free here. PyTorch for NVIDIA GPUs, which pip takes on "
            "Linux by default, may not fit; the README says how to get the small CPU build."
        )


def install(arguments):
    """Run pip, showing in one line what it is doing."""
    command = [venv_python(), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "--log", VENV / "install.log", *arguments]
    pip = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
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
        path = VENV / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1))


def why_pip_failed(said):
    """One sentence about a failed installation, from what pip said."""
    if "No space left" in said or "not enough space" in said:
        return "The disk is full: free about 2.5 GB, then run this command again."
    no_network = ("connection broken by", "NewConnectionError", "Max retries exceeded")
    if any(sign in said for sign in (*no_network, "Name or service not known", "getaddrinfo")):
        return (
            "The package index cannot be reached: the first set-up needs a network connection; "
            "connect, then run this command again."
        )
    errors = [line for line in said.splitlines() if line.startswith("ERROR")]
    return (
        f"pip could not install the course's packages ({last_line(chr(10).join(errors) or said)}); "
        f"the whole story is in {VENV / 'install.log'}. Run this command again to repeat it."
    )


def last_line(text):
    """The last line that says something."""
    return (text.strip().splitlines() or ["no message"])[-1].strip()


def remove_broken_packages():
    """Make pip forget packages with files missing or cut short; returns whether there were any.

    An installation that was killed can leave such a package, and pip believes that it is there.
    """
    import importlib.metadata  # here for the same reason as tomllib in wanted()

    found = False
    for site in (VENV / "Lib/site-packages", *VENV.glob("lib/python*/site-packages")):
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


# ------------------------------------------------------------------ notebooks


def notebook_paths():
    """All notebooks of the course, in order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def select(names):
    """Notebooks by number (``03``, ``3``) or name; all of them without names."""
    notebooks = notebook_paths()
    if not names:
        return notebooks
    chosen = []
    for name in names:
        key = Path(name).name.removesuffix(".ipynb")
        number = key.zfill(2) + "_"
        found = [path for path in notebooks if path.stem == key or path.name.startswith(number)]
        if not found:
            known = ", ".join(path.stem[:2] for path in notebooks) or "none yet"
            raise Stop(f"There is no notebook {name!r}; the course has: {known}.")
        chosen += found
    return chosen


def digest(path):
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def put(source, target):
    """Copy a file byte for byte; the name appears only when all of it is there."""
    partial = target.with_name(target.name + ".partial")
    shutil.copyfile(source, partial)
    os.replace(partial, target)


def read_originals(workspace):
    """Digests of the originals when each copy was made."""
    try:
        return json.loads((workspace / ".originals.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write_originals(workspace, originals):
    """Remember from which originals the copies were made."""
    text = json.dumps(originals, indent=1, sort_keys=True) + "\n"
    (workspace / ".originals.json").write_text(text, encoding="utf-8")


def copy_notebooks(workspace):
    """Bring the learner's folder up to date without ever touching a learner's work.

    Returns what was done, one sentence per notebook that is not merely new.
    """
    workspace.mkdir(exist_ok=True)
    originals = read_originals(workspace)
    messages = []
    for original in notebook_paths():
        copy, now = workspace / original.name, digest(original)
        before = originals.get(original.name)
        if copy.exists() and before == now:
            continue
        mine = digest(copy) if copy.exists() else None
        if mine is None or mine in (now, before):
            put(original, copy)
            originals[original.name] = now
            if mine not in (None, now):
                messages.append(f"{copy.name} has a new version; yours was untouched: replaced.")
        else:
            messages.append(
                f"{copy.name} has a new version. Yours was kept; to start afresh (keeping a copy): "
                f"python3 course.py reset {copy.name[:2]}"
            )
    write_originals(workspace, originals)
    return messages


def reset(workspace, original):
    """Start one notebook afresh; returns where the old copy went, or None."""
    workspace.mkdir(exist_ok=True)
    copy, kept = workspace / original.name, None
    if copy.exists():
        names = (f"{copy.stem}.before-reset-{n}.ipynb" for n in itertools.count(1))
        kept = next(workspace / name for name in names if not (workspace / name).exists())
        os.rename(copy, kept)
    put(original, copy)
    write_originals(workspace, read_originals(workspace) | {original.name: digest(original)})
    return kept


# ------------------------------------------------------------------- commands


def run(command, variables):
    """Run a command in the environment of the course; returns its exit code.

    Ctrl-C reaches the command too, which knows best how to end.
    """
    parts = [str(part) for part in command]
    with subprocess.Popen(parts, cwd=ROOT, env=os.environ | variables) as child:
        try:
            while child.poll() is None:
                with contextlib.suppress(KeyboardInterrupt):
                    child.wait()
        finally:
            child.terminate()  # when this process was told to end, so is the command
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def lab_command(workspace, arguments):
    """What starts JupyterLab on the learner's folder."""
    names = [path.name for path in notebook_paths()]
    first = "00_start_here.ipynb" if "00_start_here.ipynb" in names else names[0]
    command = [venv_python(), "-m", "jupyterlab", f"--ServerApp.root_dir={workspace}"]
    command.append(f"--LabApp.default_url=/lab/tree/{first}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # a container; JupyterLab's token still guards it
    return [*command, *arguments]


def lab(arguments):
    """Open JupyterLab on the learner's own copies of the notebooks."""
    if not notebook_paths():
        raise Stop(f"There are no notebooks in {NOTEBOOKS}: the clone is not complete.")
    set_up()
    for message in copy_notebooks(WORKSPACE):
        print(message)
    trust(WORKSPACE)
    sys.stdout.flush()
    scripts = os.pathsep.join([str(venv_python().parent), os.environ.get("PATH", "")])
    return run(lab_command(WORKSPACE, arguments), environment(proof=False) | {"PATH": scripts})


def trust(workspace):
    """Trust the copies that are still as their originals: others hide saved widgets and SVG."""
    same = [p for p in notebook_paths() if digest(p) == digest(workspace / p.name)]
    copies = [workspace / path.name for path in same]
    if copies:
        command = [venv_python(), "-m", "nbformat.sign", *copies]
        if subprocess.run(command, capture_output=True).returncode:
            print("The notebooks could not be marked as trusted; run each before you look at it.")


def test(arguments, *, matrix, ablations):
    """Run the proofs; the closing line of pytest is the last that is printed."""
    set_up()
    variables = environment(proof=True)
    if ablations:
        return run(pytest_command(["tests"], arguments, "ablation"), variables)
    code = run(pytest_command([], arguments, "not ablation"), variables)
    for name in matrix_settings(matrix):
        if code:
            break  # so that the last line printed is the one that failed
        print(f"\nThe notebooks again: {name}", flush=True)
        # Two workers with two threads each would fight for two cores, until cells time out.
        workers = 1 if name == "two-threads" else 2
        command = pytest_command(["notebooks"], arguments, "not ablation", workers)
        code = run(command, variables | matrix_variables(name))
    return code


def matrix_settings(matrix):
    """The settings that ``--matrix`` asks for."""
    return MATRIX if matrix == "all" else (matrix,) if matrix else ()


def pytest_command(paths, arguments, marker, workers=2):
    """pytest with strict nbval; paths that the user gives replace ours."""
    if any((ROOT / argument.split("::")[0]).exists() for argument in arguments):
        paths = []
    command = [venv_python(), "-m", "pytest", "--nbval", "--nbval-current-env"]
    command += ["--nbval-cell-timeout=120", "--nbval-sanitize-with=tests/nbval_sanitize.cfg"]
    return [*command, "-n", str(workers), "--dist", "loadfile", "-m", marker, *arguments, *paths]


def refresh(names):
    """Execute notebooks again and rewrite what is stored in them."""
    notebooks = select(names)
    set_up()
    return run(
        [venv_python(), "-m", "helpers.authoring.refresh", *notebooks], environment(proof=True)
    )


def lint(*, fix):
    """Check code, notebooks and spelling; all checks run, even when one fails."""
    set_up()
    python = venv_python()
    checks = [
        [python, "-m", "ruff", "check", *(["--fix"] if fix else [])],
        [python, "-m", "ruff", "format", *([] if fix else ["--check"])],
        [python, "-m", "codespell_lib", *(["--write-changes"] if fix else [])],
    ]
    return max([run(check, {}) for check in checks])


def parser():
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python3 course.py",
        description="Batch Norm: build it, question it, use it. Each command sets the course up "
        "first, in .venv, if that has not been done yet.",
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    commands.add_parser(
        "lab", help="open JupyterLab on your copies of the notebooks (in workspace/); "
        "further arguments, such as --port or --no-browser, go to JupyterLab"
    )  # fmt: skip
    resetting = commands.add_parser(
        "reset", help="start one notebook afresh; your old copy is kept beside it"
    )
    resetting.add_argument("notebook", nargs="+", help="its number, such as 03")
    testing = commands.add_parser(
        "test", help="prove everything: unit tests, exercises, every stored output of every "
        "notebook; further arguments go to pytest"
    )  # fmt: skip
    testing.add_argument(
        "--matrix", nargs="?", const="all", choices=("all", *MATRIX), metavar="SETTING",
        help=f"then the notebooks again under emulated settings, or one of: {', '.join(MATRIX)}",
    )  # fmt: skip
    testing.add_argument(
        "--ablations", action="store_true", help="instead: prove that the claims can fail"
    )
    refreshing = commands.add_parser(
        "refresh", help="execute notebooks again and rewrite their outputs"
    )
    refreshing.add_argument("notebook", nargs="*", help="numbers, such as 03; all without")
    linting = commands.add_parser("lint", help="ruff on code and notebooks, codespell on words")
    linting.add_argument("--fix", action="store_true", help="repair what can be repaired")
    return top


def spell_out_matrix(arguments):
    """``--matrix`` alone means all settings, also with a path of pytest's behind it."""
    return [
        "--matrix=all" if this == "--matrix" and after not in ("all", *MATRIX) else this
        for this, after in itertools.zip_longest(arguments, arguments[1:])
    ]


def dispatch(arguments):
    """Run one command; returns its exit code."""
    commands = parser()
    options, further = commands.parse_known_args(spell_out_matrix(arguments))
    if further and options.command not in ("lab", "test"):
        commands.error(f"unrecognized arguments: {' '.join(further)}")
    if options.command == "lab":
        return lab(further)
    if options.command == "test":
        return test(further, matrix=options.matrix, ablations=options.ablations)
    if options.command == "refresh":
        return refresh(options.notebook)
    if options.command == "lint":
        return lint(fix=options.fix)
    if options.command == "reset":
        for original in select(options.notebook):
            kept = reset(WORKSPACE, original)
            print(f"{original.name} is fresh." + (f" Your old copy: {kept.name}" if kept else ""))
        return 0
    commands.print_help()
    return 0


def main():
    """Run the command line; a problem is one sentence, never a traceback."""
    if sys.version_info < (3, 11):  # noqa: UP036, this is what says so
        mine = ".".join(map(str, sys.version_info[:2]))
        print(f"The course needs Python 3.11 or later; this is {mine}.", file=sys.stderr)
        return 1
    # Ctrl-C in the middle of a set-up started in the background must work too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return dispatch(sys.argv[1:])
    except Stop as reason:
        print(reason, file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped; run the command again to go on.", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"{error.strerror}: {error.filename}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
