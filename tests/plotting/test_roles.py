"""A role can be told from any other: in colour, by who sees fewer colours, and in grey."""

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import colors

mpl.use("agg")

from helpers import plotting
from helpers.plotting import roles
from helpers.plotting.roles import ARMS, ROLES

# Machado, Oliveira & Fernandes 2009, "A physiologically-based model for simulation of color vision
# deficiency", table 1, severity 1; for linear RGB.
SEEN = {
    "all colours": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
WHITE = np.array([0.95047, 1.0, 1.08883])
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def linear(color):
    rgb = np.array(colors.to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIELAB of linear RGB: equal distances look about equally different."""
    t = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(color, other="white"):
    """As the Web Content Accessibility Guidelines define it, 1 to 21."""
    light, dark = sorted((LUMINANCE @ linear(c) for c in (color, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_formulas_agree_with_published_values():
    np.testing.assert_allclose(lab(linear("white")), [100, 0, 0], atol=0.02)
    np.testing.assert_allclose(lab(linear("#FF0000")), [53.24, 80.09, 67.20], atol=0.02)
    assert contrast("black") == pytest.approx(21)
    assert contrast("#767676") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize(("one", "other"), [*combinations(ARMS, 2)])
def test_arms_differ_in_colour_for_everybody_who_sees_colours(seen, one, other):
    first, second = (lab(SEEN[seen] @ linear(ROLES[name].color)) for name in (one, other))
    # Differences from 2.3 on are seen side by side; lines stand apart and are thin.
    assert np.linalg.norm(first - second) > 15


def test_the_three_commonest_arms_differ_in_grey():
    grey = [lab(linear(ROLES[name].color))[0] for name in ("batch norm", "plain", "third arm")]
    assert min(abs(a - b) for a, b in combinations(grey, 2)) > 10


def test_no_two_roles_share_a_look_that_is_left_without_colour():
    looks = [(role.marker, role.dash) for role in ROLES.values()]
    assert len(set(looks)) == len(looks)
    markers = [ROLES[name].marker for name in ARMS]
    dashes = [ROLES[name].dash for name in ARMS]
    assert len(set(markers)) == len(set(dashes)) == len(ARMS)
    assert "" not in markers


def test_dashed_black_is_theory_alone():
    alike = [name for name, role in ROLES.items() if role.dash == "--" and role.color == "#000000"]
    assert alike == ["theory"]


@pytest.mark.parametrize("name", ROLES)
def test_words_are_dark_enough_to_be_read(name):
    assert contrast(ROLES[name].ink) >= 4.5


def test_a_style_is_that_of_the_role_and_marks_few_of_many_points():
    assert plotting.style(plotting.PLAIN) == {
        "color": plotting.PLAIN,
        "marker": "s",
        "linestyle": ROLES["plain"].dash,
        "markersize": 5,
    }
    assert "markevery" not in plotting.style(plotting.BN, roles.FEW_POINTS)
    assert plotting.style(plotting.BN, roles.FEW_POINTS + 1)["markevery"] == roles.SPARSE
    with pytest.raises(KeyError, match="'black' is the colour of no arm; there are those of batch"):
        plotting.style("black")


def test_references_have_no_marker():
    assert plotting.THEORY == {"color": "#000000", "linestyle": "--", "linewidth": 1.5}
    with pytest.raises(KeyError):
        plotting.reference("hope")
