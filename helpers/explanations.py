"""Six explanations of why batch norm helps, and what the claims of the course say for each.

Which claim bears on which explanation, and how, stands in `claims.toml` beside the claim (`bears`);
nothing is written twice. `balance` counts, `table` shows the evidence, `tensions` lists findings
that seem to contradict each other, with what resolves them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from helpers import cards
from helpers.contents import link
from helpers.verdicts import escape, in_notebook

Claims = Mapping[str, Mapping]

EXPLANATIONS = {
    "covariate shift": "The inputs of inner layers keep their distribution, so that a layer need "
    "not follow the ones before it.",
    "smoothing": "The loss is smoother along the gradient, so that a step leads where it should.",
    "larger rates": "Larger learning rates are possible, and these train faster and generalize "
    "better.",
    "length and direction": "The length of the weights drops out, and a step that is too long "
    "corrects itself.",
    "regularization": "The statistics of the batch are noisy, and noise regularizes.",
    "gradients and depth": "Gradients neither vanish nor explode, so that deep networks train.",
}
WAYS = ("supports", "contradicts", "silent")


@dataclass(frozen=True)
class Tension:
    """Two or more findings that seem to contradict each other, and why they do not."""

    claims: tuple[str, ...]
    seems: str
    resolved: str


TENSIONS = (
    Tension(
        ("reduces-covariate-shift", "effective-smoothness"),
        "Batch norm calms the gradients of eight ReLU layers, and yet the smoothness of a network "
        "in training is given by its rate.",
        "The calm was measured at one rate for both, that of the plain network. There the plain "
        "network is at its edge of stability, and batch norm is not. That the rate gives the "
        "smoothness was measured with each at its own rate. At its own, larger one batch norm "
        "comes close to its edge too, and its gradients change at least two thirds as much.",
    ),
    Tension(
        ("worse-at-inference", "conv-brightness"),
        "Eval mode is no worse than training mode, and yet it loses accuracy on batches whose "
        "brightness varies.",
        "Running statistics describe the average batch. They serve as long as every batch is like "
        "it. Where the images of a batch have something in common, only the batch's own do.",
    ),
    Tension(
        ("smooths-the-objective", "fewer-steps-tuned"),
        "In eight ReLU layers at rate 0.03 the loss is smoother, and yet a small loss is reached "
        "no sooner; in other networks, at rates of their own, fewer steps are needed.",
        "In those eight layers smoothness is room for larger steps, and pays when they are taken.",
    ),
    Tension(
        ("larger-rates-generalize", "batch-norm-regularizes", "noise-is-what-regularizes"),
        "In five layers batch norm makes fewer errors only at a larger rate. In two layers it has "
        "a lower test loss at a small rate, too.",
        "Depth, batches and measure differ. With five layers and batches of 64, the gain came when "
        "the rate went from 0.1 to 1. With two layers and batches of 20, the test loss was lower "
        "at the rate 0.1 already, in each of five recorded seeds by the margin of 10 % or more.",
    ),
    Tension(
        ("gradients-stable", "exploding-prevented-with-depth"),
        "Gradients keep their size whatever the scale of the weights, and yet they explode.",
        "Batch norm takes out the scale of the weights, at every depth. Depth multiplies all the "
        "same: each ReLU layer with batch norm stretches the gradient a little.",
    ),
    Tension(
        ("no-harm-in-any-batch", "group-norm-small-batches"),
        "Group norm is not ahead in batches of eight, and far ahead in batches of two.",
        "Two samples that are normalized become -1 and 1, whatever they were.",
    ),
)

ASKED = 4  # so many of them are asked for


def evidence(claims: Claims) -> dict[str, dict[str, list[str]]]:
    """Return {explanation: {way: ids of claims}}, in the order of the claims."""
    found = {name: {way: [] for way in WAYS} for name in EXPLANATIONS}
    for claim, entry in claims.items():
        for explanation, way in entry.get("bears", {}).items():
            found[explanation][way].append(claim)
    return found


def balance(claims: Claims) -> str:
    """Return Markdown: how many claims support each explanation, contradict it, are silent."""
    rows = [f"| explanation | {' | '.join(map(cards.badge, WAYS))} |"]
    rows.append(f"|:--|{'--:|' * len(WAYS)}")
    for name, ways in evidence(claims).items():
        rows.append(f"| {name} | {' | '.join(str(len(ids)) for ids in ways.values())} |")
    return "\n".join(rows)


def table(claims: Claims, explanation: str) -> str:
    """Return Markdown: what bears on an explanation, with its setting; KeyError if unknown."""
    rows = ["| mark | finding | notebook |", "|:--|:--|:--|"]
    for way, ids in evidence(claims)[explanation].items():
        for claim in ids:
            entry = claims[claim]
            but = f" *But:* {escape(entry['limit'])}" if "limit" in entry else ""
            by = f"{escape(entry['finding'])}{but} *({escape(entry['setting'])})*"
            rows.append(f"| {cards.badge(way)} | {by} | {in_notebook(claim, entry)} |")
    return "\n".join(rows)


def tensions(claims: Claims) -> str:
    """Return Markdown: findings that seem to contradict each other, each pair with its answer."""
    parts = []
    for number, tension in enumerate(TENSIONS, start=1):
        links = []
        for claim in tension.claims:
            entry = claims[claim]
            links.append(f"[{claim}]({link(entry['notebook'], entry.get('heading', ''))})")
        if number == ASKED + 1:
            parts.append("Two more, without a question:")
        parts.append(
            f"**{number}) {escape(tension.seems)}** ({', '.join(links)})\n\n{tension.resolved}"
        )
    return "\n\n".join(parts)
