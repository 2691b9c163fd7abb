"""Write files so that a crash, Ctrl-C or a second process never leaves half of one."""

import os
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write text (UTF-8, \\n line ends) beside `path`, then move it there; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.aside")
    try:
        aside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
