"""Words for colours, lines and markers."""

from matplotlib import colors

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILION, PURPLE, SKY, GREY = "#D55E00", "#CC79A7", "#56B4E9", "#666666"
PALE_BLUE = "#CCE3F0"
NAMES = {
    BLUE: "blue",
    ORANGE: "orange",
    GREEN: "green",
    VERMILION: "vermilion",
    PURPLE: "purple",
    SKY: "sky blue",
    GREY: "grey",
    PALE_BLUE: "pale blue",
    "#000000": "black",
    "#FFFFFF": "white",
}
DASHES = {"-": "", "--": "dashed", ":": "dotted", "-.": "dash-dotted"}
MARKERS = {
    ".": "dots",
    "o": "dots",
    "s": "squares",
    "x": "crosses",
    "X": "crosses",
    "+": "crosses",
    "*": "stars",
    "^": "triangles",
    "v": "triangles",
    "D": "diamonds",
    "P": "pluses",
}


def colour(value) -> str:
    """The name of a colour of the course, or its hexadecimal digits."""
    red, green, blue, alpha = colors.to_rgba(value)
    if alpha == 0:
        return "empty"
    code = colors.to_hex((red, green, blue)).upper()
    return NAMES.get(code, code)


def line(artist) -> str:
    """A line of a plot in words, such as `dashed black line` or `blue line with dots`."""
    drawn = artist.get_linestyle() in DASHES
    marker = artist.get_marker()
    has_marker = marker not in ("None", "none", " ", "", None)
    markers = MARKERS.get(marker, "markers")
    if has_marker and not drawn:
        hollow = colour(artist.get_markerfacecolor()) in ("empty", "white")
        return f"{colour(artist.get_color())} {'open ' if hollow else ''}{markers}"
    dashes = DASHES.get(artist.get_linestyle(), "")
    parts = [dashes, colour(artist.get_color()), "line", f"with {markers}" if has_marker else ""]
    return " ".join(part for part in parts if part)


def filled(artist) -> str:
    """The colours of the faces of a patch or a collection; of its edges where it has no faces."""
    faces = colors.to_rgba_array(artist.get_facecolor())
    if not len(faces) or not faces[:, 3].any():
        faces = colors.to_rgba_array(artist.get_edgecolor())
    return " and ".join(dict.fromkeys(colour(face) for face in faces[:20])) or "empty"
