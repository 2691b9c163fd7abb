"""Run a notebook from top to bottom in a fresh kernel."""

import os
import tempfile

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbclient.output_widget import OutputWidget
from tqdm import tqdm

# Each figure has to prove its description before it is stored.
PROVE_FIGURES = "__import__('helpers.authoring.figure_proof', fromlist=['install']).install()"


class RefreshError(Exception):
    """A notebook cannot be stored as it is; the message names the cell and says what to do."""


class SilentOutput(OutputWidget):
    """An output widget that collects what it shows and does not send it back to the kernel.

    nbclient's own sends its state on the socket on which nbclient waits for the cell's reply.
    Sending past the event loop, as jupyter_client does, can swallow the signal that the reply has
    come, and nbclient then waits until its time is over.
    """

    def sync_state(self):
        """Keep the state here: nothing in the kernel reads it."""


def client_for(notebook, path, **options):
    """A client that executes ``notebook`` in place, in the folder of ``path``; it never stalls."""
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        **options,
    )
    client.widget_registry = {"@jupyter-widgets/output": {"OutputModel": SilentOutput}}
    return client


def execute(notebook, path, *, show_progress=False):
    """An executed copy of ``notebook``; its kernel starts in the folder of ``path``.

    Raises:
        RefreshError: names the cell that fails, counted over all code cells from 0 as nbval does.
    """
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
    client = client_for(
        fresh,
        path,
        extra_arguments=[f"--IPKernelApp.exec_lines={PROVE_FIGURES}"],
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
