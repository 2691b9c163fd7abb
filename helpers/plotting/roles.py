"""What a mark stands for, and how it looks: a colour, a marker and a dash, the same everywhere.

A reader may not see colours, or only greys. So no two arms share a marker or a dash, and nothing
that a figure says rests on colour alone. Colours: Okabe & Ito 2008, "Color Universal Design".
"""

from dataclasses import dataclass

from matplotlib import colors

from helpers.plotting.looks import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION

FEW_POINTS = 13  # of as many, each gets a marker; of more, a few along the way,
SPARSE = 0.15  # so far apart, in diagonals of the panel


@dataclass(frozen=True)
class Role:
    """How what plays a role is drawn. marker: "" for none. dash: as matplotlib takes it. ink: the
    colour for text, which needs more contrast than a line."""

    color: str
    marker: str
    dash: str | tuple
    ink: str


ROLES = {
    "batch norm": Role(BLUE, "o", "-", "#00588A"),
    "plain": Role(ORANGE, "s", (0, (5, 1.8)), "#8A5F00"),
    "third arm": Role(GREEN, "^", (0, (6, 1.6, 1.5, 1.6)), "#00664A"),
    "fourth arm": Role(PURPLE, "D", (0, (2.5, 1.4)), "#8C3F68"),
    "fifth arm": Role(SKY, "v", (0, (8, 1.6, 1.5, 1.6, 1.5, 1.6)), "#1B6A99"),
    "sixth arm": Role(VERMILION, "P", (0, (1.2, 1.2)), "#A04600"),
    "theory": Role("#000000", "", "--", "#000000"),
    "mean": Role("#000000", "", "-", "#000000"),
    "chance": Role(GREY, "", ":", "#555555"),
    "floor": Role(GREY, "", "-.", "#555555"),
}
ARMS = [name for name, role in ROLES.items() if role.marker]
_BY_COLOUR = {ROLES[name].color: ROLES[name] for name in ARMS}


def role_of(color: str) -> Role | None:
    """The role of an arm's colour; None for any other colour."""
    return _BY_COLOUR.get(colors.to_hex(color).upper())


def style(color: str, points: int = 0) -> dict:
    """Return what `plot` needs to draw the arm of a colour: `ax.plot(x, y, **style(BN))`.

    points: how many points the line has; of many, only some get a marker. Raises KeyError for a
    colour that no arm has.
    """
    role = role_of(color)
    if role is None:
        names = ", ".join(ARMS)
        raise KeyError(f"{color!r} is the colour of no arm; there are those of {names}")
    look = {"color": role.color, "marker": role.marker, "linestyle": role.dash, "markersize": 5}
    return look if points <= FEW_POINTS else {**look, "markevery": SPARSE}


def reference(name: str) -> dict:
    """Return what `plot` or `axhline` needs for a line that is no arm: "theory", "mean" and so on.

    Raises KeyError for a name that no role has.
    """
    role = ROLES[name]
    return {"color": role.color, "linestyle": role.dash, "linewidth": 1.5}


def ink(color) -> str:
    """The colour for words about something of this colour: dark enough to be read."""
    role = role_of(color)
    return role.ink if role else "#333333"
