"""Execute notebooks again and store their outputs in a form that does not change by itself.

``python -m helpers.authoring.refresh notebooks/03_backward.ipynb ...``, run through
``course.py refresh``, which sets the environment. What may differ between two runs (times,
versions, ids of widgets) is dropped or written as ``(measured ...)``. Where nothing else differs,
the notebook stays as it is, so that twice in a row gives an empty diff; otherwise all its outputs
are replaced, so that all that it shows comes from one run. Of figures the descriptions decide, not
the pixels. ``--anew`` replaces all outputs in any case: for measurements of a quiet machine, and
for pictures that look different and say the same.
"""

import argparse
import base64
import io
import re
import sys
from pathlib import Path

import matplotlib.image
import nbformat
import numpy as np
from nbval.plugin import get_sanitize_patterns

from helpers.authoring import captions, pictures, sections, stills
from helpers.authoring.execution import RefreshError, code_cells, execute
from helpers.authoring.figure_proof import FigureError
from helpers.authoring.stills import WIDGET_VIEW
from helpers.contents import NOTEBOOKS
from helpers.files import write_atomically

SANITIZE_FILE = Path(__file__).resolve().parents[2] / "tests" / "nbval_sanitize.cfg"
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


def refresh(path, *, anew=False, show_progress=False):
    """Execute one notebook in its own folder and rewrite it in place.

    A notebook with an error, output on stderr, a figure whose description misses a change, a
    widget in a cell that nbval would compare, or sliders without a place for their still is left
    as it was.

    Raises:
        RefreshError: names the cell, counted over all code cells from 0 as nbval does.
    """
    path = Path(path)
    stored = nbformat.read(path, as_version=4)
    fresh = execute(stored, path, show_progress=show_progress)
    complain(fresh, path)
    normalise(fresh)
    captions.write_alternatives(fresh.cells)
    sections.print_minutes(fresh.cells)
    try:
        if (name := path.stem.partition("_")[2]) in NOTEBOOKS:
            pictures.attach_opening(fresh, name, anew=anew)
    except FigureError as error:
        raise RefreshError(f"{path.name}, opening picture: {error}") from None
    if not anew:
        keep_equal_run(fresh, stored)
    stills.attach_stills(fresh, path)
    text = nbformat.writes(fresh).rstrip("\n") + "\n"
    write_atomically(path, text)


def complain(notebook, path):
    """Refuse outputs that must not be stored."""
    for number, cell in enumerate(code_cells(notebook)):
        place = f"{path.name}, code cell {number}"
        for output in cell.outputs:
            if output.output_type == "error":
                raise RefreshError(f"{place} shows a figure with {output.ename}: {output.evalue}")
            if output.get("name") == "stderr":
                raise RefreshError(f"{place} writes to stderr:\n{output.text}")
            data = output.get("data", {})
            # Sliders bring the description of their still, which is compared.
            if WIDGET_VIEW in data and "image/png" not in data and IGNORED not in tags(cell):
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
            if "image/png" in output.get("data", {}):
                png = base64.b64decode(output.data["image/png"])
                smaller = base64.b64encode(pictures.with_palette(png))
                output.data["image/png"] = smaller.decode("ascii")
            if "execution_count" in output:
                output.execution_count = count
            if WIDGET_VIEW in output.get("data", {}):
                # The view points to a model that dies with the kernel.
                still = output.data.get("image/png")
                text = output.data["text/plain"] if still else WIDGET_TEXT
                output.data = nbformat.from_dict({"text/plain": text})
                if still:
                    output.data["image/png"] = still


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


def keep_equal_run(fresh, stored):
    """Put the stored outputs back into ``fresh`` if only volatile things differ; in place.

    All of them or none: numbers and pictures of two runs side by side could contradict each other.
    """
    before = {cell.id: cell.outputs for cell in code_cells(stored) if "id" in cell}
    pairs = [(cell.outputs, before.get(cell.get("id"))) for cell in code_cells(fresh)]
    if not all(old is not None and same_outputs(new, old) for new, old in pairs):
        return
    for new, old in pairs:
        for output, kept in zip(new, old, strict=True):
            output.update({key: kept[key] for key in ("data", "text", "metadata") if key in kept})


def same_outputs(new, old):
    """Whether two lists of outputs say and show the same."""
    return len(new) == len(old) and all(map(same_output, new, old))


def same_output(new, old):
    """Whether two outputs agree in kind, in text outside the sanitized parts, and in pictures."""
    if new.output_type != old.output_type or new.get("name") != old.get("name"):
        return False
    new_data, old_data = new.get("data", {}), old.get("data", {})
    described = not new_data.get("text/plain", "<").startswith("<")
    return (
        new_data.keys() == old_data.keys()
        and sanitize(new.get("text", "")) == sanitize(old.get("text", ""))
        and all(
            same_data(kind, new_data[kind], old_data[kind])
            for kind in new_data
            if not (kind == "image/png" and described)
        )
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


def main(arguments):
    """Refresh all notebooks, in order; the exit code says whether all of them could be."""
    parser = argparse.ArgumentParser(prog="python -m helpers.authoring.refresh")
    parser.add_argument("notebook", nargs="*")
    parser.add_argument("--anew", action="store_true", help="replace all outputs in any case")
    options = parser.parse_args(arguments)
    failed = False
    for path in options.notebook:
        try:
            refresh(path, anew=options.anew, show_progress=True)
        except RefreshError as error:
            print(error, file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
