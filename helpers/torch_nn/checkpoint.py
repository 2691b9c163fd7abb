"""Keep the state of a training run in a file, and go on from it."""

from pathlib import Path

import torch

from helpers.files import replaced_atomically

FORMAT = "batch-norm-course checkpoint, version 1"


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message names the file and says what to do."""


def save(path, settings, parts, epoch):
    """Write the state of `parts` after `epoch` epochs: wholly or, if interrupted, not at all.

    parts: a dictionary of objects with state_dict and load_state_dict. settings: a dictionary of
    strings, what the run depends on.
    """
    states = {name: part.state_dict() for name, part in parts.items()}
    content = {"format": FORMAT, "settings": settings, "epoch": epoch, "states": states}
    with replaced_atomically(Path(path)) as aside:
        torch.save(content, aside)


def resume(path, settings, parts):
    """Load what `save` wrote into `parts` and return the epochs done; 0 if there is no file.

    Raises CheckpointError if the file is damaged, is something else, or belongs to a run with
    other settings. Only data is read, so that no file can run code (weights_only).
    """
    path = Path(path)
    if not path.exists():
        return 0
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch.load raise nearly anything
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint ({type(error).__name__}): it is damaged or "
            f"something else; {_way_out(path)}"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} is not a checkpoint of this course's fit ({FORMAT!r}); {_way_out(path)}"
        )
    saved = content["settings"]
    differences = [
        f"{name} was {saved.get(name)} and is {settings.get(name)}"
        for name in dict.fromkeys([*saved, *settings])
        if saved.get(name) != settings.get(name)
    ]
    if differences:
        raise CheckpointError(
            f"{path} belongs to another run: {'; '.join(differences)}; go on with the old settings "
            f"or, for a new run, {_way_out(path)}"
        )
    for name, part in parts.items():
        part.load_state_dict(content["states"][name])
    return content["epoch"]


def _way_out(path):
    return f"delete {path.name} to start from the beginning, or give fit another file"
