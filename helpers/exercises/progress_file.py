"""What a learner has solved and answered, kept in one small file outside the notebooks.

Kernels write at the same time, on drives of every kind, and learners' tools touch the file too. So
a change takes a lock, reads what is there now, adds to it and puts the new file in place of the
old one. What cannot be read is never overwritten: it is put aside, and the learner is told.
"""

import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import SoftFileLock

import helpers
from helpers.cards import say
from helpers.exercises.renamed import NEW_NAMES
from helpers.files import replaced_atomically

# A change takes milliseconds. Whoever holds the lock for as many seconds is gone.
PATIENCE = 10.0

_told: set[Path] = set()


def path() -> Path:
    """`$BN_COURSE_PROGRESS` or else `workspace/progress.json` of the course, links followed."""
    chosen = os.environ.get("BN_COURSE_PROGRESS")
    return Path(
        os.path.realpath(chosen or Path(__file__).parents[2] / "workspace" / "progress.json")
    )


def load() -> dict:
    """Progress so far: `exercises`, names solved; `predictions`, first answer by name; `review`,
    by name the box and the day of the last answer, as `boxes.py` has written them.

    A missing file counts as no progress. One that cannot be read is put aside, with a sentence, and
    what can be made out in it still counts.
    """
    try:
        return _parsed(path().read_bytes())
    except FileNotFoundError:
        return _parsed(b"{}")
    except (OSError, ValueError, RecursionError):
        return update(lambda state: None)


def add_exercise(name: str) -> None:
    """Record that an exercise passed all its checks."""

    def add(state: dict) -> None:
        if name not in state["exercises"]:
            state["exercises"].append(name)

    update(add)


def update(change: Callable[[dict], object]) -> dict:
    """Change the state on the drive, in one go with reading it; returns it.

    A drive that cannot be written must not stop anyone from learning: it is told once.
    """
    file, state = path(), _parsed(b"{}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _alone(file):
            raw, damage = b"{}", ""
            try:
                raw = file.read_bytes()
                state = _parsed(raw)
            except FileNotFoundError:
                pass
            except (OSError, ValueError, RecursionError) as error:
                damage = getattr(error, "strerror", None) or str(error)
                state = _made_out(raw)
            found = {key: len(state[key]) for key in ("exercises", "predictions")}
            before = json.dumps(state)
            change(state)
            if damage or json.dumps(state) != before:
                with replaced_atomically(file) as new:
                    text = json.dumps(state | {"edition": helpers.__version__}, indent=1) + "\n"
                    new.write_text(text, encoding="utf-8", newline="\n")
                    if damage:
                        _put_aside(file, damage, **found)
    except OSError as error:
        if file not in _told:
            _told.add(file)
            reason = error.strerror or error
            say(f"Your progress cannot be kept ({reason}: {file}). Learn on without it.")
    return state


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Keep other processes and threads from changing the file meanwhile.

    The lock is the existence of another file: network and cloud drives often have no other locks.
    """
    lock = SoftFileLock(file.with_name(f".{file.name}.lock"), timeout=PATIENCE, poll_interval=0.01)
    try:
        lock.acquire()
    except OSError:  # it is too old, or cannot be made: go on without
        with suppress(OSError):
            os.unlink(lock.lock_file)
    try:
        yield
    finally:
        lock.release()


def _parsed(raw: bytes) -> dict:
    """The state in a file, UTF-8 or UTF-16, of any edition. Raises ValueError for anything else."""
    if not raw:
        raise ValueError("it is empty")
    found = json.loads(raw)
    if not isinstance(found, dict):
        raise ValueError(f"it holds {found!r:.20}, not exercises and predictions")
    # What a later edition keeps beside these three stays.
    state = {"exercises": [], "predictions": {}, "review": {}} | found
    for key, kind in (("exercises", list), ("predictions", dict)):
        if not isinstance(state[key], kind) or not all(isinstance(x, str) for x in state[key]):
            raise ValueError(f"under {key} it holds {state[key]!r:.20}")
    state["exercises"] = list(dict.fromkeys(state["exercises"]))
    if not isinstance(state["review"], dict):  # it can be made anew from the predictions
        state["review"] = {}
    return state | {key: _renamed(state[key]) for key in ("predictions", "review")}


def _renamed(entries: dict) -> dict:
    """Entries under the names that their questions have now; of two, the first one counts."""
    renamed = {}
    for name, entry in entries.items():
        renamed.setdefault(NEW_NAMES.get(name, name), entry)
    return renamed


def _made_out(raw: bytes) -> dict:
    """What a damaged file still says: its pairs are predictions, pairs with a list are entries of
    the review, its other names exercises."""
    state = _parsed(b"{}")
    text = raw.decode(json.detect_encoding(raw), errors="ignore")
    for name, box, day in re.findall(r'"([\w-]+)"\s*:\s*\[\s*(\d+)\s*,\s*"([\d-]+)"\s*\]', text):
        state["review"].setdefault(NEW_NAMES.get(name, name), [int(box), day])
    for name, answer in re.findall(r'"([\w-]+)"(?:\s*:\s*"([^"\n]+)")?', text):
        if name == "edition" or (answer and name in state):
            continue
        if answer:
            state["predictions"].setdefault(NEW_NAMES.get(name, name), answer)
        elif name.isidentifier() and name not in (*state, *state["exercises"]):
            state["exercises"].append(name)
    return state


def _put_aside(file: Path, damage: str, exercises: int, predictions: int) -> None:
    """Give an unreadable file, or a folder in its place, another name, and tell the learner."""
    names = (f"{file.stem}.unreadable-{n}{file.suffix}" for n in itertools.count(1))
    aside = next(file.with_name(name) for name in names if not file.with_name(name).exists())
    os.rename(file, aside)
    text = f"Your progress file cannot be read ({damage}). It is kept as {aside}. "
    if exercises or predictions:
        text += (
            f"Made out in it, and still counted: exercises {exercises}, predictions {predictions}."
        )
    else:
        text += (
            f"Nothing in it can be made out, so you start anew. Once mended, name it {file.name}."
        )
    say(text)
