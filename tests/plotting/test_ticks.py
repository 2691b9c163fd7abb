"""Numbers at logarithmic axes are written in full where that is short."""

import matplotlib as mpl
import pytest

mpl.use("agg")

from helpers import plotting
from helpers.plotting.ticks import plain


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0001, "0.0001"),
        (0.03, "0.03"),
        (1, "1"),
        (10.0, "10"),
        (1000, "1,000"),
        (1e6, "1,000,000"),
        (1e7, "$10^{7}$"),
        (3e-5, "3 × $10^{-5}$"),
        (1e-12, "$10^{-12}$"),
        (0.1 + 0.2, "0.3"),
    ],
)
def test_numbers_are_plain_and_powers_only_beyond(value, text):
    assert plain(value) == text


def shown(ax):
    ax.figure.canvas.draw()
    low, high = ax.get_ylim()
    major = zip(ax.yaxis.get_majorticklocs(), ax.get_yticklabels(), strict=True)
    minor = zip(ax.yaxis.get_minorticklocs(), ax.get_yticklabels(minor=True), strict=True)
    return [t.get_text() for place, t in [*major, *minor] if low <= place <= high and t.get_text()]


def test_every_logarithmic_axis_has_them():
    for scaled in (lambda ax: ax.set(yscale="log"), lambda ax: ax.loglog([1, 2], [1, 2])):
        (ax,) = plotting.panels(1)
        scaled(ax)
        ax.set_ylim(0.01, 100)
        assert shown(ax) == ["0.01", "0.1", "1", "10", "100"]
        plotting.plt.close("all")


def test_an_axis_of_less_than_a_decade_has_numbers_too():
    (ax,) = plotting.panels(1)
    ax.set(yscale="log", ylim=(0.15, 0.7))
    assert {"0.2", "0.3"} <= set(shown(ax))
    plotting.plt.close("all")
