"""What cannot be read in a figure is found."""

import matplotlib as mpl
import pytest

mpl.use("agg")

from helpers import plotting
from helpers.authoring.figure_proof import FigureError, prove
from helpers.authoring.legible import complaints


@pytest.fixture(autouse=True)
def _closed_afterwards():
    yield
    plotting.plt.close("all")


@pytest.fixture
def ax():
    (ax,) = plotting.panels(1)
    plotting.curve(ax, [1, 2, 3], [1, 2, 3], color=plotting.BN, label="batch norm")
    ax.set(xlabel="step", ylabel="loss")
    return ax


def test_a_figure_in_the_courses_style_is_left_alone(ax):
    plotting.band(ax, [1, 2, 3], [[3, 2, 1], [3, 3, 2]], color=plotting.PLAIN, label="plain")
    ax.plot(2, 2, "o", color=plotting.BN)
    ax.axhline(1, **plotting.THEORY)
    ax.axhline(2, **plotting.CHANCE)
    ax.axvline(2, **plotting.FLOOR)
    plotting.label_ends(ax)
    assert list(complaints(ax.figure)) == []


def test_an_arrow_may_lead_over_words(ax):
    ax.text(2, 2, "words")
    ax.annotate("from here", (2, 1.2), xytext=(2, 2.8), arrowprops={"arrowstyle": "->"})
    assert list(complaints(ax.figure)) == []


def small(ax):
    ax.text(1, 2, "tiny", fontsize=7)


def small_legend(ax):
    ax.legend(fontsize=8)


def wide(ax):
    ax.figure.set_figwidth(12)


def overlapping(ax):
    ax.text(2, 2, "one thing")
    ax.text(2.02, 2, "another")


def crowded_ticks(ax):
    ax.set_xticks([1, 1.01], ["the first", "the second"])


def other_marker(ax):
    ax.plot([1, 2], [1, 2], "o--", color=plotting.PLAIN)


def no_dash(ax):
    ax.plot([1, 2], [1, 2], "s-", color=plotting.PLAIN)


def other_dots(ax):
    ax.plot([1, 2], [1, 2], "^", color=plotting.BN)


def bound_in_an_arms_colour(ax):
    ax.axhline(1, color=plotting.PLAIN)


def dashed_grey(ax):
    ax.axhline(1, color=plotting.GREY, linestyle="--")


def dotted_black(ax):
    ax.plot([1, 2], [1, 2], ":", color="black")


@pytest.mark.parametrize(
    ("spoilt", "complaint"),
    [
        (small, "'tiny' is written at 7 points; at least 9"),
        (small_legend, "'batch norm' is written at 8 points"),
        (wide, "it is 12 inches wide, more than 9.5"),
        (overlapping, "'one thing' and 'another' are written over each other"),
        (crowded_ticks, "'the first' and 'the second' are written over each other"),
        (other_marker, "has not the marker 's' of its colour's role"),
        (no_dash, "has not the dash of its colour's role"),
        (other_dots, "has not the marker 'o' of its colour's role"),
        (bound_in_an_arms_colour, "runs across the panel in an arm's colour"),
        (dashed_grey, "is dashed grey: use CHANCE or FLOOR"),
        (dotted_black, "is black and neither solid nor dashed"),
    ],
)
def test_what_cannot_be_read_is_named(ax, spoilt, complaint):
    spoilt(ax)
    assert [line for line in complaints(ax.figure) if complaint in line]
    with pytest.raises(FigureError):
        prove(ax.figure)
