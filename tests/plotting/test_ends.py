"""Names at the ends of lines stand beside them, in order, and not over each other."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")

from helpers import plotting
from helpers.plotting import describe, ends


@pytest.fixture(autouse=True)
def _closed_afterwards():
    yield
    plotting.plt.close("all")


@pytest.fixture
def ax():
    (ax,) = plotting.panels(1)
    ax.set(xlim=(0, 10), ylim=(0, 1))
    return ax


def names(ax):
    """The names from top to bottom, with the heights of their middles in pixels."""
    ax.figure.canvas.draw()
    boxes = {t.get_text(): t.get_window_extent() for t in ax.texts if t.get_gid() == ends.GID}
    middles = {text: (box.y0 + box.y1) / 2 for text, box in boxes.items()}
    return dict(sorted(middles.items(), key=lambda item: -item[1])), boxes


def height(ax, y):
    return ax.transData.transform([0, y])[1]


def test_a_name_stands_at_the_last_point_of_its_line(ax):
    plotting.curve(ax, [0, 5, 10], [0.1, 0.9, 0.3], color=plotting.BN, label="batch norm")
    plotting.label_ends(ax)
    middles, boxes = names(ax)
    assert middles["batch norm"] == pytest.approx(height(ax, 0.3), abs=3)
    assert boxes["batch norm"].x0 > ax.get_window_extent().x1


def test_limits_may_still_be_matplotlibs_own():
    (ax,) = plotting.panels(1)
    plotting.curve(ax, [0, 10], [0, 200], color=plotting.BN, label="batch norm")
    plotting.label_ends(ax)
    assert names(ax)[0]["batch norm"] == pytest.approx(height(ax, 200), abs=3)


def test_names_that_would_overlap_are_moved_apart_in_the_order_of_their_lines(ax):
    for y, label in [(0.50, "low"), (0.51, "middle"), (0.52, "high"), (0.9, "far")]:
        ax.plot([0, 10], [y, y], color="black", label=label)
    plotting.label_ends(ax)
    middles, boxes = names(ax)
    assert list(middles) == ["far", "high", "middle", "low"]
    for upper, lower in zip(list(middles)[:-1], list(middles)[1:], strict=True):
        assert boxes[upper].y0 >= boxes[lower].y1 - 2
    assert middles["far"] == pytest.approx(height(ax, 0.9), abs=4)
    assert middles["middle"] == pytest.approx(height(ax, 0.51), abs=4)


def test_blocks_that_meet_become_one():
    places = ends._apart(np.array([10.0, 12.0, 25.0]), np.full(3, 10.0))
    np.testing.assert_allclose(places, [47 / 3 - 10, 47 / 3, 47 / 3 + 10])


def test_a_line_that_ends_early_is_named_where_it_ends(ax):
    ax.plot([0, 4, 5], [0.2, 0.4, np.nan], color="black", label="diverged")
    plotting.label_ends(ax)
    _, boxes = names(ax)
    assert boxes["diverged"].x0 == pytest.approx(ax.transData.transform([4, 0])[0] + 9, abs=3)


def test_what_has_no_name_or_no_point_inside_gets_none(ax):
    ax.plot([0, 10], [0.5, 0.5], color="black")
    ax.plot([0, 10], [5, 5], color="black", label="outside")
    ax.plot([], [], color="black", label="empty")
    ax.plot([np.nan], [np.nan], color="black", label="nothing")
    plotting.label_ends(ax)
    assert names(ax)[0] == {}


def test_lines_across_the_panel_are_named_and_a_shared_name_is_written_once(ax):
    ax.axhline(0.25, **plotting.CHANCE, label="chance")
    for y in (0.6, 0.7):
        ax.plot([0, 10], [y, y], color="black", label="seeds")
    plotting.label_ends(ax)
    middles, _ = names(ax)
    assert list(middles) == ["seeds", "chance"]
    assert middles["chance"] == pytest.approx(height(ax, 0.25), abs=3)


def test_words_are_dark_enough_and_told_apart_from_what_is_written_in_the_panel(ax):
    plotting.curve(ax, [0, 10], [0.1, 0.9], color=plotting.PLAIN, label="plain")
    ax.text(1, 0.5, "a remark")
    plotting.label_ends(ax)
    assert ax.texts[-1].get_color() == plotting.roles.ROLES["plain"].ink
    text = describe(ax.figure)
    assert "Written in it: a remark.\n" in text
    assert text.endswith("Named at the ends: plain.")
