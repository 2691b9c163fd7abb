"""Sliders: they stop at quantities, draw each position once, and have a still of themselves."""

import base64
import io
import re

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

mpl.use("agg")

from helpers import plotting, widgets


@pytest.fixture
def drawn():
    """What `draw` has drawn, in order."""
    return []


@pytest.fixture
def explorer(drawn):
    def draw(rate, optimizer):
        drawn.append((rate, optimizer))
        (ax,) = plotting.panels(1, width=4, height=3)
        ax.plot([0, 1], [0, rate], color=plotting.BN)
        ax.set(title=f'"{optimizer}" & co', xlim=(0, 1), ylim=(0, 2))

    yield widgets.explore(
        draw,
        rate=widgets.slider("rate", [0.1, 0.3, 1], 0.3, "{:g} per step"),
        optimizer=widgets.slider("optimizer", ["SGD", "Adam"], "SGD"),
    )
    assert plotting.plt.get_fignums() == []


def image(explorer):
    """The attributes of the picture that is shown."""
    return dict(re.findall(r'([\w-]+)="([^"]*)"', explorer.picture.value))


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_a_slider_shows_quantities_and_hands_on_values():
    slider = widgets.slider("mass", np.linspace(0, 1, 3), 0.5, "{:.1f} kg")
    assert [text for text, _ in slider.options] == ["0.0 kg", "0.5 kg", "1.0 kg"]
    assert (slider.description, slider.value) == ("mass", 0.5)


def test_a_start_is_the_value_that_reads_like_it():
    tenths = [k * 0.1 for k in range(11)]
    assert widgets.slider("rate", tenths, 0.3).index == 3
    assert tenths[3] != 0.3


def test_an_unknown_start_is_refused():
    with pytest.raises(ValueError, match=r"'rate' cannot start at '2'; it stops at \['0.1', '1'\]"):
        widgets.slider("rate", [0.1, 1], 2)


def test_values_that_read_the_same_are_refused():
    with pytest.raises(ValueError, match=r"'rate' has values that read the same: \['0.1', '1'\]"):
        widgets.slider("rate", [0.1, 0.1 + 1e-12, 1], 1)


def test_each_position_is_drawn_once_when_it_is_reached(explorer, drawn):
    assert drawn == [(0.3, "SGD")]
    first = image(explorer)["src"]
    explorer.sliders["rate"].value = 1
    assert image(explorer)["src"] != first
    explorer.sliders["optimizer"].value = "Adam"
    explorer.sliders["optimizer"].value = "SGD"
    explorer.sliders["rate"].value = 0.3
    assert image(explorer)["src"] == first
    explorer.still()
    assert drawn == [(0.3, "SGD"), (1, "SGD"), (1, "Adam")]


def test_the_picture_says_what_it_shows_and_has_twice_the_resolution(explorer):
    shown = image(explorer)
    assert shown["alt"].startswith("A figure with one panel.\n&quot;&quot;SGD&quot; &amp; co&quot;")
    assert "Blue line: " in shown["alt"]
    assert (shown["width"], shown["height"]) == ("384", "288")
    png = base64.b64decode(shown["src"].partition(",")[2])
    assert pixels(png).shape == (576, 768, 3)


def test_a_still_shows_the_sliders_where_they_stand_above_the_figure(explorer):
    still, description = explorer.still()
    assert description.startswith("A figure with one panel.\n")
    assert description.endswith("\nSliders above it: rate: 0.3 per step; optimizer: SGD.")
    figure = pixels(explorer.at_this_position()[0])
    strip, below = np.split(pixels(still), [len(pixels(still)) - len(figure)])
    # The figure is there as it was, but for its palette.
    assert np.abs(below[:, : figure.shape[1]] - figure).max() < 24
    assert (below[:, figure.shape[1] :] > 250).all()
    # The handle of the first slider stands in the middle, that of the second at the left.
    first, second = np.split(strip, 2)
    assert widest_dark(first) > widest_dark(second)


def widest_dark(row):
    """The column in which a slider is highest, looked for along its line: where its handle is."""
    low, high = (round(192 * end) for end in (1.55, 4.25))
    return np.argmax((row[:, low:high].sum(axis=2) < 600).sum(axis=0))


def test_the_output_is_live_where_widgets_are_and_a_still_elsewhere(explorer):
    data, metadata = explorer._repr_mimebundle_()
    still, description = explorer.still()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.model_id
    assert base64.b64decode(data["image/png"]) == still
    assert data["text/plain"] == description
    assert metadata == {"image/png": {"width": pixels(still).shape[1] // 2}}
