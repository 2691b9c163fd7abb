"""Learners and their notebooks, as platforms export them. Nothing is written, no link followed.

Moodle puts a folder for each learner, Canvas all files beside each other with the learner's name
in front, Gradescope a folder for each submission; learners put zips into all of them.
"""

import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from helpers.contents import NOTEBOOKS
from helpers.exercises import load_part_iii
from helpers.exercises.engine import EXERCISES

LARGEST = 50 << 20  # bytes of one notebook; those of the course have at most two million
MOST_CELLS = 5000
MOST_FILES = 100_000  # in one zip, or for one learner
DEEPEST = 3  # zips in zips
LONGEST_NAME = 150  # bytes of a folder's name

MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_file_?$")
CANVAS = re.compile(r"(?P<name>[^_]+?)_(?:LATE_)?(?P<id>\d+)_(?P<submission>\d+)_(?P<file>.+)$")
ATTEMPT = re.compile(
    r"(?:attempt|versuch)[ _-]*(\d{1,9})(?!\d)|\((\d{1,9})\)|-(\d{1,9})$", re.IGNORECASE
)
BANNED = set('/\\:*?"<>|')  # in names of files, on one system or another
# Folders that systems and Jupyter put beside what was made.
NOT_WORK = {"__MACOSX", ".ipynb_checkpoints", "__pycache__"}


@dataclass
class File:
    """A file in a folder or in a zip: its parts below the folder that is graded, and its time."""

    parts: tuple[str, ...]
    changed: float
    raw: bytes | None
    problem: str = ""

    def __post_init__(self):
        self.parts = tuple(map(writable, self.parts))


@dataclass
class Notebook:
    """A notebook that was handed in: `name` is that of the course's, None if it is none of them.

    cells: the sources of its code cells, or None, with a `problem` that says why.
    """

    path: str
    name: str | None
    cells: list[str] | None
    order: tuple
    problem: str = ""


@dataclass
class Learner:
    """Somebody with what they handed in. identifier: the platform's, if its names show one."""

    name: str
    identifier: str = ""
    notebooks: list[Notebook] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def latest(self) -> dict[str, Notebook]:
        """The last attempt at each notebook of the course that can be read."""
        attempts = [n for n in self.notebooks if n.name is not None and n.cells is not None]
        return {n.name: n for n in sorted(attempts, key=lambda n: n.order)}

    def left_out(self) -> list[str]:
        """What was handed in and does not count, each with the reason."""
        counted = {id(notebook) for notebook in self.latest().values()}
        said = []
        for notebook in self.notebooks:
            if id(notebook) not in counted:
                why = notebook.problem or (
                    "a later attempt counts" if notebook.name else "no notebook of the course"
                )
                said.append(f"{notebook.path}: {why}")
        return said + self.problems


def collect(folder: Path) -> list[Learner]:
    """Every learner whose work stands in a folder, by name.

    Raises:
        FileNotFoundError: if there is no such folder, or no notebook in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    learners: dict[tuple[str, str], Learner] = {}
    for file in common_folders_left_out(list(files_below(folder))):
        name, identifier, rest = who(file.parts)
        learner = learners.setdefault((name, identifier), Learner(name, identifier))
        if file.problem:
            learner.problems.append(f"{'/'.join(rest)}: {file.problem}")
        elif file.raw is not None:
            learner.notebooks.append(notebook(file, rest))
    if not learners:
        raise FileNotFoundError(f"there is no notebook (.ipynb) below {folder}")
    return sorted(learners.values(), key=lambda learner: (learner.name, learner.identifier))


# ------------------------------------------------------------- files


def files_below(folder: Path) -> Iterator[File]:
    """Every notebook below a folder, those in zips too; and what could not be read."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if set(parts) & NOT_WORK or is_linked(path, folder):
            if path.suffix.lower() in (".ipynb", ".zip") and not set(parts) & NOT_WORK:
                yield File(parts, 0.0, None, "a link, which is not followed")
            continue
        if not path.is_file() or path.name.startswith("._"):
            continue
        try:
            if path.suffix.lower() == ".zip":
                with zipfile.ZipFile(path) as archive:
                    yield from files_in_zip(archive, (*parts[:-1], path.stem), DEEPEST)
            elif path.suffix.lower() == ".ipynb":
                size, changed = path.stat().st_size, path.stat().st_mtime
                if size > LARGEST:
                    yield File(parts, changed, None, too_large(size))
                else:
                    yield File(parts, changed, path.read_bytes())
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            yield File(parts, 0.0, None, f"cannot be read ({error})")


def is_linked(path: Path, folder: Path) -> bool:
    """Whether a path, or a folder above it, is a link."""
    between = [path, *path.parents]
    return any(part.is_symlink() for part in between[: len(path.relative_to(folder).parts)])


def files_in_zip(archive: zipfile.ZipFile, above: tuple[str, ...], depth: int) -> Iterator[File]:
    """Every notebook in a zip. Nothing is unpacked to the disk, so no name in it can lead away."""
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        yield File(above, 0.0, None, f"a zip with {len(entries):,} entries")
        return
    for entry in entries:
        inner = tuple(p for p in PurePosixPath(entry.filename).parts if p not in ("/", "..", "."))
        ending = PurePosixPath(entry.filename).suffix.lower()
        parts = (*above, *inner)
        if entry.is_dir() or ending not in (".ipynb", ".zip") or set(inner) & NOT_WORK:
            continue
        if inner[-1].startswith("._"):
            continue
        changed = time_of(entry)
        if (entry.external_attr >> 28) == 0xA:
            yield File(parts, changed, None, "a link, which is not followed")
            continue
        try:
            with archive.open(entry) as stream:
                raw = stream.read(LARGEST + 1)  # what the zip says of its size is not believed
        except (
            OSError,
            zipfile.BadZipFile,
            RuntimeError,
            NotImplementedError,
            ValueError,
        ) as error:
            yield File(parts, changed, None, f"cannot be read ({error})")
            continue
        if len(raw) > LARGEST:
            yield File(parts, changed, None, too_large(len(raw)))
        elif ending == ".ipynb":
            yield File(parts, changed, raw)
        elif depth == 1:
            yield File(parts, changed, None, "a zip in a zip in a zip")
        else:
            yield from files_in_inner_zip(raw, (*parts[:-1], PurePosixPath(parts[-1]).stem), depth)


def too_large(size: int) -> str:
    """Why a file of a size is not read."""
    return f"{size / 2**20:,.0f} MB or more; {LARGEST >> 20} MB are read"


def common_folders_left_out(files: list[File]) -> list[File]:
    """Files without the folders that all of them share: they name the export, not a learner."""
    while files and all(len(f.parts) > 2 for f in files) and len({f.parts[0] for f in files}) == 1:
        if MOODLE.match(files[0].parts[0]):
            break
        files = [File(f.parts[1:], f.changed, f.raw, f.problem) for f in files]
    return files


def time_of(entry: zipfile.ZipInfo) -> float:
    """When an entry was changed, in seconds; 0.0 if the zip does not tell."""
    try:
        return datetime(*entry.date_time).timestamp()
    except ValueError:
        return 0.0


def files_in_inner_zip(raw: bytes, above: tuple[str, ...], depth: int) -> Iterator[File]:
    """Every notebook in a zip that stood in a zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            yield from files_in_zip(archive, above, depth - 1)
    except (zipfile.BadZipFile, ValueError) as error:
        yield File(above, 0.0, None, f"cannot be read ({error})")


# ------------------------------------------------------------- learners


def who(parts: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """(name, identifier, what is left of the path) of whoever handed a file in."""
    first, *rest = parts
    if found := MOODLE.match(first):
        return plain(found["name"]), found["id"], tuple(rest)
    if not rest and (found := CANVAS.match(first)):
        return plain(found["name"]), found["id"], (found["file"],)
    if rest:
        return plain(first), "", tuple(rest)
    name = re.sub(r"[ _-]*\d\d_[a-z_]+.*$", "", PurePosixPath(first).stem)
    return plain(name or PurePosixPath(first).stem), "", parts


def writable(text: str) -> str:
    """A text that can be written: names of files can hold bytes that are no letters."""
    return text.encode("utf-8", "replace").decode("utf-8")


def plain(name: str) -> str:
    """A name in one form of Unicode, without what no name has: paths, line breaks, controls."""
    composed = unicodedata.normalize("NFC", name)
    letters = "".join(c for c in composed if unicodedata.category(c)[0] != "C" and c not in BANNED)
    short = " ".join(letters.split()).encode()[:LONGEST_NAME].decode(errors="ignore")
    return short.strip(". ") or "nameless"


# ------------------------------------------------------------- notebooks


def notebook(file: File, rest: tuple[str, ...]) -> Notebook:
    """A notebook from its bytes; what is none says why."""
    path = "/".join(rest)
    order = (attempt(path), file.changed, path)
    try:
        cells = code_cells(json.loads(file.raw))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return Notebook(path, None, None, order, f"not a notebook ({type(error).__name__})")
    if len(cells) > MOST_CELLS:
        return Notebook(path, None, None, order, f"{len(cells):,} code cells")
    return Notebook(path, which(PurePosixPath(path).stem, cells), cells, order)


def code_cells(content: dict) -> list[str]:
    """The sources of a notebook's code cells; format 3 calls them otherwise than format 4."""
    cells = content["cells"] if "cells" in content else content["worksheets"][0]["cells"]
    sources = [
        cell["source"] if "source" in cell else cell["input"]
        for cell in cells
        if cell["cell_type"] == "code"
    ]
    return ["".join(source) for source in sources]


def attempt(path: str) -> int:
    """The number of an attempt, as platforms and browsers write it into a name; 0 without."""
    stems = [PurePosixPath(part).stem for part in path.split("/")]
    found = [match for stem in stems for match in ATTEMPT.finditer(stem)]
    return max((int(next(filter(None, match.groups()))) for match in found), default=0)


def which(stem: str, cells: list[str]) -> str | None:
    """The notebook of the course that this is: by its name, or else by the exercises in it."""
    named = [name for name in NOTEBOOKS if re.search(rf"\d\d_{name}(?![a-z_])", stem)]
    if named:
        return max(named, key=len)
    load_part_iii()
    checked = re.findall(r"(?m)^check\((\w+)\)", "\n".join(cells))
    found = [EXERCISES[name].notebook for name in checked if name in EXERCISES]
    return max(set(found), key=found.count) if found else None
