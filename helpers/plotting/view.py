"""What an axis shows: its label, its range, its marks, and where a value lies on it."""

import numpy as np
from matplotlib.category import StrCategoryFormatter
from matplotlib.ticker import FixedFormatter, FuncFormatter

from helpers.plotting.numbers import ROUNDING, is_measured, number, numbers, words


class View:
    """One axis, "x" or "y", of a panel in which `artists` are drawn."""

    def __init__(self, ax, letter, artists):
        self.axis = getattr(ax, f"{letter}axis")
        self.letter = letter
        self.measured = is_measured(ax, ax.figure)  # all that is drawn here
        self.some_measured = self.measured or is_measured(*artists)
        self.limits = getattr(ax, f"get_{letter}lim")()
        self.low, self.high = sorted(self.limits)
        self.scale = self.axis.get_scale()
        # On a logarithmic axis small numbers are seen, on any other they are as good as 0.
        self.size = 0.0 if self.scale == "log" else max(abs(self.low), abs(self.high))
        self.autoscaled = getattr(ax, f"get_autoscale{letter}_on")()
        self.places, self.marks = self._marks()

    def _marks(self):
        """Places and texts of marks that are words, such as the names of arms."""
        formatter = self.axis.get_major_formatter()
        # Names given to `set_xticks` come from a FuncFormatter.
        if not isinstance(formatter, FixedFormatter | FuncFormatter | StrCategoryFormatter):
            return np.array([]), []
        places = self.axis.get_majorticklocs()
        texts = [words(text) for text in formatter.format_ticks(places)]
        # Written numbers that stand at their own places are no names, unless they count columns.
        columns = all(place == i for i, place in enumerate(places))
        if not columns and all(map(_says, texts, places)):
            return np.array([]), []
        return np.asarray(places, dtype=float), texts

    def sentence(self) -> str:
        """Label, range and marks."""
        label = words(self.axis.get_label_text()) or "without label"
        ends = [self._limit(limit) for limit in self.limits]
        scale = {"linear": ""}.get(self.scale, f", {_SCALES.get(self.scale, self.scale)}")
        marks = f", marked {', '.join(self.marks)}" if self.marks else ""
        return f"{self.letter}: {label}, from {ends[0]} to {ends[1]}{scale}{marks}."

    def _limit(self, limit) -> str:
        text = number(limit, self.size)
        # A limit that somebody typed is short, and stays whatever is measured.
        typed = not self.autoscaled and np.isclose(limit, float(f"{limit:.2g}"), rtol=1e-12, atol=0)
        return numbers(text, measured=self.some_measured and not typed)

    def mark(self, value) -> str | None:
        """The word at a place, if there is one."""
        if not len(self.places):
            return None
        distance = np.abs(self.places - value)
        step = np.diff(np.sort(self.places)).min() if len(self.places) > 1 else 1.0
        nearest = int(distance.argmin())
        return self.marks[nearest] if distance[nearest] < 0.45 * step else None

    def contains(self, values):
        """Which values lie inside the range, its ends included."""
        below, above = (ROUNDING * max(abs(end), self.size) for end in (self.low, self.high))
        return (values >= self.low - below) & (values <= self.high + above)

    def where(self, value) -> str:
        """A value as a reader finds it on the axis."""
        if np.isfinite(value) and not self.contains(value):
            return "below the axis" if value < self.low else "above the axis"
        return self.mark(value) or number(value, self.size)


_SCALES = {"log": "logarithmic", "symlog": "logarithmic away from 0"}


def _says(text, place) -> bool:
    """Whether a text is the number of its place, or nothing."""
    try:
        return float(text.replace(",", "")) == place  # "1,000" is a number
    except ValueError:
        return not text
