"""`python3 course.py grade FOLDER`."""

import argparse
import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock

from tqdm import tqdm

import helpers
from helpers.classroom.grading import judge, platforms, points, report, sandbox, submissions
from helpers.classroom.grading.judge import Result
from helpers.classroom.grading.submissions import Learner
from helpers.exercises import load_part_iii
from helpers.files import replaced_atomically, write_atomically
from helpers.launcher.teaching import grade_parser

# Files about all learners; no folder of a learner's may be in their way.
ABOUT_ALL = ("grades.csv", "report.html", "moodle.csv", "canvas.csv", "autograder.zip")
ISOLATED = "Each learner's code ran in a sandbox of its own, without network, files or rights."
TRUSTED = (
    "The code of these submissions ran WITHOUT a sandbox, with the rights of whoever graded "
    "(--trust-submissions)."
)


def main() -> int:
    """Grade a folder; returns the exit code."""
    options = grade_parser().parse_args()
    folder, into = (
        Path(options.folder),
        Path(options.into or f"{options.folder.rstrip('/')}-graded"),
    )
    load_part_iii()
    try:
        if into.resolve().is_relative_to(folder.resolve()):
            raise FileExistsError(f"{into} lies in {folder}: choose a folder outside with --into")
        worth = points.read(options.points)
        learners = submissions.collect(folder)
        if not options.trust_submissions and (why := sandbox.why_not()):
            print(
                f"Submissions cannot be isolated here: {why}.\nTo run them with your own rights "
                "all the same: --trust-submissions",
                file=sys.stderr,
            )
            return 1
        into.mkdir(parents=True, exist_ok=True)
    except (points.PointsError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    results = grade_all(learners, into, worth, options)
    if results is None:
        print(
            f"\nInterrupted. What is graded stays in {into}; the same command goes on from there."
        )
        return 130
    write(results, into, worth, options)
    print(f"{len(results)} graded: {into / 'grades.csv'}, {into / 'report.html'}")
    return 0


def grade_all(
    learners: list[Learner], into: Path, worth: points.Points, options: argparse.Namespace
) -> list[Result] | None:
    """The results of all learners; None after Ctrl-C. Each is stored as soon as it is there."""
    total = sum(len(learner.latest()) for learner in learners)
    names = folder_names(learners)
    bar, stop, lock = tqdm(total=total, unit="notebook", desc="grading"), Event(), Lock()
    running: set[sandbox.Sandbox] = set()

    def one(learner: Learner) -> Result | None:
        target = into / names[id(learner)] / "results.json"
        key = fingerprint(learner, options)
        if (known := stored(target, key)) is not None:
            bar.update(len(learner.latest()))
            return known
        with sandbox.Sandbox(trusted=options.trust_submissions, seconds=options.seconds) as own:
            with lock:
                running.add(own)

            def done() -> None:
                bar.update()
                if stop.is_set():
                    raise InterruptedError

            try:
                result = judge.grade(learner, own, done)
            except InterruptedError:
                return None
            finally:
                with lock:
                    running.discard(own)
        if not stop.is_set():
            store(target, result, worth, key)
        return result

    with bar, ThreadPoolExecutor(max(1, options.jobs)) as pool:
        try:
            return list(pool.map(one, learners))
        except KeyboardInterrupt:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            with lock:
                for own in running:
                    with suppress(AttributeError):
                        own.process.kill()
            return None


def fingerprint(learner: Learner, options: argparse.Namespace) -> str:
    """Changes with whatever a result depends on."""
    on = [helpers.__version__, options.trust_submissions, options.seconds, learner.left_out()]
    on.append({name: (n.path, n.cells) for name, n in learner.latest().items()})
    return hashlib.sha256(json.dumps(on).encode()).hexdigest()


def folder_names(learners: list[Learner]) -> dict[int, str]:
    """A folder for each learner, by the learner's id(); two of the same name get numbers."""
    taken = set(ABOUT_ALL)
    names = {}
    for learner in learners:
        wanted = f"{learner.name} {learner.identifier}".strip()
        name, number = wanted, 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted} ({number})"
        taken.add(name.casefold())
        names[id(learner)] = name
    return names


def store(target: Path, result: Result, worth: points.Points, key: str) -> None:
    """Write one learner's results: what Gradescope reads, with all that is known beside it."""
    content = platforms.gradescope(result, worth)
    content["extra_data"] = {"key": key, "result": result.as_json()}
    write_atomically(target, platforms.as_json(content))


def stored(target: Path, key: str) -> Result | None:
    """One learner's results from an earlier call, if nothing has changed since."""
    try:
        known = json.loads(target.read_text(encoding="utf-8"))["extra_data"]
        return Result.from_json(known["result"]) if known["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(
    results: list[Result], into: Path, worth: points.Points, options: argparse.Namespace
) -> None:
    """Write what is about all learners."""
    judge.mark_the_same(results)
    how = TRUSTED if options.trust_submissions else ISOLATED
    write_atomically(into / "grades.csv", platforms.grades(results, worth))
    write_atomically(into / "report.html", report.page(results, worth, how))
    if options.format == "moodle":
        write_atomically(into / "moodle.csv", platforms.moodle(results, worth))
    elif options.format == "canvas":
        write_atomically(into / "canvas.csv", platforms.canvas(results, worth))
    elif options.format == "gradescope":
        with replaced_atomically(into / "autograder.zip") as file:
            file.write_bytes(platforms.autograder(options.points))


if __name__ == "__main__":
    sys.exit(main())
