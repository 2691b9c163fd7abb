"""The learner's own copies of the notebooks, in workspace/.

A notebook is known by its name, `forward` for `02_forward.ipynb`: a number is only its place in the
course, and may change. Copies hold no outputs, so that no answer stands under its question.

What counts as a learner's work is what stands in the cells. A copy that was only run is untouched:
running its next version gives the outputs of that one, and the old ones would contradict it.
"""

import hashlib
import itertools
import json
import os

from helpers.launcher.notebooks import name_of, notebook_paths
from helpers.launcher.reasons import Stop

# What reading JSON that is no notebook, or no JSON at all, raises.
NOT_A_NOTEBOOK = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


def digest(raw):
    """SHA-256 of bytes."""
    return hashlib.sha256(raw).hexdigest()


def sources(raw):
    """A digest of what stands in a notebook's cells, whatever was run; empty cells do not count."""
    try:
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(raw)["cells"]]
    except NOT_A_NOTEBOOK:
        return digest(raw)
    return digest(json.dumps([cell for cell in cells if cell[1].strip()]).encode())


def without_outputs(raw):
    """The same notebook as if it had never been run; what is no notebook stays as it is."""
    try:
        notebook = json.loads(raw)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None
    except NOT_A_NOTEBOOK:
        return raw
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def put(raw, target):
    """Write a file; the name appears only when all of it is there."""
    partial = target.with_name(target.name + ".partial")
    partial.write_bytes(raw)
    os.replace(partial, target)


def free_name(path, word):
    """`path` with `word` and the first number that is free, such as `x.before-reset-1.ipynb`."""
    names = (f"{path.stem}.{word}-{n}{path.suffix}" for n in itertools.count(1))
    return next(path.with_name(name) for name in names if not path.with_name(name).exists())


# ------------------------------------------------------------- what was copied


def read_originals(workspace):
    """What each copy was made from, by name: `sources`, their digest; `keep`, never ask again.

    Copies of the first edition have `file` instead, the digest of the whole original. A file that
    cannot be read is put aside; then every copy counts as the learner's work, unless it is as new.
    """
    path = workspace / ".originals.json"
    try:
        found = json.loads(path.read_bytes())
        originals = {}
        for key, value in found.items():
            if isinstance(value, str):  # the first edition knew notebooks by file name
                originals.setdefault(name_of(key), {"file": value})
            else:
                originals[key] = dict(value)
        return originals
    except FileNotFoundError:
        return {}
    except (OSError, *NOT_A_NOTEBOOK):
        aside = free_name(path, "unreadable")
        os.rename(path, aside)
        print(
            f"{path} could not be read and is now called {aside.name}. Your notebooks are as they "
            "were; only which of them you have changed is not known any more."
        )
        return {}


def write_originals(workspace, originals):
    """Remember from which originals the copies were made."""
    text = json.dumps(originals, indent=1, sort_keys=True) + "\n"
    put(text.encode(), workspace / ".originals.json")


def made_from(raw, entry):
    """Whether this is the notebook that `entry` remembers, run or not."""
    return sources(raw) == entry.get("sources") or digest(raw) == entry.get("file")


# --------------------------------------------------------------------- commands


def copy_notebooks(workspace, *, with_outputs=False):
    """Bring the learner's folder up to date without ever touching a learner's work.

    with_outputs: copies show the outputs that the course stores, for those who only read; None
    leaves copies that are there as they are, with outputs or without.
    Returns what was done, one sentence for everything that is not merely new.
    """
    workspace.mkdir(exist_ok=True)
    originals = read_originals(workspace)
    messages, replaced, kept = [], [], []
    for original in notebook_paths():
        copy, entry = workspace / original.name, originals.get(name_of(original), {})
        messages += follow_number(workspace, original, entry)
        stored = original.read_bytes()
        blank = without_outputs(stored)
        wanted = stored if with_outputs else blank
        mine = copy.read_bytes() if copy.exists() else None
        if mine is None or sources(mine) == sources(stored):
            other = with_outputs is not None and mine != wanted and mine in (stored, blank)
            if mine is None or other:
                put(wanted, copy)
            entry = {"sources": sources(stored)}
        elif made_from(mine, entry):
            put(wanted, copy)
            entry = {"sources": sources(stored)}
            replaced.append(copy.name)
        elif not made_from(stored, entry) and not entry.get("keep"):
            kept.append(copy.name)
        originals[name_of(original)] = entry
    write_originals(workspace, originals)
    if replaced:
        what, were = new_versions(replaced)
        messages.append(f"{what}; yours {were} untouched: replaced.")
    if kept:
        what, were = new_versions(kept)
        numbers = " ".join(name[:2] for name in kept)
        messages.append(
            f"{what}. Yours {were} kept; old cells may not fit the course's new helpers. "
            f"To start afresh (keeping a copy): python3 course.py reset {numbers}. "
            f"To keep yours and not be asked again: python3 course.py keep {numbers}"
        )
    return messages


def new_versions(names):
    """How a sentence about the new versions of one or several notebooks begins and goes on."""
    if len(names) == 1:
        return f"{names[0]} has a new version", "was"
    return f"{', '.join(names)} have new versions", "were"


def follow_number(workspace, original, entry):
    """Rename the learner's copy, and what earlier resets have kept, as the original was renamed.

    If copies under both numbers hold work, both stay, each under its number. Returns messages.
    """
    copy = workspace / original.name

    def worked_in(path):
        raw = path.read_bytes()
        return sources(raw) != sources(original.read_bytes()) and not made_from(raw, entry)

    for kept in workspace.glob(f"[0-9][0-9]_{name_of(original)}.before-reset-*.ipynb"):
        new = copy.with_name(original.stem + kept.name[kept.name.index(".") :])
        if not new.exists():
            os.rename(kept, new)
    numbered = workspace.glob(f"[0-9][0-9]_{name_of(original)}.ipynb")
    old = [path for path in numbered if path.name != copy.name]
    if not old:
        return []
    old = max(old, key=lambda path: (worked_in(path), path.stat().st_mtime))
    if copy.exists() and not (worked_in(old) and not worked_in(copy)):
        return []
    os.replace(old, copy)
    return [f"{old.name} is called {copy.name} from now on; yours was renamed."]


def reset(workspace, original):
    """Start one notebook afresh; returns where the old copy went, or None."""
    workspace.mkdir(exist_ok=True)
    originals = read_originals(workspace)
    follow_number(workspace, original, originals.get(name_of(original), {}))
    copy, kept = workspace / original.name, None
    if copy.exists():
        kept = free_name(copy, "before-reset")
        os.rename(copy, kept)
    stored = original.read_bytes()
    put(without_outputs(stored), copy)
    originals[name_of(original)] = {"sources": sources(stored)}
    write_originals(workspace, originals)
    return kept


def keep(workspace, original):
    """Keep the learner's copy and mention no new version of it, until it is reset."""
    originals = read_originals(workspace)
    entry = originals.setdefault(name_of(original), {})
    follow_number(workspace, original, entry)
    if not (workspace / original.name).exists():
        raise Stop(f"You have no copy of {original.name} yet: python3 course.py lab makes it.")
    entry["keep"] = True
    write_originals(workspace, originals)
