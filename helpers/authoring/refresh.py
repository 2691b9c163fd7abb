"""Execute notebooks again and store their outputs in a form that does not change by itself.

``python -m helpers.authoring.refresh notebooks/03_backward.ipynb ...``, run through ``course.py refresh``,
which sets the environment. Twice in a row gives an empty diff: what may differ between two runs
(times, versions, ids of widgets) is dropped, and where a new output differs from the stored one
only inside ``(measured ...)``, the stored one stays.
"""

import base64
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import matplotlib.image
import nbformat
import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbval.plugin import get_sanitize_patterns
from tqdm import tqdm

from helpers.files import write_atomically

SANITIZE_FILE = Path(__file__).resolve().parents[2] / "tests" / "nbval_sanitize.cfg"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_TEXT = "An interactive figure: run this cell to move its sliders."
IGNORED = "nbval-ignore-output"
VOLATILE_CELL_METADATA = ("execution", "ExecuteTime", "collapsed", "scrolled", "trusted")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


class RefreshError(Exception):
    """A notebook cannot be stored as it is; the message names the cell and says what to do."""


def refresh(path, *, show_progress=False):
    """Execute one notebook in its own folder and rewrite it in place.

    A notebook with an error, output on stderr, or a widget in a cell that nbval would compare is
    left as it was.

    Raises:
        RefreshError: names the cell, counted over all code cells from 0 as nbval does.
    """
    path = Path(path)
    stored = nbformat.read(path, as_version=4)
    fresh = execute(stored, path, show_progress=show_progress)
    complain(fresh, path)
    normalise(fresh)
    keep_equal_outputs(fresh, stored)
    text = nbformat.writes(fresh).rstrip("\n") + "\n"
    write_atomically(path, text)


def execute(notebook, path, *, show_progress=False):
    """An executed copy of ``notebook``; its kernel starts in the folder of ``path``."""
    fresh = nbformat.from_dict(notebook)
    for cell in code_cells(fresh):
        cell.outputs, cell.execution_count = [], None
    bar = tqdm(
        total=len(code_cells(fresh)),
        desc=path.stem,
        unit="cell",
        delay=0,
        disable=not show_progress,
    )
    client = NotebookClient(
        fresh,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_complete=lambda **_: bar.update(),
    )
    with bar, tempfile.TemporaryDirectory() as folder:
        # No one's solved exercises may show in what is stored.
        progress = os.path.join(folder, "progress.json")
        try:
            client.execute(env=os.environ | {"BN_COURSE_PROGRESS": progress})
        except CellExecutionError as error:
            number = next(
                n
                for n, cell in enumerate(code_cells(fresh))
                if any(output.output_type == "error" for output in cell.outputs)
            )
            raise RefreshError(f"{path.name}, code cell {number} fails:\n{error}") from None
    return fresh


def code_cells(notebook):
    """The code cells, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def complain(notebook, path):
    """Refuse outputs that must not be stored."""
    for number, cell in enumerate(code_cells(notebook)):
        place = f"{path.name}, code cell {number}"
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise RefreshError(f"{place} writes to stderr:\n{output.text}")
            if WIDGET_VIEW in output.get("data", {}) and IGNORED not in tags(cell):
                raise RefreshError(
                    f"{place} shows a widget, whose output cannot be compared: "
                    f"give it the tag {IGNORED!r} and a reason in its metadata"
                )


def tags(cell):
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def normalise(notebook):
    """Drop from an executed notebook whatever changes by itself; in place."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.update(nbformat.from_dict(METADATA))
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
    count = 0
    for cell in code_cells(notebook):
        for key in VOLATILE_CELL_METADATA:
            cell.metadata.pop(key, None)
        if not cell.source.strip():
            cell.outputs, cell.execution_count = [], None
            continue
        count += 1
        cell.execution_count = count
        cell.outputs = merge_streams(cell.outputs)
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
            if WIDGET_VIEW in output.get("data", {}):
                # The view points to a model that dies with the kernel.
                output.data = nbformat.from_dict({"text/plain": WIDGET_TEXT})


def merge_streams(outputs):
    """Join neighbouring pieces of the same stream: where they are cut is a matter of timing."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == "stream" and output.name == last.get("name"):
            last.text += output.text
        else:
            merged.append(output)
    return merged


def keep_equal_outputs(fresh, stored):
    """Put stored outputs back into ``fresh`` where only something volatile differs; in place."""
    before = {cell.id: cell for cell in code_cells(stored) if "id" in cell}
    for cell in code_cells(fresh):
        old = before.get(cell.get("id"))
        if old is not None and same_outputs(cell.outputs, old.outputs):
            for output, kept in zip(cell.outputs, old.outputs, strict=True):
                output.update({key: kept[key] for key in ("data", "text") if key in kept})


def same_outputs(new, old):
    """Whether two lists of outputs say and show the same."""
    return len(new) == len(old) and all(map(same_output, new, old))


def same_output(new, old):
    """Whether two outputs agree in kind, in text outside the sanitized parts, and in pixels."""
    if new.output_type != old.output_type or new.get("name") != old.get("name"):
        return False
    new_data, old_data = new.get("data", {}), old.get("data", {})
    return (
        new_data.keys() == old_data.keys()
        and sanitize(new.get("text", "")) == sanitize(old.get("text", ""))
        and all(same_data(kind, new_data[kind], old_data[kind]) for kind in new_data)
    )


def same_data(kind, new, old):
    """Whether two values of one MIME type are equal for a reader."""
    if kind == "image/png":
        return new == old or np.array_equal(pixels(new), pixels(old))
    return sanitize(new) == sanitize(old)


def pixels(png):
    """The pixels of a base64-encoded PNG."""
    return matplotlib.image.imread(io.BytesIO(base64.b64decode(png)), format="png")


def sanitize(value):
    """``value`` as nbval compares it."""
    if isinstance(value, str):
        for pattern, word in get_sanitize_patterns(SANITIZE_FILE.read_text(encoding="utf-8")):
            value = re.sub(pattern, word, value)
    return value


def main(paths):
    """Refresh all notebooks, in order; the exit code says whether all of them could be."""
    failed = False
    for path in paths:
        try:
            refresh(path, show_progress=True)
        except RefreshError as error:
            print(error, file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
