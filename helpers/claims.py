"""Claims about batch norm: `claims.toml` states them once, `claim` tests them in a notebook.

A claim about training is tested fairly or not at all: on as many paired seeds as the table says,
each arm at its own best rate, chosen inside its grid on images that are not the test images.

What `claim` asserts, and what ✓ stands before, is the *finding*: the sentence the course can stand
behind. What others say stands above it, with its verdict as a badge: a false statement never wears
✓. A notebook shows all this as a card.
"""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

from helpers import cards, contents, pool, travels, verdicts
from helpers.comparing import MEASURES, Choice, weaker_than_margin
from helpers.wrapping import WIDTH, wrapped

TOML = Path(__file__).with_name("claims.toml")

_broken: list[str] | None = None


class UnfairClaim(TypeError):
    """A claim was tested by other means than its table promises; the message says by which."""


class ClaimViolated(AssertionError):
    """A finding did not hold in this run; the message gives the measured number."""


@cache
def all_claims() -> dict[str, dict]:
    """Every claim by its id; the head of claims.toml says what each field means."""
    return tomllib.loads(TOML.read_text(encoding="utf-8"))


def related(name: str) -> list[str]:
    """Return the claims that a claim refers to (`see`), and those that refer to it: whoever meets
    one of two is told of the other."""
    claims = all_claims()
    own = claims[name].get("see", [])
    return [*own, *(k for k, c in claims.items() if name in c.get("see", []) and k not in own)]


def claim(
    name: str,
    *,
    measured,
    at_least: float | None = None,
    at_most: float | None = None,
    limit: bool = False,
    median: bool = False,
    tuned: Mapping[str, Choice] | None = None,
) -> None:
    """Test a claim: every entry of `measured` must lie within the bounds.

    measured: a number, or one number per seed. limit: test where the claim stops holding (the
    table's `limit` sentence) instead of where it holds. median: the median over the seeds must lie
    within the bounds, as the sentence then says. tuned: the rate of each arm, as `choose_rate` or
    the pool gives it.

    Raises KeyError for an unregistered claim, TypeError without a bound, UnfairClaim for a claim
    about training on fewer seeds than it says, without the choice of the rates, or with a bound
    below the course's margin; ClaimViolated if a value lies outside (NaN does).
    """
    if name not in all_claims():
        raise KeyError(f"claim {name!r} is not in {TOML.name}: register it there first")
    if at_least is None and at_most is None:
        raise TypeError(f"claim {name!r} needs at_least or at_most: it must be able to fail")
    entry = all_claims()[name]
    sentence = entry["limit"] if limit else entry["finding"]
    values = np.atleast_1d(np.asarray(measured, dtype=float))
    if _broken is None:  # where nothing is learned, say, no rate is the best
        _require_fair(name, entry, values, tuned, limit=limit)
    if "measure" in entry and weaker_than_margin(entry["measure"], at_least, at_most):
        raise UnfairClaim(
            f"{name}: the bounds {at_least} and {at_most} call {entry['measure']} different by "
            f"less than the margin, {MEASURES[entry['measure']].says}"
        )
    low = -np.inf if at_least is None else at_least
    high = np.inf if at_most is None else at_most
    decisive = np.median(values, keepdims=True) if median and values.size else values
    holds = bool(values.size and np.all((decisive >= low) & (decisive <= high)))
    bounds = [f"at least {at_least:g}"] if at_least is not None else []
    bounds += [f"at most {at_most:g}"] if at_most is not None else []
    bound = " and ".join(bounds)
    if not holds and _broken is None:
        raise ClaimViolated(
            f"✗ {name}: measured {_show(values)}, expected {bound}\n  The course says: {sentence}"
        )
    if not holds:
        _broken.append(name)
    if values.size > 1:
        bound += (
            f" for the median of {values.size} values"
            if median
            else f" for each of {values.size} values"
        )
    tested = [f"{'✓' if holds else '✗'} {sentence}", f"(measured {_show(values)})", bound]
    _show_card(name, entry, *tested, limit=limit)


def _require_fair(name, entry, values, tuned, *, limit) -> None:
    """Raise UnfairClaim where the table promises more than was done."""
    if "seeds" not in entry:
        return
    if values.size < entry["seeds"]:
        raise UnfairClaim(
            f"{name}: {values.size} values, but the table promises {entry['seeds']} seeds; hand "
            "over one number per seed (median=True where the sentence speaks of the median)"
        )
    if entry["rates"] == "tuned" and not tuned and not limit:
        raise UnfairClaim(
            f"{name}: the table says that each arm trains at its own best rate; hand the choices "
            'over as tuned={"plain": ..., "batch norm": ...}'
        )
    for arm, choice in (tuned or {}).items():
        if choice.on == "test":
            raise UnfairClaim(f"{name}: the rate of {arm} was chosen on the test images")
        if not choice.inside:
            raise UnfairClaim(
                f"{name}: the best rate of {arm}, {choice.rate:g}, lies at the edge of its grid "
                f"({', '.join(f'{rate:g}' for rate in choice.rates)}): widen the grid"
            )


def _show_card(name, entry, found: str, measured: str, bound: str, *, limit: bool) -> None:
    """Show what was tested and, but for a limit, what is said about it and where to read on.

    The words of the text and of the HTML are the same, in the same order.
    """
    mark, words = found.split(" ", 1)
    edge = cards.EDGES[mark]
    plain = [_finding(found, measured), f"  Bound: {bound}"]
    rich = [
        f"<strong>{mark}</strong> {cards.inline(words)} <strong>{measured}</strong><br>"
        f"<small>Bound: {bound}</small>"
    ]
    if not limit:
        shown, behind = verdicts.split(entry["verdict"])
        said = f"Said: “{entry['said']}” ({entry['by']})"
        context = _context(name, entry)
        lines = [f"  {label}: {_plain(listed)}" for label, listed in context]
        plain = [entry["verdict"], f"  {said}", _finding(f"  {found}", measured), plain[1], *lines]
        verdict = f"{cards.badge(shown)} {cards.inline(behind)}".strip()
        lines = [f"{label}: {_linked(listed)}" for label, listed in context]
        rich = [verdict, cards.inline(said), *rich, f"<small>{'<br>'.join(lines)}</small>"]
        edge = f"solid {cards.BADGES[shown]}"
    text = "\n".join(line if measured in line else wrapped(line) for line in plain)
    cards.show(text, cards.card(rich, edge))


def _finding(found: str, measured: str) -> str:
    """The finding, wrapped, and what was measured.

    Whether the numbers get a line of their own depends on the sentence alone, not on their length:
    nbval compares line by line.
    """
    text = wrapped(found)
    if len(text.splitlines()[-1]) <= WIDTH - 40:
        return f"{text} {measured}"
    indent = " " * (len(found) - len(found.lstrip()) + 2)
    return f"{text}\n{indent}{measured}"


def link(name: str) -> str:
    """Return where a claim is tested, as a link for JupyterLab, with its heading."""
    entry = all_claims()[name]
    return contents.link(entry["notebook"], entry["heading"])


def _context(name: str, entry: Mapping) -> list[tuple[str, list[tuple[str, str]]]]:
    """What stands below a finding: a label, and what it lists: the name of a claim, or none, and
    the words behind it."""
    claims = all_claims()
    lines = []
    if "setting" in entry:
        lines.append(("Setting", [("", entry["setting"])]))
    if name in travels.QUESTIONS:
        lines.append(("In other settings, as said", [("", _elsewhere(name))]))
    if others := related(name):
        lines.append(("See also", [(k, f" ({claims[k]['notebook']})") for k in others]))
    return [*lines, ("Claim", [(name, f" ({entry['notebook']})")])]


def _plain(listed: list[tuple[str, str]]) -> str:
    return ", ".join(f"{name}{words}" for name, words in listed)


def _linked(listed: list[tuple[str, str]]) -> str:
    """HTML, in which the names of claims lead to them."""
    return ", ".join(
        (cards.link(name, link(name)) if name else "") + cards.inline(words)
        for name, words in listed
    )


@cache
def _elsewhere(name: str) -> str:
    """Where the sentence as it is said holds, by the recorded runs; in at most two lines."""
    found = travels.cells(pool.load(), travels.QUESTIONS[name])
    text = travels.summary(found)
    text = text if len(text) <= WIDTH else travels.summary(found, named=False)
    return text.removeprefix("travels: ")


@contextmanager
def collecting() -> Iterator[list[str]]:
    """Collect the ids of violated claims instead of raising; for proofs that claims can fail.

    Only the number decides: an ablation that leaves nothing to choose a rate by breaks no claim.
    """
    global _broken
    _broken, before = [], _broken
    try:
        yield _broken
    finally:
        _broken = before


def _show(values: np.ndarray) -> str:
    if values.size == 0:
        return "nothing"
    if values.size == 1:
        return f"{values[0]:.3g}"
    return f"{np.median(values):.3g}, range {values.min():.3g} to {values.max():.3g}"
