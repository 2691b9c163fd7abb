"""Write files so that a crash, Ctrl-C or a second process never leaves half of one."""

import os
import uuid
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced_atomically(path: Path):
    """Yield a path beside `path` to write to; afterwards that file takes the place of `path`.

    Folders are made. If the body raises, `path` stays as it was and nothing is left beside it.
    What it wrote is on the drive before it takes the place: a power cut leaves no empty file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.aside")
    try:
        yield aside
        with aside.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_atomically(path: Path, text: str) -> None:
    """Write text (UTF-8, \\n line ends) beside `path`, then move it there; folders are made."""
    with replaced_atomically(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")
