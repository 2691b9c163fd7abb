"""Figures: the arrays behind a plot are what was asked for."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")

from helpers import plotting


@pytest.fixture(autouse=True)
def _closed_afterwards():
    yield
    plotting.plt.close("all")


def test_panels_stand_side_by_side():
    axes = plotting.panels(3, width=2, height=3)
    assert len(axes) == 3
    assert tuple(axes[0].figure.get_size_inches()) == (6, 3)


def test_band_shows_median_and_range():
    (ax,) = plotting.panels(1)
    runs = np.array([[1.0, 5.0], [2.0, 7.0], [9.0, 6.0]])
    plotting.band(ax, [10, 20], runs, color=plotting.BN, label="runs")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [2, 6])
    corners = ax.collections[0].get_paths()[0].vertices
    assert {(10, 1), (10, 9), (20, 5), (20, 7)} <= {tuple(map(int, corner)) for corner in corners}


def test_per_seed_shows_every_value_and_the_median():
    (ax,) = plotting.panels(1)
    plotting.per_seed(ax, {"a": [1, 2, 6], "b": [4]}, colors=["red", "blue"])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1, 2, 6])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [4])
    assert ax.collections[0].get_segments()[0][0][1] == 2
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b"]


def test_per_seed_shows_two_groups_of_the_same_name():
    (ax,) = plotting.panels(1)
    plotting.per_seed(ax, [("at 0.3", [1, 2]), ("at 0.3", [5])], colors=["red", "blue"])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [5])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["at 0.3", "at 0.3"]


def test_images_stand_in_a_row():
    plotting.images(np.random.default_rng(0).random((3, 3, 8, 8)), titles="xyz")
    figure = plotting.plt.gcf()
    assert [ax.get_title() for ax in figure.axes] == ["x", "y", "z"]
    assert figure.axes[0].images[0].get_array().shape == (8, 8, 3)
