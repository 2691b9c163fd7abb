"""The real JupyterLab in a real browser: what a learner sees and does there."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import nbformat
import pytest
from playwright.sync_api import expect, sync_playwright

from helpers.authoring.captions import shows_sliders
from helpers.exercises.engine import EXERCISES
from helpers.launcher import places

NOTEBOOK, LAYER = "02_forward.ipynb", "07_your_layer.ipynb"
WITH_SLIDERS = [
    path.name
    for path in sorted(places.NOTEBOOKS.glob("*.ipynb"))
    if any(map(shows_sliders, nbformat.read(path, as_version=4).cells))
]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 120_000  # milliseconds; a busy machine with two cores is slow, not wrong

# `course.py lab` itself, on a workspace of the test's own and in the environment of the tests.
LAB = """
import pathlib, sys, course
from helpers.launcher import lab, places
places.WORKSPACE = pathlib.Path(sys.argv[1])
places.venv_python = lambda: pathlib.Path(sys.executable)
lab.set_up = lambda: None
sys.argv[:2] = ["course.py", "lab"]
sys.exit(course.main())
"""

ANSWER = """\
def batch_norm_forward(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=0), x.var(axis=0)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


check(batch_norm_forward)"""


def find_browser():
    """A browser's path; without one the test is skipped, or fails under CI."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        reason = f"no browser: install one of {', '.join(BROWSERS)}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_until_it_listens(port):
    """JupyterLab prints its address a moment before it listens there."""
    deadline = time.monotonic() + PATIENCE / 1000
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise


@pytest.fixture
def browser():
    path = find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def workspace(tmp_path):
    return tmp_path / "workspace"


@pytest.fixture
def address(tmp_path, workspace):
    """The address, token included, that a JupyterLab of one's own prints."""
    settings = tmp_path / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    # Otherwise cells out of view are not in the page.
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    env = os.environ | {
        "BN_COURSE_PROGRESS": str(tmp_path / "progress.json"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "layouts"),
        "PYTHONUNBUFFERED": "1",
    }
    env.pop("TQDM_DELAY", None)  # learners see progress bars
    port = str(free_port())
    command = [sys.executable, "-c", LAB, workspace, "--no-browser", "--port", port]
    with subprocess.Popen(
        command, cwd=places.ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, text=True,
    ) as server:  # fmt: skip
        too_late = threading.Timer(PATIENCE / 1000, server.kill)
        too_late.start()
        said = []
        try:
            for line in server.stdout:
                said.append(line)
                if "?token=" in line and "127.0.0.1" in line:
                    break
            else:
                pytest.fail("JupyterLab did not start:\n" + "".join(said))
        finally:
            too_late.cancel()
        # Keep reading, so that the server never waits for us.
        reader = threading.Thread(target=server.stdout.read)
        reader.start()
        address = line.split()[-1]
        wait_until_it_listens(urlsplit(address).port)
        yield address
        server.terminate()
        reader.join()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield page
    page.close()


def menu(page, *names):
    """Choose an entry of JupyterLab's menus."""
    top, *below = names
    page.get_by_role("menuitem", name=top, exact=True).click()
    for name in below:
        page.locator(".lm-Menu-item", has_text=name).first.click()


def wait_until_idle(page):
    """The indicator calls a notebook idle that has no kernel yet, and drops what is run then."""
    page.get_by_text("(ipykernel) | Idle").wait_for()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for()


def open_notebook(page, address, name):
    """Open a learner's copy and wait for its kernel."""
    parts = urlsplit(address)
    page.goto(f"{parts.scheme}://{parts.netloc}/lab/tree/{name}?reset")
    wait_until_idle(page)


def check_slider(slider, figure):
    """Move a slider with an arrow key, as one who hears the page does."""
    label, readout = slider.locator(".widget-label"), slider.locator(".widget-readout")
    handle = slider.get_by_role("slider", name=label.inner_text(), exact=True)
    picture, alternative = figure.get_attribute("src"), figure.get_attribute("alt")
    assert alternative.startswith("A figure with ")
    # One step, and then to the end: the first steps of eps are not seen.
    for key in ("ArrowRight", "End"):
        value = readout.inner_text()
        expect(handle).to_have_attribute("aria-valuetext", value)
        handle.press(key)
        expect(readout).not_to_have_text(value)
    expect(handle).to_have_attribute("aria-valuetext", readout.inner_text())
    expect(figure).not_to_have_attribute("alt", alternative)
    assert figure.get_attribute("src") != picture


def unfold(page):
    """Show every cell: sections that only go further are folded at first."""
    while (button := page.locator(".jp-showHiddenCellsButton:visible").first).count():
        button.click()


def check_sliders(page):
    """Each slider has a name, answers to arrow keys and says its quantity; the figure follows."""
    cells = page.locator(".jp-CodeCell", has=page.locator(".bn-sliders"))
    cells.first.wait_for()
    for cell in cells.all():
        for slider in cell.locator(".widget-slider").all():
            check_slider(slider, cell.locator(".bn-sliders img"))


def save(page, path):
    """Save the notebook; returns what is in the file then."""
    with page.expect_response(lambda r: path.name in r.url and r.request.method == "PUT"):
        page.keyboard.press("Control+s")
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


@pytest.mark.browser
def test_a_learner_runs_the_notebook_moves_a_slider_and_solves_an_exercise(
    page, address, workspace
):
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))

    # The address that JupyterLab prints leads to the first notebook, past the token.
    page.goto(address)
    first = min(path.name for path in workspace.glob("*.ipynb"))
    page.get_by_role("tab", name=first).wait_for()

    open_notebook(page, address, NOTEBOOK)

    # No answer stands under its question, but sliders stand there as a still.
    assert page.locator(".jp-CodeCell .jp-OutputArea-output").count() == 0
    still = page.locator(".jp-MarkdownCell img[alt*='Sliders above it']").first
    assert still.evaluate("image => image.decode().then(() => image.naturalWidth)") > 1000

    # Run everything, untouched.
    menu(page, "Run", "Run All Cells")
    prompts = page.locator(".jp-CodeCell .jp-InputPrompt")
    expect(prompts.last).to_have_text(f"[{prompts.count()}]:")
    wait_until_idle(page)
    cells = code_cells(save(page, workspace / NOTEBOOK))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]

    check_sliders(page)

    # An exercise turns from todo to solved.
    cell = page.locator(".jp-CodeCell", has_text="def batch_norm_forward(").first
    outcome = cell.locator(".jp-OutputArea-output").first
    expect(outcome).to_contain_text("○")
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(ANSWER)
    page.keyboard.press("Control+Enter")
    expect(outcome).to_contain_text("✓")
    expect(cell).not_to_contain_text("○")

    # No news, no update check, no font or script from elsewhere: the course works offline.
    assert page.get_by_text("Jupyter news").count() == 0
    assert hosts <= {"127.0.0.1", None}


@pytest.mark.thorough
@pytest.mark.parametrize("name", [name for name in WITH_SLIDERS if name != NOTEBOOK])
def test_every_slider_is_moved_by_keyboard(page, address, name):
    page.goto(address)
    open_notebook(page, address, name)
    unfold(page)
    cell = page.locator(".jp-CodeCell", has_text="explore(").last
    cell.locator(".jp-InputPrompt").click()
    menu(page, "Run", "Run All Above Selected Cell")
    page.keyboard.press("Control+Enter")
    check_sliders(page)


@pytest.mark.browser
def test_what_is_further_is_folded_until_its_heading_is_opened(page, address):
    page.goto(address)
    open_notebook(page, address, "03_backward.ipynb")
    core = page.locator(".jp-CodeCell", has_text="def batch_norm_backward(").first
    further = page.locator(".jp-CodeCell", has_text="def numerical_gradient(").first
    heading = page.locator(".jp-MarkdownCell", has_text="Further: write the judge").last
    expect(core).to_be_visible()
    expect(heading).to_be_visible()
    expect(further).to_be_hidden()
    heading.locator(".jp-showHiddenCellsButton").click()
    expect(further).to_be_visible()


@pytest.mark.browser
def test_a_learner_builds_the_layer_and_sees_its_curve(page, address, workspace):
    page.goto(address)
    open_notebook(page, address, LAYER)
    cell = page.locator(".jp-CodeCell", has_text="class BatchNormLayer:").first
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(EXERCISES["BatchNormLayer"].source() + "\n\n\ncheck(BatchNormLayer)")
    menu(page, "Run", "Run All Cells")
    prompts = page.locator(".jp-CodeCell .jp-InputPrompt")
    expect(prompts.last).to_have_text(f"[{prompts.count()}]:")
    wait_until_idle(page)
    expect(cell.locator(".jp-OutputArea-output").first).to_contain_text("✓")
    cells = code_cells(save(page, workspace / LAYER))
    outputs = [output for cell in cells for output in cell.outputs]
    said = [output.get("data", {}).get("text/plain", "") for output in outputs]
    assert "From here on, BatchNormLayer is yours." in said
    curves = next(cell for cell in cells if '"your layer": {' in cell.source)
    assert any("image/png" in output.get("data", {}) for output in curves.outputs)
