"""Every change that a reader would see changes the description; the proof notices when not."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")

from helpers import plotting
from helpers.authoring import figure_proof
from helpers.authoring.figure_proof import FigureError, changes, prove
from helpers.plotting import describe

STEPS = np.arange(50)


@pytest.fixture(autouse=True)
def _closed_afterwards():
    yield
    plotting.plt.close("all")


def arms():
    (ax,) = plotting.panels(1)
    for height, color, label in [(1, plotting.PLAIN, "plain"), (2, plotting.BN, "batch norm")]:
        runs = height * np.linspace(1, 2, 150).reshape(50, 3).T
        plotting.band(ax, STEPS, runs, color=color, label=label)
    ax.axhline(1.5, **plotting.THEORY)
    ax.axvline(20, color=plotting.GREY)
    ax.legend()


def seeds():
    left, right = plotting.panels(2)
    plotting.per_seed(left, {"a": [1, 2], "b": [3, 5]}, colors=[plotting.BN, plotting.PLAIN])
    plotting.per_seed(right, {"a": [6, 2], "b": [3, 4]}, colors=[plotting.BN, plotting.PLAIN])


def bars():
    left, right = plotting.panels(2)
    left.bar([0, 1], [3, 4], width=0.4, color=plotting.BN)
    left.bar([0.4, 1.4], [5, 6], width=0.4, color=plotting.PLAIN)
    right.barh(["x", "y"], [3, 4], color=plotting.BN)
    right.hist(STEPS, bins=30, color=plotting.SKY)


def pictures():
    plotting.images(np.linspace(0, 1, 3 * 64).reshape(3, 1, 8, 8), titles="abc")


def images_in_one_panel():
    (ax,) = plotting.panels(1)
    for left in (0, 2):
        image = np.linspace(left, 1 + left, 4).reshape(2, 2)
        ax.imshow(image, extent=(left, left + 1, 0, 1), vmin=0, vmax=3)
    ax.set(xlim=(0, 3), ylim=(0, 1))


def grids():
    left, right = plotting.panels(2)
    for ax, height in [(left, 1), (right, 2)]:
        grid = ax.pcolormesh(STEPS[:3], STEPS[:3], height * np.eye(2), vmin=0, vmax=2)
        ax.figure.colorbar(grid, ax=ax)


def shapes():
    (ax,) = plotting.panels(1)
    grid = np.linspace(-1, 2, 30)
    ax.contour(grid, grid, np.hypot(grid, grid[:, None] - 0.5), levels=[0.3, 0.6])
    ax.quiver([0, 1], [0, 1], [1, 2], [2, 1], angles="xy", color=plotting.BN)
    ax.scatter(grid, grid**2, color=plotting.PLAIN)
    ax.scatter(grid, grid / 2, color=plotting.THIRD)
    ax.vlines([0, 1], [0, 0], [1, 2])


@pytest.mark.parametrize("draw", [arms, seeds, bars, pictures, images_in_one_panel, grids, shapes])
def test_descriptions_see_every_change_and_the_figure_stays_as_it_was(draw):
    draw()
    figure = plotting.plt.gcf()
    before = describe(figure)
    assert len(list(changes(figure))) >= 4
    prove(figure)
    assert describe(figure) == before


def tried(draw):
    draw()
    return [what for what, _ in changes(plotting.plt.gcf())]


def test_arms_are_swapped_curves_halved_and_panels_emptied():
    told = tried(arms)
    assert "emptying panel 1" in told
    assert "halving Line2D 'batch norm' in panel 1" in told
    assert "swapping Line2D 'plain' and Line2D 'batch norm' in panel 1" in told
    assert "swapping what panels 1 and 2 show" in tried(seeds)


def test_a_figure_that_is_measured_as_a_whole_is_proved_by_its_numbers():
    arms()
    figure = plotting.plt.gcf()
    plotting.mark_measured(figure)
    prove(figure)


@pytest.mark.parametrize(
    ("blind", "told"),
    [
        (lambda text: text.split("\n")[1], "emptying panel 1"),
        (lambda text: text.replace("1.5", ""), "halving"),
        (lambda text: sorted(word for word in text if word.isalnum()), "swapping"),
    ],
)
def test_a_description_that_misses_a_change_is_refused(monkeypatch, blind, told):
    arms()
    figure = plotting.plt.gcf()
    left_out = [(w, c) for w, c in changes(figure) if w.startswith(told)]
    monkeypatch.setattr(figure_proof, "changes", lambda _: left_out)
    monkeypatch.setattr(plotting, "describe", lambda figure: blind(describe(figure)))
    if told == "halving":
        monkeypatch.setattr(plotting, "describe", lambda figure: "the same")
    with pytest.raises(FigureError, match=told):
        prove(figure)


def test_what_nobody_could_see_is_not_asked_for():
    (ax,) = plotting.panels(1)
    ax.plot(STEPS, STEPS, color=plotting.BN, label="measured")
    ax.plot(STEPS, STEPS + 1e-3, color="black", label="theory")
    assert not [what for what, _ in changes(ax.figure) if what.startswith("swapping")]
