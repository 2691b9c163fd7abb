"""Numbers as a description of a figure writes them: short, and the same on every CPU."""

import math

GID = "measured"  # the matplotlib id of an artist whose numbers differ from run to run
# What is this much smaller than the numbers around it is rounding, not a result.
ROUNDING = 1e-9


def number(value, size=0.0) -> str:
    """`value` to four digits; 0 where it is rounding noise beside numbers as large as `size`."""
    value = float(value)
    if not math.isfinite(value):
        return "nothing" if math.isnan(value) else "infinity" if value > 0 else "minus infinity"
    if abs(value) <= ROUNDING * size:
        return "0"
    # Halves, such as 0.12345, must not fall up on one CPU and down on the next.
    rounded = float(f"{value * (1 + 1e-10):.4g}")
    return f"{rounded:,.0f}" if 1e4 <= abs(rounded) < 1e7 else f"{rounded:g}"


def words(text) -> str:
    """A label on one line."""
    return " ".join(str(text).split())


def numbers(text: str, *, measured: bool) -> str:
    """`text` as it is, or marked as something that only this run has measured."""
    if not measured:
        return text
    return f"(measured {text.replace('(', '[').replace(')', ']')})"


def is_measured(*artists) -> bool:
    """Whether one of the artists was marked by `plotting.mark_measured`."""
    return any(artist.get_gid() == GID for artist in artists)
