"""The commands of maintainers: tests, re-execution of notebooks, linters."""

from helpers.launcher import places
from helpers.launcher.environment import MATRIX, environment, matrix_variables, run
from helpers.launcher.installation import set_up
from helpers.launcher.notebooks import select

# What takes minutes, and is asked for by itself.
SUITE = "not ablation and not thorough"


def test(arguments, *, matrix, ablations):
    """Run the proofs; the closing line of pytest is the last that is printed."""
    set_up(proofs=True)
    variables = environment(proof=True)
    if ablations:
        # All in one file, and independent of each other.
        return run(pytest_command(["tests"], arguments, "ablation", dist="worksteal"), variables)
    code = run(pytest_command([], arguments, SUITE), variables)
    for name in matrix_settings(matrix):
        if code:
            break  # so that the last line printed is the one that failed
        print(f"\nThe notebooks again: {name}", flush=True)
        # Two workers with two threads each would fight for two cores, until cells time out.
        workers = 1 if name == "two-threads" else 2
        command = pytest_command(["notebooks"], arguments, SUITE, workers)
        code = run(command, variables | matrix_variables(name))
    return code


def matrix_settings(matrix):
    """The settings that ``--matrix`` asks for."""
    return MATRIX if matrix == "all" else (matrix,) if matrix else ()


def pytest_command(paths, arguments, marker, workers=2, dist="loadfile"):
    """pytest with strict nbval; paths that the user gives replace ours."""
    if any((places.ROOT / argument.split("::")[0]).exists() for argument in arguments):
        paths = []
    command = [places.venv_python(), "-m", "pytest", "--nbval", "--nbval-current-env"]
    command += ["--nbval-cell-timeout=120", "--nbval-sanitize-with=tests/nbval_sanitize.cfg"]
    # A worker takes file after file, in the order of conftest.py, not those with most tests first.
    command += ["-n", str(workers), "--dist", dist, "--no-loadscope-reorder"]
    return [*command, "-m", marker, *arguments, *paths]


def refresh(names, *, anew):
    """Execute notebooks again; rewrite those that changed, or all of them ``anew``."""
    notebooks = select(names)
    set_up(proofs=True)
    command = [places.venv_python(), "-m", "helpers.authoring.refresh", *notebooks]
    command += ["--anew"] * anew
    return run(command, environment(proof=True))


def lint(*, fix):
    """Check code, notebooks and spelling; all checks run, even when one fails."""
    set_up(proofs=True)
    python = places.venv_python()
    checks = [
        [python, "-m", "ruff", "check", *(["--fix"] if fix else [])],
        [python, "-m", "ruff", "format", *([] if fix else ["--check"])],
        [python, "-m", "codespell_lib", *(["--write-changes"] if fix else [])],
    ]
    return max([run(check, {}) for check in checks])
