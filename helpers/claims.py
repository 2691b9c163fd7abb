"""Claims about batch norm: `claims.toml` states them once, `claim` tests them in a notebook.

What `claim` asserts, and what ✓ stands before, is the *finding*: the sentence the course can stand
behind. What others say, and the verdict on it, is printed below: a false statement never wears ✓.
"""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

from helpers.wrapping import WIDTH, wrapped

TOML = Path(__file__).with_name("claims.toml")

_broken: list[str] | None = None


class ClaimViolated(AssertionError):
    """A finding did not hold in this run; the message gives the measured number."""


@cache
def all_claims() -> dict[str, dict]:
    """Every claim by its id: said, by, notebook, verdict, finding, ablation, perhaps limit."""
    return tomllib.loads(TOML.read_text(encoding="utf-8"))


def claim(
    name: str,
    *,
    measured,
    at_least: float | None = None,
    at_most: float | None = None,
    limit: bool = False,
) -> None:
    """Test a claim: every entry of `measured` must lie within the bounds.

    measured: a number, or one number per seed. limit: test where the claim stops holding (the
    table's `limit` sentence) instead of where it holds. Raises KeyError for an unregistered claim,
    TypeError without a bound, ClaimViolated if a value lies outside (NaN does).
    """
    if name not in all_claims():
        raise KeyError(f"claim {name!r} is not in {TOML.name}: register it there first")
    if at_least is None and at_most is None:
        raise TypeError(f"claim {name!r} needs at_least or at_most: it must be able to fail")
    entry = all_claims()[name]
    sentence = entry["limit"] if limit else entry["finding"]
    values = np.atleast_1d(np.asarray(measured, dtype=float))
    low = -np.inf if at_least is None else at_least
    high = np.inf if at_most is None else at_most
    if values.size and np.all((values >= low) & (values <= high)):
        print(_line("✓", sentence, values))
    elif _broken is not None:
        _broken.append(name)
        print(_line("✗", sentence, values))
    else:
        expected = [f"at least {at_least:g}"] if at_least is not None else []
        expected += [f"at most {at_most:g}"] if at_most is not None else []
        raise ClaimViolated(
            f"✗ {name}: measured {_show(values)}, expected {' and '.join(expected)}\n"
            f"  The course says: {sentence}"
        )
    if not limit:
        print(wrapped(f"  Said: “{entry['said']}” ({entry['by']})\n  Verdict: {entry['verdict']}"))


@contextmanager
def collecting() -> Iterator[list[str]]:
    """Collect the ids of violated claims instead of raising; for proofs that claims can fail."""
    global _broken
    _broken, before = [], _broken
    try:
        yield _broken
    finally:
        _broken = before


def _line(mark: str, sentence: str, values: np.ndarray) -> str:
    text = wrapped(f"{mark} {sentence}")
    # Whether the numbers get a line of their own depends on the sentence alone, not on their
    # length: nbval compares line by line.
    gap = " " if len(text.splitlines()[-1]) <= WIDTH - 40 else "\n  "
    return f"{text}{gap}(measured {_show(values)})"


def _show(values: np.ndarray) -> str:
    if values.size == 0:
        return "nothing"
    if values.size == 1:
        return f"{values[0]:.3g}"
    return f"{np.median(values):.3g}, range {values.min():.3g} to {values.max():.3g}"
