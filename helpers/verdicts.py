"""Turn claims into Markdown that a reader can use: tables by question, filtered by word or verdict.

Claims are those of `claims.all_claims()`: a dict from id to entry. Every function is pure: the same
claims give the same text.
"""

import re
from collections.abc import Mapping

from helpers import cards
from helpers.contents import link, numbered

Claims = Mapping[str, Mapping]

CLASSES = ("holds", "holds if", "does not hold")

# A claim belongs to the question that lists its id, otherwise to the one that lists its notebook.
QUESTIONS = {
    "What does it compute?": (
        "start_here",
        "why_normalize_inputs",
        "forward",
        "backward",
        "your_layer",
        "pytorch",
        "undo-in-training",
        "alike-at-every-position",
        "before-the-activation",
        "redundant-bias",
        "whole-network-check",
        "difference-of-squares",
    ),
    "What happens at inference?": (
        "inference",
        "robust-by-itself",
        "black-cats",
        "conv-brightness",
    ),
    "What does it buy?": (
        "training",
        "convolution",
        "learning_rate_and_init",
        "regularization",
        "gpu_training",
        "depth-trainable-by-norm",
    ),
    "Why does it work?": (
        "covariate_shift",
        "smoothing",
        "length_and_direction",
        "similar-scale",
        "stable-inputs",
    ),
    "What does it cost?": ("cost",),
    "What is a batch on several devices?": ("many_gpus",),
    "When does it fail?": (
        "depth",
        "when_it_fails",
        "bug_clinic",
        "verdicts",
        "gradients-stable",
        "no-harm-with-wrong-labels",
    ),
}


def classify(verdict: str) -> str:
    """Return the class of a verdict, one of CLASSES, by the words it begins with.

    "holds" with anything behind it holds under a condition. Raises ValueError if it begins with
    neither "holds" nor "does not hold".
    """
    if verdict == "holds":
        return "holds"
    if re.match(r"holds\b", verdict):
        return "holds if"
    if re.match(r"does not hold\b", verdict):
        return "does not hold"
    raise ValueError(
        f"the verdict {verdict!r} begins with neither 'holds' nor 'does not hold': "
        "mend it in claims.toml"
    )


def counts(claims: Claims) -> dict[str, int]:
    """Return how many claims fall in each class, in the order of CLASSES."""
    found = [classify(entry["verdict"]) for entry in claims.values()]
    return {name: found.count(name) for name in CLASSES}


def by_question(claims: Claims) -> dict[str, dict]:
    """Return the claims of each question, by the order of notebooks; no question is left out.

    Raises KeyError for a claim whose notebook no question lists, or that does not exist.
    """
    question_of = {key: question for question, keys in QUESTIONS.items() for key in keys}
    groups = {question: {} for question in QUESTIONS}
    for name, entry in sorted(claims.items(), key=lambda item: numbered(item[1]["notebook"])):
        question = question_of.get(name) or question_of[entry["notebook"]]
        groups[question][name] = entry
    return groups


def select(claims: Claims, words: str = "", verdict: str = "") -> dict:
    """Return the claims in whose id, sentences or notebook every word occurs, case ignored.

    verdict: one of CLASSES, or nothing for all. Raises ValueError for any other.
    """
    if verdict and verdict not in CLASSES:
        known = ", ".join(repr(name) for name in CLASSES)
        raise ValueError(f"no verdict is called {verdict!r}; there are {known}")
    wanted = words.lower().split()
    return {
        name: entry
        for name, entry in claims.items()
        if verdict in ("", classify(entry["verdict"]))
        and all(word in _everything(name, entry) for word in wanted)
    }


def page(claims: Claims, words: str = "", verdict: str = "") -> str:
    """Return Markdown: how many claims `select` finds and, if any, their table."""
    found = select(claims, words, verdict)
    wanted = [f"the verdict “{verdict}”"] if verdict else []
    if words.strip():
        wanted.append(f"“{escape(words)}” in {'them' if len(found) > 1 else 'it'}")
    with_what = f" with {' and '.join(wanted)}" if wanted else ""
    if not found:
        return f"There is no claim{with_what}. Try a shorter word, or another verdict."
    return f"{len(found)} claim{'s' if len(found) > 1 else ''}{with_what}.\n\n{table(found)}"


def table(claims: Claims) -> str:
    """Return a Markdown table, one row per claim, with a link to the heading that tests it.

    "But:" stands before the limit of a claim that holds under a condition.
    """
    rows = ["| what is said | verdict | what the course found | tested in |", "|:--|:--|:--|:--|"]
    return "\n".join(rows + [_row(name, entry) for name, entry in claims.items()])


def overview(claims: Claims) -> str:
    """Return Markdown: for every question that has claims, how many fall in each class."""
    rows = [f"| question | claims | {' | '.join(map(cards.badge, CLASSES))} |"]
    rows.append(f"|:--|{'--:|' * 4}")
    groups = {question: group for question, group in by_question(claims).items() if group}
    for question, group in groups.items():
        rows.append(f"| {question} | {len(group)} | {_numbers(group)} |")
    rows.append(f"| **all** | **{len(claims)}** | {_numbers(claims)} |")
    return "\n".join(rows)


def escape(text: str) -> str:
    """Return text as it is to be read: Markdown's signs, and those of mathematics, mean nothing."""
    return re.sub(r"([\\`*_\[\]<>|$~&])", r"\\\1", " ".join(text.split()))


def split(verdict: str) -> tuple[str, str]:
    """Return the words of a verdict that a badge shows, and those behind them.

    Raises ValueError as `classify` does.
    """
    kind = classify(verdict)
    shown = kind if verdict.startswith(kind) else "holds"
    return shown, verdict.removeprefix(shown).strip()


def in_notebook(name: str, entry: Mapping) -> str:
    """Return Markdown: a claim's notebook and its id, which lead to the heading that tests it."""
    notebook, heading = entry["notebook"], entry.get("heading", "")
    words = numbered(notebook).replace("_", " ")
    return f"[{words}]({link(notebook)}), [{name}]({link(notebook, heading)})"


def _row(name: str, entry: Mapping) -> str:
    shown, behind = split(entry["verdict"])
    found = escape(entry["finding"])
    if "limit" in entry:
        found += f" *But:* {escape(entry['limit'])}"
    cells = [
        f"“{escape(entry['said'])}” ({escape(entry['by'])})",
        f"{cards.badge(shown)} {escape(behind)}".strip(),
        found,
        in_notebook(name, entry),
    ]
    return f"| {' | '.join(cells)} |"


def _numbers(claims: Claims) -> str:
    return " | ".join(map(str, counts(claims).values()))


def _everything(name: str, entry: Mapping) -> str:
    fields = ("said", "by", "verdict", "finding", "limit")
    words = [name, numbered(entry["notebook"]), *(entry.get(field, "") for field in fields)]
    return " ".join(words).lower()
