"""Phrases that sentences about marks are made of: labels, values along the way, ranges."""

import numpy as np

from helpers.plotting.numbers import is_measured, number, numbers, words

FEW = 8  # as many values are all written; of more, a few along the way


def label(artist) -> str:
    """The artist's label, quoted; nothing for those without."""
    text = words(artist.get_label() or "")
    return "" if not text or text.startswith("_") else f' "{text}"'


def said(artist, x, text) -> str:
    """`text`, marked where the artist's numbers are measured."""
    return numbers(text, measured=x.measured or is_measured(artist))


def start(text) -> str:
    """`text` as the start of a sentence."""
    return text[:1].upper() + text[1:]


def along(xs, ys, x, y, indices) -> str:
    """Values at the places of `indices`."""
    return ", ".join(f"{y.where(ys[i])} at {x.where(xs[i])}" for i in indices)


def extremes(ys, told, y) -> str:
    """The lowest and the highest value, unless they are among those told already."""
    known = {y.where(value) for value in told}
    lowest, highest = y.where(np.min(ys)), y.where(np.max(ys))
    text = "" if lowest in known else f"; lowest {lowest}"
    return text if highest in known else f"{text}; highest {highest}"


def some(count, at_most=5) -> list[int]:
    """Up to five indices, evenly from the first to the last."""
    return sorted({round(i) for i in np.linspace(0, count - 1, at_most)})


def values(numbers_, axis) -> str:
    """A list of a few values; range and mean of many."""
    if len(numbers_) <= FEW:
        return ", ".join(axis.where(value) for value in numbers_)
    return spread(numbers_, axis)


def spread(numbers_, axis) -> str:
    """Range and mean."""
    low, high = axis.where(np.min(numbers_)), axis.where(np.max(numbers_))
    return f"between {low} and {high}, mean {number(np.mean(numbers_), axis.size)}"
