"""The learner's own copies of the notebooks, in workspace/."""

import hashlib
import itertools
import json
import os
import shutil

from helpers.launcher.notebooks import notebook_paths


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
