"""Show a case of the clinic: its report, and what the repaired design concludes."""

import contextlib
import copy
import json
from collections.abc import Callable, Mapping

import numpy as np
from IPython.display import Markdown

from helpers import bench
from helpers.bench import NotOnTheBench
from helpers.cards import say
from helpers.comparing import WORDS
from helpers.exercises.engine import EXERCISES
from helpers.exercises.judging import examine
from helpers.exercises.weigh_the_evidence.cases import CASES
from helpers.exercises.weigh_the_evidence.flaws import FLAWS

# What is measured, and how images are scored, where the name alone does not say it.
WORDS_OF_PARTS = {
    "steps": "the steps until an accuracy that the plain network reaches at its best",
    "rate": "the largest rate at which the network still learns",
    "decades": "over how many powers of ten of the rate it learns",
    "gradient change": "how far a layer's gradient changes when the earlier layers step",
    "loss range": "how far the loss varies along the gradient",
    "smoothness": "the largest change of the gradient per distance along it",
    "drift of means": "how far the means of what enters the activations move between two looks, "
    "in standard deviations",
    "drift of shape": "how far the distributions move, each with mean 0 and deviation 1",
    "batch statistics": "all images are one batch, which normalizes itself",
    "recomputed statistics": "running statistics are computed anew from training images",
    "eval mode, after the looks": "eval mode, after forward passes that look at activations",
}


def list_flaws() -> Markdown:
    """Return all flaws by name, as a table."""
    rows = ["| flaw | what is wrong |", "|:--|:--|"]
    return Markdown("\n".join([*rows, *(f"| `{name}` | {says} |" for name, says in FLAWS.items())]))


def list_parts() -> Markdown:
    """Return what a design is made of, as a table."""
    norms = ", ".join(f'`"{norm}"`' for norm in bench.NORMS)
    measures = ", ".join(f'`"{measure}"`' for measure in bench.MEASURED)
    scored = ", ".join(f'`"{scored}"`' for scored in bench.SCORED)
    rows = [
        "| part | what it takes | left out |",
        "|:--|:--|:--|",
        "| `arms` | two networks by name; `like` is the recorded setting to start from, `norm` is "
        f"one of {norms}. SkipInit has skips, no norm, and a trained number for each branch that "
        "starts at 0. | |",
        "| `rates` | one, several, or a grid for each arm: `{arm: [...]}` | all recorded ones |",
        '| `chosen_on` | the images that choose: `"held-out"`, `"test"`, `"train"` | held-out |',
        "| `seeds` | how many, or which; for each arm if they differ | 0 to 4 |",
        '| `steps` | after how many, or `"best"`: where `chosen_on` is best | all of them |',
        f"| `measure` | {measures} | accuracy |",
        f"| `scored` | how images are scored: {scored} | eval mode |",
        '| `by` | `"every seed"` has to agree, or the `"mean"` decides | every seed |',
        "| `margin` | how large a difference has to be | the course's |",
    ]
    rows += ["", "Of the measures and the ways to score, these need a word:", ""]
    rows += [f"- `{name}`: {says}" for name, says in WORDS_OF_PARTS.items()]
    return Markdown("\n".join(rows))


def report(name: str) -> Markdown:
    """Return the report of a case, its table, and the design behind it.

    KeyError, with the names there are, for a case that the clinic does not have.
    """
    if name not in CASES:
        raise KeyError(f"the clinic has no case {name!r}; there are: {', '.join(CASES)}")
    case = CASES[name]
    comparison = bench.compare(**case.design)
    how_many = "One flaw." if case.told else "No flaw, one or two."
    return Markdown(
        f"{case.said.format(**_numbers(comparison))}\n\n{comparison.table}\n\n"
        f"*{comparison.said}.*\n\n```python\n{_code(case.design)}\n```\n\n{how_many}"
    )


def reexamine(answer: Callable, expect=...) -> None:
    """Say what the report of a case concludes, and what the learner's repaired design does.

    expect: one of comparing.WORDS, the learner's guess at it; without one nothing is told. Where
    several things were repaired, also what each of them does alone.
    """
    case = CASES[answer.__name__]
    reported = f"reported: {bench.compare(**case.design).said}"
    if examine(EXERCISES[answer.__name__], answer).status != "pass":
        say(f"{reported}\nrepaired: ○ not yet", mark="○")
        return
    expect = " ".join(str(expect).lower().split())
    if expect not in WORDS:
        say(f"{reported}\nrepaired: ○ what will it conclude? Expect {_choices()}", mark="○")
        return
    _, new = answer(copy.deepcopy(dict(case.design)))
    repaired = bench.compare(**new)
    right = repaired.word == expect
    lines = [reported, f"repaired: {repaired.said}"]
    lines.append("✓ as you expected" if right else f"✗ you expected {expect!r}")
    changed = [key for key in new if new[key] != case.design.get(key)]
    for key in changed if len(changed) > 1 else ():
        with contextlib.suppress(NotOnTheBench):  # one may not go without the other
            alone = bench.compare(**{**case.design, key: new[key]})
            lines.append(f"with {key} repaired alone: {alone.conclusion}")
    say("\n".join(lines), mark="✓" if right else "✗")


def _choices() -> str:
    *others, last = (f'"{word}"' for word in WORDS)
    return f"{', '.join(others)} or {last}"


def _code(design: Mapping) -> str:
    """A design as one writes it, a line per arm."""
    lines = ["design = {"]
    for key, value in design.items():
        if isinstance(value, Mapping):
            lines += [f'    "{key}": {{']
            lines += [f'        "{arm}": {json.dumps(what)},' for arm, what in value.items()]
            lines += ["    },"]
        else:
            lines += [f'    "{key}": {json.dumps(value)},']
    return "\n".join([*lines, "}"])


def _numbers(comparison: bench.Comparison) -> dict[str, str]:
    """What the words of a report can name."""
    numbers = {"word": f"**{comparison.word}**"}
    middle = np.median(comparison.conclusion.effects)
    numbers["factor"] = f"{middle:.3g}"
    numbers["margin"] = f"{comparison.conclusion.measure.margin:g}"
    for which, arm in zip(("first", "second"), comparison.arms, strict=True):
        numbers[which] = comparison.written(np.median(arm.values))
        numbers[f"mean_{which}"] = comparison.written(arm.values.mean())
        numbers[f"rate_{which}"] = f"{arm.choice.rate:g}" if arm.choice else ""
        numbers[f"seeds_{which}"] = f"{arm.seeds[0]} to {arm.seeds[-1]}"
    return numbers
