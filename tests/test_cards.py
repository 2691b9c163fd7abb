"""Boxes say the same as text and as HTML, can be read in any theme, and let no sign act."""

import html
import itertools
import re

import numpy as np
import pytest

from helpers import cards
from helpers.cards import BADGES, badge, card, inline, link, say
from helpers.wrapping import wrapped

# What JupyterLab's sanitizer leaves of an element's style, as far as it is used here.
KEPT = {
    *("background-color", "border-left", "border-radius", "color", "margin", "max-width"),
    *("padding", "white-space"),
}
MESSAGE = """✗ Every feature has mean `beta`.
  it is 3 < 4 & "5", $x$ and \\(y\\), <b>in</b> column 2

  For help, run hint(batch_norm_forward), and read on until this line is longer than one line."""


def words(rich):
    """The words of HTML as they are shown."""
    apart = re.sub(r"<br>|</p>", " ", rich)
    return html.unescape(re.sub(r"<[^>]+>", "", apart)).split()


@pytest.fixture
def shown(monkeypatch):
    """What a notebook would be shown: one bundle of data for each call."""
    bundles = []
    monkeypatch.setattr(cards, "get_ipython", lambda: object())
    monkeypatch.setattr(cards, "display", lambda data, raw: bundles.append(data))
    return bundles


def test_outside_a_notebook_the_text_is_printed(capsys):
    say(MESSAGE)
    assert capsys.readouterr().out == f"{wrapped(MESSAGE)}\n"


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (MESSAGE, {}),
        ("○ not yet", {}),
        ("", {}),
        ("  ✓ indented", {}),
        ("Hint 1 of 3: `x` first\nThat was all.", {"lead": "Hint 1 of 3:"}),
        ("repaired: ○ not yet", {"mark": "○"}),
    ],
)
def test_a_box_says_the_same_in_text_and_in_html(text, more, shown):
    say(text, **more)
    (bundle,) = shown
    assert bundle["text/plain"] == wrapped(text)
    plain = text.replace("`beta`", "beta").replace("`x`", "x")  # code is another element there
    assert words(bundle["text/html"]) == plain.split()


@pytest.mark.parametrize(
    ("text", "edge"),
    [("✓ yes", "#009E73"), ("✗ no", "#D55E00"), ("○ open", "dashed"), ("Hint", cards.NEUTRAL)],
)
def test_the_mark_decides_the_edge(text, edge, shown):
    say(text)
    say(f"It is: {text}", mark=text[0])
    assert all(edge in bundle["text/html"] for bundle in shown)


def test_a_box_keeps_lines_indents_and_columns(shown):
    say("[[1.  2.]\n  [3.  4.]]")
    first, second = re.findall(r"<p style=\"([^\"]*)\">(.*?)</p>", shown[0]["text/html"])
    assert (first[1], second[1]) == ("[[1.  2.]", "[3.  4.]]")
    assert "0px 0px 2px 16px" in second[0]
    assert "white-space: pre-wrap" in second[0]


def test_signs_are_only_text():
    assert inline("a < b & `c<d`") == "a &lt; b &amp; <code>c&lt;d</code>"
    assert "$x$" not in inline("$x$")
    assert "\\(" not in inline("\\(x\\)")
    assert link("a<b", 'f.ipynb#"x"') == '<a href="f.ipynb#&quot;x&quot;">a&lt;b</a>'


def test_what_was_measured_stays_in_one_piece():
    assert "(measured 3, range 1 to 4)" in inline("✓ Pigs fly. (measured 3, range 1 to 4)")


def test_styles_are_those_that_jupyterlab_leaves(shown):
    say(MESSAGE)
    boxes = [shown[0]["text/html"], card(["one", "two"], cards.NEUTRAL), *map(badge, BADGES)]
    styles = ";".join(re.findall('style="([^"]*)"', "".join(boxes)))
    assert {style.partition(":")[0].strip() for style in styles.split(";")} == KEPT


def test_text_takes_the_colour_of_the_theme(shown):
    say(MESSAGE)
    for box in (shown[0]["text/html"], card(["one"], cards.NEUTRAL)):
        assert re.findall(r"[; ]color: ([^;\"]*)", box) == ["inherit"]
        assert re.findall(r"background-color: rgba\(.*, (0\.\d)\)", box) == ["0.1"]


@pytest.mark.parametrize("kind", BADGES)
def test_a_badge_is_a_word_that_can_be_read(kind):
    assert words(badge(kind)) == kind.split()
    assert badge(kind).startswith("<strong")
    assert 1.05 / (luminance(BADGES[kind]) + 0.05) > 4.5


def test_badges_differ_for_those_who_see_no_red_or_no_green():
    kinds = [BADGES[kind] for kind in ("holds", "holds if", "does not hold")]
    for matrix in BLINDNESS.values():
        seen = [np.clip(np.array(matrix) @ linear(kind), 0, 1) ** (1 / 2.2) for kind in kinds]
        for first, second in itertools.combinations(seen, 2):
            assert np.linalg.norm(first - second) > 0.15


# Machado et al. 2009, severity 1, for linear RGB.
BLINDNESS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def linear(color):
    """#RRGGBB as linear RGB."""
    shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]


def luminance(color):
    """Relative luminance, as the WCAG define it."""
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(color), strict=False))
