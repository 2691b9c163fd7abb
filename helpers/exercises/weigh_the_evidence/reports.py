"""Show a case of the clinic: its report, and what the repaired design concludes."""

import json
from collections.abc import Callable, Mapping

import numpy as np
from IPython.display import Markdown

from helpers import bench
from helpers.exercises.engine import EXERCISES
from helpers.exercises.judging import examine
from helpers.exercises.weigh_the_evidence.cases import CASES
from helpers.exercises.weigh_the_evidence.flaws import FLAWS
from helpers.wrapping import wrapped


def list_flaws() -> Markdown:
    """Return all flaws by name, as a table."""
    rows = ["| flaw | what is wrong |", "|:--|:--|"]
    return Markdown("\n".join([*rows, *(f"| `{name}` | {says} |" for name, says in FLAWS.items())]))


def report(name: str) -> Markdown:
    """Return the report of a case, its table, and the design behind it.

    KeyError, with the names there are, for a case that the clinic does not have.
    """
    if name not in CASES:
        raise KeyError(f"the clinic has no case {name!r}; there are: {', '.join(CASES)}")
    case = CASES[name]
    comparison = bench.compare(**case.design)
    how_many = "One flaw" if case.flaws == 1 else f"{case.flaws} flaws".replace("2", "Two")
    return Markdown(
        f"{case.said.format(**_numbers(comparison))}\n\n{comparison.table}\n\n"
        f"*{comparison.said}.*\n\n```python\n{_code(case.design)}\n```\n\n{how_many}."
    )


def reexamine(answer: Callable) -> None:
    """Print what the report of a case concludes, and what the learner's repaired design does."""
    case = CASES[answer.__name__]
    print(wrapped(f"reported: {bench.compare(**case.design).said}"))
    if examine(EXERCISES[answer.__name__], answer).status != "pass":
        print("repaired: ○ not yet")
        return
    _, new = answer(dict(case.design))
    print(wrapped(f"repaired: {bench.compare(**new).said}"))


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
        numbers[which] = f"{np.median(arm.values):.3g}"
        numbers[f"mean_{which}"] = f"{arm.values.mean():.3g}"
        numbers[f"rate_{which}"] = f"{arm.choice.rate:g}" if arm.choice else ""
        numbers[f"seeds_{which}"] = f"{arm.seeds[0]} to {arm.seeds[-1]}"
    return numbers
