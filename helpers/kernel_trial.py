"""A kernel, tried as a learner uses it: `course.py preflight` runs this in the environment.

``python -m helpers.kernel_trial FOLDER SECONDS`` starts a kernel in that folder as JupyterLab does,
and runs a few cells, which together may take that long. For each it prints a line of JSON: what was
``tried``, and the ``reason`` why it has failed, or null. With a kernel that does not start, dies or
takes too long the trial ends: its last line says why.
"""

import json
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError

from helpers.launcher.packages import why_no_pytorch

# What is tried, by name: a cell, and whether what it shows (by type) is as it should be.
CELLS = {
    "computes": ("1 + 1", lambda shown: shown.get("text/plain") == "2"),
    "imports": (
        "import helpers, numpy, matplotlib" + ("" if why_no_pytorch() else ", torch"),
        lambda shown: not shown,
    ),
    "draws": (
        "from helpers.plotting import plt\nplt.plot([0, 1]);",
        lambda shown: "image/png" in shown,
    ),
    "digits": ("from helpers import data\ndata.load('digits');", lambda shown: not shown),
}


def trial(folder, seconds):
    """Yield ``(tried, reason)`` for each cell, until the kernel fails; no reason: all is well."""
    deadline = time.monotonic() + seconds
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source) for source, _ in CELLS.values()]
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        resources={"metadata": {"path": folder}},
        allow_errors=True,
        startup_timeout=seconds,
        timeout_func=lambda _: max(1, deadline - time.monotonic()),
        shutdown_kernel="immediate",
    )
    client.log.disabled = True  # the reason says it
    tried = next(iter(CELLS))
    try:
        with client.setup_kernel():
            for number, tried in enumerate(CELLS):
                cell = client.execute_cell(notebook.cells[number], number)
                yield tried, why_not(cell.outputs, CELLS[tried][1])
    except CellTimeoutError:
        yield tried, f"it takes more than {seconds} seconds"
    except Exception as error:  # whatever keeps a kernel from working on this machine
        yield tried, in_one_line(error) or type(error).__name__


def why_not(outputs, as_it_should_be):
    """Why a cell with these outputs has failed, or None."""
    shown = {}
    for output in outputs:
        if output.output_type == "error":
            # The course says in a sentence what is wrong with its data.
            name = "" if output.ename == "DataError" else f"{output.ename}: "
            return name + in_one_line(output.evalue)
        shown |= output.get("data", {})
    return None if as_it_should_be(shown) else f"it shows {', '.join(shown) or 'nothing'}"


def in_one_line(message):
    """The words of a message, without its line ends."""
    return " ".join(str(message).split())


if __name__ == "__main__":
    for tried, reason in trial(sys.argv[1], int(sys.argv[2])):
        print(json.dumps({"tried": tried, "reason": reason}), flush=True)
