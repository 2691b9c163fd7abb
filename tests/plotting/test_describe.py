"""Descriptions: what a figure shows, in words that are the same on every computer."""

import matplotlib as mpl
import numpy as np
import pytest
from IPython.lib.pretty import pretty

mpl.use("agg")

from helpers import plotting
from helpers.authoring.refresh import sanitize
from helpers.plotting import describe, mark_measured
from helpers.plotting.numbers import number


@pytest.fixture(autouse=True)
def _closed_afterwards():
    yield
    plotting.plt.close("all")


@pytest.fixture
def ax():
    return plotting.panels(1)[0]


def lines(ax):
    return [line.strip() for line in describe(ax.figure).splitlines()]


# ------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123449, "0.1234"),
        (12345.6, "12,350"),
        (1e7, "1e+07"),
        (3.0, "3"),
        (-2.5e-7, "-2.5e-07"),
        (float("nan"), "nothing"),
        (-float("inf"), "minus infinity"),
    ],
)
def test_numbers_have_four_digits(value, text):
    assert number(value) == text


def test_halves_fall_the_same_way_on_every_cpu():
    half = 0.12345
    assert len({number(half * (1 + noise)) for noise in (-1e-12, 0, 1e-12)}) == 1
    assert len({number(-half * (1 + noise)) for noise in (-1e-12, 0, 1e-12)}) == 1


def test_rounding_noise_beside_large_numbers_is_zero():
    assert number(3e-17, size=2.0) == "0"
    assert number(-3e-17, size=2.0) == "0"
    assert number(3e-17) == "3e-17"


# ---------------------------------------------------------- panels and axes


def test_title_axes_scale_and_limits(ax):
    ax.plot([1, 100], [0.2, 0.4])
    ax.set(title="arms\ncompared", xlabel="step", ylabel="loss", xscale="log", ylim=(0, 1))
    assert lines(ax)[:2] == [
        "A figure with one panel.",
        '"arms compared". x: step, from 0.7943 to 125.9, logarithmic. y: loss, from 0 to 1.',
    ]


def test_words_alone_are_something_drawn(ax):
    ax.text(0, 0, "a word")
    ax.set_axis_off()
    assert lines(ax) == ["A figure with one panel.", "Written in it: a word."]


def test_panels_are_counted_and_indented():
    left, right = plotting.panels(2)
    left.plot([0, 1], [0, 1])
    right.set(title="empty")
    left.figure.suptitle("both")
    text = describe(left.figure)
    assert text.startswith('A figure with 2 panels, "both".\nPanel 1. x: ')
    assert "\n  Blue line: 2 points; 0 at 0, 1 at 1.\n" in text
    assert text.endswith('Panel 2, "empty". x: without label, from 0 to 1. '
                         "y: without label, from 0 to 1.\n  Nothing is drawn.")  # fmt: skip


def test_names_of_marks_stand_for_their_places(ax):
    plotting.per_seed(ax, {"plain": [1, 2, 6], "batch norm": [4, 5]}, colors=["red", plotting.BN])
    assert lines(ax)[1:] == [
        "x: without label, from -0.6 to 1.6, marked plain, batch norm. "
        "y: without label, from 0.75 to 6.25.",
        '#FF0000 dots at "plain": 3 points; 1, 2, 6.',
        'Blue dots at "batch norm": 2 points; 4, 5.',
        "2 black horizontal strokes: 2 at plain, 4.5 at batch norm.",
    ]


def test_names_may_be_numbers_that_are_not_their_places(ax):
    plotting.per_seed(ax, {"8": [1, 2], "64": [3, 4]}, colors=["red", "blue"])
    assert "1, 2." in lines(ax)[2]
    assert ' at "64": 2 points; 3, 4.' in lines(ax)[3]


def test_numbers_written_with_a_comma_are_no_names(ax):
    ax.plot([0, 1], [900, 1000])
    ax.set_yticks([500, 1000], ["500", "1,000"])
    assert "900 at 0, 1000 at 1." in lines(ax)[2]


def test_an_axis_turned_round_says_so_by_its_limits(ax):
    ax.plot([0, 1], [0, 2])
    ax.set_ylim(3, -1)
    assert "y: without label, from 3 to -1." in lines(ax)[1]


def test_legends_titles_and_writing_are_read_out(ax):
    ax.plot([0, 1], [0, 1], label="plain")
    ax.text(0.2, 0.2, "here\nit turns")
    ax.legend(title="arms")
    ax.figure.legend(*ax.get_legend_handles_labels())
    assert lines(ax)[-3:] == [
        "Written in it: here it turns.",
        "Legend, arms: plain.",
        "Legend: plain.",
    ]


def test_a_figure_with_much_in_it_keeps_one_line_per_panel():
    axes = plotting.panels(3)
    for ax in axes:
        for i in range(10):
            ax.plot([0, 1], [0, i], label=str(i))
    text = describe(axes[0].figure)
    assert len(text.splitlines()) == 4
    assert text.count("points") == 30


def test_a_colour_bar_is_named():
    (ax,) = plotting.panels(1)
    image = ax.imshow(np.arange(6.0).reshape(2, 3))
    ax.figure.colorbar(image, ax=ax, label="share")
    assert describe(ax.figure).splitlines()[-1] == "Panel 2, a colour bar: share, from 0 to 5."


# --------------------------------------------------------------------- marks


def test_of_a_long_curve_a_few_points_and_its_extremes(ax):
    x = np.arange(101)
    ax.plot(x, np.where(x == 10, 7, x / 100), color=plotting.BN, label="batch norm", marker="o")
    assert lines(ax)[2] == (
        'Blue line with dots "batch norm": 101 points; 0 at 0, 0.25 at 25, 0.5 at 50, '
        "0.75 at 75, 1 at 100; highest 7."
    )


def test_only_what_lies_inside_the_panel_is_told(ax):
    ax.plot([0, 1, 2, 3], [0.5, 7, 0.25, 0.125])
    ax.set(xlim=(0, 2), ylim=(0, 1))
    assert lines(ax)[2] == "Blue line: 4 points; 0.5 at 0, above the axis at 1, 0.25 at 2."


def test_gaps_and_curves_without_points(ax):
    ax.plot([0, 1, 2], [1, np.nan, 3])
    ax.plot([], [], "--", color="black", label="theory")
    ax.plot([5], [np.nan])
    assert lines(ax)[2:] == [
        "Blue line: 3 points; 1 at 0, 3 at 2.",
        'In the legend only: dashed black line "theory".',
        "Orange line: 1 point, none inside the panel.",
    ]


def test_points_without_an_order_are_told_by_their_ranges(ax):
    x = np.tile([3.0, 1.0, 2.0], 4)
    ax.plot(x, x**2, "s", color=plotting.PLAIN)
    ax.scatter(x, 2 * x, color="black")
    assert lines(ax)[2:] == [
        "Orange squares: 12 points; x between 1 and 3, mean 2; y between 1 and 9, mean 4.667.",
        "Black dots: 12 points; x between 1 and 3, mean 2; y between 2 and 6, mean 4.",
    ]


def test_many_curves_of_one_look_share_a_line(ax):
    ax.plot(np.arange(3), np.arange(12).reshape(3, 4), color=plotting.GREY)
    assert lines(ax)[2:] == [
        "4 grey lines, 3 points each: 0, 1, 2, 3 at 0; 4, 5, 6, 7 at 1; 8, 9, 10, 11 at 2; "
        "all together between 0 and 11, mean 5.5."
    ]


def test_lines_across_the_panel(ax):
    ax.axhline(0.5, **plotting.THEORY, label="chance")
    ax.axvline(3, color=plotting.GREY, linestyle=":")
    ax.axline((0, 0), slope=2, color="black")
    assert lines(ax)[2:] == [
        'Horizontal dashed black line "chance" at 0.5.',
        "Vertical dotted grey line at 3.",
        "Black line through 0, 0 with slope 2.",
    ]


def test_bands_and_spans(ax):
    ax.fill_between([0, 1, 2], [0, 1, 2], [1, 5, 4], color=plotting.BN, alpha=0.2)
    ax.axvspan(0.5, 1, color=plotting.GREY, alpha=0.1)
    assert lines(ax)[2:] == [
        "Blue band: 0 to 1 at 0, 1 to 5 at 1, 2 to 4 at 2.",
        "Grey rectangle: x from 0.5 to 1.",
    ]


def test_bars_of_both_directions_and_histograms():
    upright, lying, many = plotting.panels(3)
    upright.bar(["a", "b"], [3, 4], color=plotting.BN, label="cost")
    lying.barh([0, 1], [3, 4], left=[1, 0], color=[plotting.BN, plotting.PLAIN])
    many.hist(np.repeat(np.arange(20), np.arange(20)), bins=np.arange(21), color=plotting.PLAIN)
    text = describe(upright.figure)
    assert '2 blue bars "cost": 3 at a, 4 at b.' in text
    assert "2 bars, lying: 1 to 4 at 0 (blue), 4 at 1 (orange)." in text
    assert "20 orange bars: 1 at 1.5, 4 at 4.5, " in text
    assert "19 at 19.5; the longest 19, all together 190." in text


def test_images_and_coloured_grids():
    left, middle, right = plotting.panels(3)
    left.imshow(np.array([[0.0, 0.5], [1.0, np.nan]]), cmap="gray", vmin=0, vmax=2)
    middle.imshow(np.zeros((4, 5, 3)))
    right.pcolormesh([0, 1, 2], [0, 1], np.array([[3.0, 5.0]]))
    text = describe(left.figure)
    assert (
        "Image of 2 × 2 values: between 0 and 1, mean 0.5 (its quarters 0, 0.5, 1, blank), "
        "1 of them blank; "
        "colours gray from 0 to 2."
    ) in text
    assert "Image of 4 × 5 × 3 values: between 0 and 0, mean 0 (its quarters 0, 0, 0, 0)." in text
    assert "Image of 1 × 2 values: between 3 and 5, mean 4; colours cividis from 3 to 5." in text


def test_contours_arrows_and_other_shapes(ax):
    grid = np.linspace(-1, 1, 21)
    ax.contour(grid, grid, grid**2 + grid[:, None] ** 2, levels=[0.25, 0.5])
    ax.quiver([0], [0], [1], [2], angles="xy", scale_units="xy", scale=1, color=plotting.BN)
    ax.add_patch(mpl.patches.Circle((0, 0), 0.5, color=plotting.PLAIN))
    told = lines(ax)[2:]
    assert told[0].startswith("2 contour lines at 0.25, 0.5; x between -0.7")
    assert told[1] == "1 blue arrow: from 0, 0 by 1, 2."
    assert told[2].startswith("Orange Circle: x between -0.5 and 0.5")


def test_values_that_give_colours_are_told(ax):
    ax.scatter([1, 2], [3, 4], c=[0.5, 1.5])
    ax.pcolor([[1.0, 3.0]])
    assert lines(ax)[2].endswith(" Coloured by values between 0.5 and 1.5, mean 1.")
    assert lines(ax)[3].endswith("; coloured by values between 1 and 3, mean 2.")


def test_what_is_empty_has_a_description_too(ax):
    ax.scatter([], [])
    ax.hlines([], [], [])
    ax.quiver([], [], [], [])
    ax.bar([], [])
    assert len(lines(ax)) >= 4


def test_a_panel_set_into_another_is_a_panel(ax):
    ax.plot([0, 1], [0, 1])
    ax.inset_axes([0.1, 0.1, 0.3, 0.3]).plot([0, 1], [5, 6])
    assert "Blue line: 2 points; 5 at 0, 6 at 1." in lines(ax)


def test_a_drawing_that_cannot_be_described_is_shown_all_the_same(ax, monkeypatch):
    monkeypatch.setattr(plotting, "describe", lambda figure: 1 / 0)
    assert pretty(ax.figure) == repr(ax.figure)


def test_notebooks_show_the_description_beside_the_picture(ax):
    assert pretty(ax.figure) == describe(ax.figure)


# ------------------------------------------------------------------ measured


def test_what_is_measured_is_masked_and_what_is_asked_for_is_not(ax):
    ax.plot([1, 2], [0.31, 0.42], label="time (s)", color=plotting.BN)
    ax.axhline(1, color="black")
    ax.text(1, 0.3, "31 ms")
    ax.set(title="cost", xlabel="arm", ylabel="seconds", ylim=(0, 2))
    mark_measured(ax)
    assert lines(ax)[1:] == [
        '"cost". x: arm, from (measured 0.95) to (measured 2.05). y: seconds, from 0 to 2.',
        'Blue line "time (s)": 2 points; (measured 0.31 at 1, 0.42 at 2).',
        "Horizontal black line at (measured 1).",
        "Written in it: (measured 31 ms).",
    ]


def test_panels_can_be_measured_from_the_start():
    (ax,) = plotting.panels(1, measured=True)
    ax.plot([0, 1], [2, 3])
    assert lines(ax)[2] == "Blue line: 2 points; (measured 2 at 0, 3 at 1)."


@pytest.mark.parametrize("what", ["figure", "panel", "mark"])
def test_two_measurements_describe_the_same_figure(what):
    texts = []
    for time in (0.31, 17.3):
        (ax,) = plotting.panels(1)
        (line,) = ax.plot([1, 2], [time, 0.42], label="(a)")
        mark_measured({"figure": ax.figure, "panel": ax, "mark": line}[what])
        ax.set_ylim(0, None)
        texts.append(describe(ax.figure))
    assert texts[0] != texts[1]
    assert sanitize(texts[0]) == sanitize(texts[1])
    ax.lines[0].remove()
    assert sanitize(describe(ax.figure)) != sanitize(texts[0])


def test_names_inside_measured_numbers_do_not_end_the_mask(ax):
    ax.bar(["a (old)", "b (new)"], [3, 4])
    mark_measured(ax)
    text = describe(ax.figure)
    assert "3 at a [old], 4 at b [new]" in text
    assert "old" not in sanitize(text).partition("\n")[2].partition("\n")[2]


def test_one_measured_curve_leaves_the_others_compared(ax):
    ax.plot([0, 1], [2, 3], color=plotting.BN)
    (line,) = ax.plot([0, 1], [4, 5], color=plotting.PLAIN)
    mark_measured(line)
    assert "Blue line: 2 points; 2 at 0, 3 at 1." in lines(ax)
    assert "Orange line: 2 points; (measured 4 at 0, 5 at 1)." in lines(ax)
