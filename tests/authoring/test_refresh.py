"""refresh: what is stored in a notebook changes only when what it says changes."""

import base64
import io
import json

import matplotlib.image
import nbformat
import numpy as np
import pytest
from nbval.plugin import get_sanitize_patterns

from helpers.authoring import execution, refresh
from helpers.authoring.refresh import RefreshError
from helpers.launcher import places
from helpers.launcher.proofs import pytest_command

v4 = nbformat.v4


def write(path, *sources, **first_metadata):
    """A notebook of code cells; the metadata is the first one's."""
    cells = [v4.new_code_cell(source) for source in sources]
    cells[0].metadata.update(first_metadata)
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


def read(path):
    return nbformat.read(path, as_version=4)


LIVELY = """\
import os, sys, time, pathlib
import matplotlib.pyplot as plt
from tqdm.auto import tqdm
print("start")
for _ in tqdm(range(3), leave=False):
    sys.stdout.flush()
    print("step", flush=True)
print(f"fast (measured {time.perf_counter()})")"""
PLACE = """\
progress = pathlib.Path(os.environ["BN_COURSE_PROGRESS"])
print(pathlib.Path.cwd().name, progress.exists())
progress.write_text("solved");"""
WIDGET = """\
import ipywidgets
slider = ipywidgets.FloatSlider(0.5)
ipywidgets.VBox([slider, ipywidgets.interactive_output(lambda x: print(x), {"x": slider})])"""


# A description that does not look at the curve.
UNPROVED = """\
from helpers import plotting
plotting.describe = lambda f: f"{sum(a.get_visible() for a in f.axes[0].lines)} line"
plotting.panels(1)[0].plot([1, 2], color="black");"""


@pytest.fixture(scope="module")
def lively(tmp_path_factory):
    """A notebook with everything that could differ between two runs, refreshed twice."""
    path = tmp_path_factory.mktemp("course") / "98_lively.ipynb"
    cells = [
        v4.new_markdown_cell("# Text"),
        v4.new_code_cell(LIVELY, metadata={"execution": {"a": "2026"}, "tags": ["kept"]}),
        v4.new_code_cell("  "),
        v4.new_code_cell("plt.plot([1, 2], color='black');"),
        v4.new_code_cell(
            WIDGET, metadata={"tags": ["nbval-ignore-output"], "reason": "It is a widget."}
        ),
        v4.new_code_cell(PLACE),
        v4.new_code_cell("6 * 7"),
    ]
    metadata = {
        "widgets": {"state": {}},
        "kernelspec": {"display_name": "mine", "language": "python", "name": "my-own"},
        "language_info": {"name": "python", "version": "3.9"},
        "title": "kept",
    }
    nbformat.write(v4.new_notebook(cells=cells, metadata=metadata), path)
    ids = [cell.id for cell in cells]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TQDM_DELAY", "1e9")  # as course.py sets it
        refresh.refresh(path)
        first = path.read_bytes()
        refresh.refresh(path)
    return first, path.read_bytes(), nbformat.reads(first.decode(), as_version=4), ids


def test_twice_in_a_row_changes_nothing(lively):
    first, second, _, _ = lively
    assert first == second


def test_execution_counts_run_from_one(lively):
    notebook = lively[2]
    counts = [c.execution_count for c in refresh.code_cells(notebook)]
    assert counts == [1, None, 2, 3, 4, 5]
    result = notebook.cells[-1].outputs[0]
    assert (result.execution_count, result.data["text/plain"]) == (5, "42")


def test_metadata_is_that_of_the_course(lively):
    metadata = lively[2].metadata
    assert metadata.kernelspec == {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    assert "version" not in metadata.language_info
    assert "widgets" not in metadata
    assert metadata.title == "kept"


def test_cells_keep_ids_tags_and_reasons(lively):
    _, _, notebook, ids = lively
    assert [cell.id for cell in notebook.cells] == ids
    assert notebook.cells[1].metadata == {"tags": ["kept"]}
    assert notebook.cells[4].metadata.reason == "It is a widget."


def test_progress_bars_are_not_stored_and_streams_are_merged(lively):
    (output,) = lively[2].cells[1].outputs
    assert output.text.startswith("start\nstep\nstep\nstep\nfast (measured ")


def test_figures_are_stored_without_the_value_before_the_semicolon(lively):
    (output,) = lively[2].cells[3].outputs
    assert output.data.keys() == {"image/png", "text/plain"}


def test_widgets_leave_a_sentence_instead_of_a_random_id(lively):
    (output,) = lively[2].cells[4].outputs
    assert output.data == {"text/plain": refresh.WIDGET_TEXT}
    assert b"model_id" not in lively[0]


def test_widgets_never_write_on_the_channel_of_the_reply(tmp_path, monkeypatch):
    # nbclient would: at times it then misses the reply, and waits until its time is over.
    sent = []
    monkeypatch.setattr(execution.OutputWidget, "send", lambda *_, **__: sent.append("state"))
    path = write(tmp_path / "98_x.ipynb", WIDGET, tags=["nbval-ignore-output"])
    (cell,) = refresh.execute(read(path), path).cells
    assert [refresh.WIDGET_VIEW in output.data for output in cell.outputs] == [True]
    assert sent == []


def test_kernels_start_beside_the_notebook_with_no_progress(lively):
    _, _, notebook, _ = lively
    name, had_progress = notebook.cells[5].outputs[0].text.split()
    assert name.startswith("course")
    assert had_progress == "False"


def test_a_changed_result_is_stored(tmp_path):
    path = write(tmp_path / "98_x.ipynb", "print('two (measured 9)')\nprint(1 + 1)")
    stored = read(path)
    stored.cells[0].outputs = [v4.new_output("stream", text="two (measured 7)\n3\n")]
    nbformat.write(stored, path)
    refresh.refresh(path)
    assert read(path).cells[0].outputs[0].text == "two (measured 9)\n2\n"


def test_measured_values_are_replaced_anew_and_only_then(tmp_path):
    path = write(tmp_path / "98_x.ipynb", "print('two (measured 9)')")
    stored = read(path)
    stored.cells[0].outputs = [v4.new_output("stream", text="two (measured 7)\n")]
    nbformat.write(stored, path)
    assert refresh.main([str(path)]) == 0
    assert read(path).cells[0].outputs[0].text == "two (measured 7)\n"
    assert refresh.main(["--anew", str(path)]) == 0
    assert read(path).cells[0].outputs[0].text == "two (measured 9)\n"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import warnings\nwarnings.warn('careful')", "writes to stderr:"),
        (UNPROVED, "shows a figure with FigureError: halving Line2D"),
        (WIDGET, "give it the tag 'nbval-ignore-output'"),
    ],
)
def test_what_must_not_be_stored_is_refused_and_the_cell_named(tmp_path, source, told):
    path = write(tmp_path / "98_x.ipynb", "print(1)", source)
    before = path.read_bytes()
    with pytest.raises(RefreshError) as caught:
        refresh.refresh(path)
    assert "98_x.ipynb, code cell 1 " in str(caught.value)
    assert told in str(caught.value)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["98_x.ipynb"]


def test_one_bad_notebook_does_not_keep_the_others_from_being_refreshed(
    tmp_path, capfd, monkeypatch
):
    seen = []

    def fail_first(path, *, anew, show_progress):
        seen.append(path)
        if len(seen) == 1:
            raise RefreshError("98_x.ipynb, code cell 0 fails")

    monkeypatch.setattr(refresh, "refresh", fail_first)
    assert refresh.main(["a", "b"]) == 1
    assert seen == ["a", "b"]
    assert "98_x.ipynb, code cell 0 fails" in capfd.readouterr().err
    assert refresh.main(["c"]) == 0


# ----------------------------------------------------------------- comparisons


def figure(pixels, title, text="<Figure>"):
    file = io.BytesIO()
    matplotlib.image.imsave(file, pixels, format="png", metadata={"Title": title})
    png = base64.b64encode(file.getvalue()).decode()
    return v4.new_output("display_data", {"image/png": png, "text/plain": text})


def kept(fresh, stored):
    """The outputs of two cells after ``keep_equal_run``; each argument has a list for each cell."""
    notebooks = []
    for run in (fresh, stored):
        ids = ("first", "second")
        cells = [v4.new_code_cell("x", id=i, outputs=o) for i, o in zip(ids, run, strict=False)]
        notebooks.append(v4.new_notebook(cells=cells))
    refresh.keep_equal_run(*notebooks)
    return [cell.outputs for cell in notebooks[0].cells]


def stream(text, name="stdout"):
    return v4.new_output("stream", text=text, name=name)


def test_stored_images_with_the_same_pixels_stay():
    pixels = np.linspace(0, 1, 12).reshape(3, 4)
    old, new = figure(pixels, "old"), figure(pixels, "new")
    assert old != new
    assert kept([[new]], [[old]]) == [[old]]


def test_stored_images_with_other_pixels_go():
    old, new = figure(np.eye(3), "same"), figure(1 - np.eye(3), "same")
    assert kept([[new]], [[old]]) == [[new]]
    larger = figure(np.eye(4), "same")
    assert kept([[larger]], [[old]]) == [[larger]]


def test_stored_figures_with_the_same_description_stay_whatever_their_pixels():
    old = figure(np.eye(3), "old", "A figure. Blue line: (measured 1 at 0).")
    new = figure(1 - np.eye(3), "new", "A figure. Blue line: (measured 2 at 0).")
    assert kept([[new]], [[old]]) == [[old]]


def test_stored_figures_with_another_description_go():
    old = figure(np.eye(3), "same", "A figure. Blue line: 1 at 0.")
    new = figure(np.eye(3), "same", "A figure. Blue line: 2 at 0.")
    assert kept([[new]], [[old]]) == [[new]]


def test_stored_measurements_stay_while_nothing_else_changes():
    old, new = stream("✓ faster (measured 3.1)\n"), stream("✓ faster (measured 2.9)\n")
    assert kept([[new]], [[old]]) == [[old]]


def test_all_outputs_of_a_notebook_come_from_one_run():
    old = [[stream("1 s\n(measured 3.1)\n")], [stream("bars (measured 9)\n")]]
    new = [[stream("2 s\n(measured 2.9)\n")], [stream("bars (measured 8)\n")]]
    assert kept(new, old) == new
    assert kept(new[::-1], old[::-1]) == new[::-1]


def test_a_new_cell_with_outputs_replaces_all_others():
    old, new = stream("(measured 3.1)\n"), stream("(measured 2.9)\n")
    assert kept([[new], [new]], [[old]]) == [[new], [new]]
    assert kept([[new], []], [[old], []]) == [[old], []]


@pytest.mark.parametrize(
    "new",
    [
        [stream("✓ slower (measured 2.9)\n")],
        [stream("✓ faster (measured 2.9)\n", name="stderr")],
        [stream("✓ faster (measured 2.9)\n"), stream("more\n", name="stderr")],
        [v4.new_output("display_data", {"text/plain": "✓ faster (measured 2.9)\n"})],
    ],
)
def test_other_outputs_replace_the_stored_ones(new):
    assert kept([new], [[stream("✓ faster (measured 3.1)\n")]]) == [new]


def test_neighbouring_streams_are_merged_and_only_those():
    figure = v4.new_output("display_data", {"text/plain": "f"})
    outputs = [stream("a"), stream("b"), figure, stream("c"), stream("d", name="stderr")]
    merged = refresh.merge_streams(outputs)
    assert [output.get("text") for output in merged] == ["ab", None, "c", "d"]


def test_every_pattern_of_the_sanitize_file_is_read():
    # nbval drops an incomplete pair, or one without a replacement, without a word.
    text = refresh.SANITIZE_FILE.read_text(encoding="utf-8")
    patterns = get_sanitize_patterns(text)
    assert len(patterns) == sum(line.startswith("regex:") for line in text.splitlines()) > 0
    assert all(word.strip() for _, word in patterns)


def test_only_the_measured_number_is_masked():
    text = "✓ at least 5x (measured 16.9), of 20 (measured 1 s against 2 s) and (3)"
    assert refresh.sanitize(text) == "✓ at least 5x (measured), of 20 (measured) and (3)"
    assert refresh.sanitize("(measured 1\n2)") == "(measured 1\n2)"


def test_notebooks_are_written_as_jupyter_writes_them(lively):
    first = lively[0]
    assert first.endswith(b"}\n")
    assert b"\r" not in first
    assert json.loads(first)["nbformat_minor"] >= 5


def test_refresh_and_the_tests_read_the_same_sanitize_file():
    option = "--nbval-sanitize-with="
    command = pytest_command([], [], "marker")
    (name,) = [part.removeprefix(option) for part in map(str, command) if part.startswith(option)]
    assert places.ROOT / name == refresh.SANITIZE_FILE
