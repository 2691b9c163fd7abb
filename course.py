"""The launcher: everything one does with this course, from a bare clone.

It reads the command line; what it does stands in ``helpers/launcher``. Both need nothing but the
standard library, because they run before anything is installed. ``python3 course.py`` prints what
it can do.
"""

import argparse
import itertools
import signal
import sys
from pathlib import Path

# First, whatever PYTHONSAFEPATH and PYTHONPATH say.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from helpers.launcher import lab, preflight, proofs, teaching, workspace
from helpers.launcher.environment import MATRIX, environment, run
from helpers.launcher.installation import set_up
from helpers.launcher.notebooks import select
from helpers.launcher.packages import why_not_this_python
from helpers.launcher.places import WORKSPACE, venv_python
from helpers.launcher.reasons import Stop, why_os_error

# With ``main``, what scripts of one's own need to start Python as the course does.
__all__ = ["environment", "main", "run", "venv_python"]


def parser():
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python3 course.py",
        description="Batch Norm: build it, question it, use it. Each command sets the course up "
        "first, in .venv, if that has not been done yet.",
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    setting_up = commands.add_parser(
        "setup", help="set the course up and start nothing, for a laptop or an image"
    )
    setting_up.add_argument(
        "--teachers", action="store_true", help="with what the tools for teachers need"
    )
    setting_up.add_argument(
        "--proofs", action="store_true", help="with what `test`, `lint` and `refresh` need"
    )
    opening = commands.add_parser(
        "lab", help="open JupyterLab on your copies of the notebooks (in workspace/); "
        "further arguments, such as --port or --no-browser, go to JupyterLab"
    )  # fmt: skip
    opening.add_argument(
        "--with-outputs", action="store_true",
        help="for those who only read: copies show the outputs that the course stores",
    )  # fmt: skip
    resetting = commands.add_parser(
        "reset", help="start one notebook afresh; your old copy is kept beside it"
    )
    resetting.add_argument("notebook", nargs="+", help="its number or name: 03, backward")
    keeping = commands.add_parser(
        "keep", help="keep your copy of a notebook, and be told of no new version of it"
    )
    keeping.add_argument("notebook", nargs="+", help="its number or name: 03, backward")
    commands.add_parser(
        "preflight", help="look, the day before a workshop, whether anything is left to do"
    )
    solving = commands.add_parser(
        "answers", help="for teachers: write the solved edition, executed (in answers/)"
    )
    solving.add_argument("notebook", nargs="*", help="numbers, such as 03; all without")
    commands.add_parser(
        "guide", help="for teachers: write the guide, a page per notebook and three workshops by "
        "the minute (in guide/pages/)"
    )  # fmt: skip
    commands.add_parser(
        "grade", add_help=False, help="for teachers: judge a folder of notebooks that were handed "
        "in, in a sandbox; grade --help tells more"
    )  # fmt: skip
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
    refreshing.add_argument(
        "--anew", action="store_true", help="also where only measured values or looks differ"
    )
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
    if further and options.command not in ("lab", "test", "grade"):
        commands.error(f"unrecognized arguments: {' '.join(further)}")
    if options.command == "setup":
        set_up(teachers=options.teachers, proofs=options.proofs)
        print("The course is ready: python3 course.py lab")
        return 0
    if options.command == "lab":
        return lab.lab(further, with_outputs=options.with_outputs)
    if options.command == "answers":
        return teaching.answers(options.notebook)
    if options.command == "guide":
        return teaching.guide()
    if options.command == "grade":
        return teaching.grade(further)
    if options.command == "preflight":
        return preflight.preflight()
    if options.command == "test":
        return proofs.test(further, matrix=options.matrix, ablations=options.ablations)
    if options.command == "refresh":
        return proofs.refresh(options.notebook, anew=options.anew)
    if options.command == "lint":
        return proofs.lint(fix=options.fix)
    if options.command == "reset":
        for original in select(options.notebook):
            kept = workspace.reset(WORKSPACE, original)
            print(f"{original.name} is fresh." + (f" Your old copy: {kept.name}" if kept else ""))
        return 0
    if options.command == "keep":
        for original in select(options.notebook):
            workspace.keep(WORKSPACE, original)
            print(
                f"{original.name} stays yours; you will not be told of new versions. Should its "
                f"cells not fit the helpers any more: python3 course.py reset {original.name[:2]}"
            )
        return 0
    commands.print_help()
    return 0


def main():
    """Run the command line; a problem is one sentence, never a traceback."""
    if sys.version_info < (3, 11):  # noqa: UP036, this is what says so
        print(why_not_this_python(sys.version_info[:3]), file=sys.stderr)
        return 1
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # terminals that cannot show every letter
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
        print(why_os_error(error), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
