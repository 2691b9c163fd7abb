"""Keep the state of a training run in a file, and go on from it."""

from pathlib import Path

import torch

from helpers.files import replaced_atomically
from helpers.torch_nn.fingerprint import differences

KIND = "batch-norm-course checkpoint"
FORMAT = f"{KIND}, version 2"


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message names the file and says what to do."""


def save(path, settings, parts, epoch):
    """Write the state of `parts` after `epoch` epochs: wholly or, if interrupted, not at all.

    parts: a dictionary of objects with state_dict and load_state_dict. settings: what the run
    depends on, see `fingerprint.run_settings`.
    """
    states = {name: part.state_dict() for name, part in parts.items()}
    content = {"format": FORMAT, "settings": settings, "epoch": epoch, "states": states}
    with replaced_atomically(Path(path)) as aside:
        torch.save(content, aside)


def resume(path, settings, parts, processes):
    """Load what `save` wrote into `parts` and return the epochs done; 0 if there is no file.

    With several processes that of rank 0 reads its file, and all go on from what it says; whether
    the others see a file of that name does not matter. Raises CheckpointError in all of them if the
    file is damaged, is something else, or belongs to a run with other settings. Only data is read,
    so that no file can run code (weights_only).
    """
    content = processes.result_of_first(lambda: _read(Path(path), settings))
    if content is None:
        return 0
    for name, part in parts.items():
        part.load_state_dict(content["states"][name])
    return content["epoch"]


def _read(path, settings):
    """The content of the file if it belongs to a run with these settings; None without a file."""
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch.load raise nearly anything
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint ({type(error).__name__}): it is damaged or "
            f"something else; {_way_out(path)}"
        ) from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        if str(found).startswith(KIND):
            raise CheckpointError(
                f"{path} was written by another edition of this course ({found!r}, this one writes "
                f"{FORMAT!r}); go on with that edition, or {_way_out(path)}"
            )
        raise CheckpointError(
            f"{path} is not a checkpoint of this course's fit ({FORMAT!r}); {_way_out(path)}"
        )
    found = differences(content["settings"], settings)
    if found:
        raise CheckpointError(
            f"{path} belongs to another run: {'; '.join(found)}; go on with the old settings "
            f"or, for a new run, {_way_out(path)}"
        )
    return content


def _way_out(path):
    return f"delete {path.name} to start from the beginning, or give fit another file"
