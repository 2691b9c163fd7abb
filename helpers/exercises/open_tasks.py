"""Open tasks: the learner changes the setting of a claim, guesses, runs it and gives the verdict.

    changed = {"batch": 8}
    open_task("largest-usable-rate", changed, guess="holds")
    bench.compare({"batch norm": {"norm": "batch", **changed}, ...}, measure="rate")
    open_task("largest-usable-rate", changed, verdict="holds")

The reply to a verdict is what the bench finds, and where the sentence flips if one thing is
changed. Nothing of it is written down: all is asked of the recorded runs.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from helpers import bench
from helpers.bench.sentences import NotOnTheBench, TooLong, listed
from helpers.cards import say
from helpers.claims import all_claims
from helpers.comparing import FAILS, HOLDS, OPEN, SENTENCES
from helpers.exercises import progress_file

WORDS = (HOLDS, FAILS, OPEN)


@dataclass(frozen=True)
class OpenTask:
    """A claim as a question to the bench.

    arms: {name: what to run}, the sentence is about the first. how: what else `bench.compare` is
    told. sentence: what is said of the first arm, one of comparing.SENTENCES. first_only: changes
    that concern the first arm alone. of_one: the claim as a sentence about one setting, where it
    is about all of them at once.
    """

    claim: str
    arms: Mapping[str, Mapping]
    how: Mapping
    sentence: str
    first_only: tuple[str, ...] = ()
    others: tuple[Mapping, ...] = ({"like": "sigmoid"},)  # changes of several things at once
    of_one: str = ""

    def compare(self, changed: Mapping) -> bench.Comparison:
        """Run the comparison with something changed."""
        return bench.compare(self.changed(changed), **self.how)

    def changed(self, changed: Mapping) -> dict[str, dict]:
        """The arms with something changed in both, or, of `first_only`, in the first."""
        first, second = self.arms
        shared = {key: value for key, value in changed.items() if key not in self.first_only}
        return {first: {**self.arms[first], **changed}, second: {**self.arms[second], **shared}}

    def word(self, comparison: bench.Comparison) -> str:
        """HOLDS, FAILS or OPEN. OPEN, too, where the best rate of an arm lies at the edge of its
        grid, and a better one beyond could turn the word."""
        word = comparison.conclusion.says(self.sentence)
        edges = [
            arm.choice is not None and len(arm.choice.rates) > 1 and not arm.choice.inside
            for arm in comparison.arms
        ]
        if self.sentence in ("better", "not worse"):  # the first could only be better still
            edges[0], edges[1] = edges[0] and word == FAILS, edges[1] and word == HOLDS
        return OPEN if any(edges) else word

    def is_no_change(self, changed: Mapping) -> bool:
        """Whether both arms stay what they are at the start."""
        return self.networks(changed) == self.networks({})

    def networks(self, changed: Mapping) -> list[bench.Network]:
        """What the two arms come to with something changed."""
        return [bench.network(**what) for what in self.changed(changed).values()]

    def recorded(self) -> list[tuple[dict, str]]:
        """The start, every single change that was recorded, and those of `others`; and the word."""
        found = [({}, self.word(self.compare({})))]
        like = next(iter(self.arms.values())).get("like", "relu")
        changes = [
            {axis: value}
            for axis, values in bench.changes(like).items()
            for value in values
            if axis != "gain"
            or axis in self.first_only  # at two rates only: no grid to choose from
        ]
        for change in [*changes, *self.others]:
            if not self.is_no_change(change) and bench.recorded(
                self.arms, self.how, change, self.first_only
            ):
                found.append((change, self.word(self.compare(change))))
        return found


TASKS = {
    task.claim: task
    for task in (
        OpenTask(
            "noisy-trains-alike",
            {
                "noisy": {"like": "sigmoid", "norm": "noisy batch"},
                "batch norm": {"like": "sigmoid", "norm": "batch"},
            },
            # Running averages gathered under noise fit no quiet network: 23 points in 20 layers.
            {"scored": "batch statistics", "steps": 100},
            "not worse",
            others=(
                {"like": "relu"},
                {"like": "relu, batch 8"},
                {"like": "relu, 2 x 128"},
                {"like": "relu", "depth": 8},
                {"like": "relu, 20 x 64"},
                {"like": "tanh"},
            ),
        ),
        OpenTask(
            "smooths-the-objective",
            {"batch norm": {"norm": "batch"}, "plain": {"norm": "none"}},
            {"measure": "loss range", "rates": "plain"},
            "better",
            of_one="With batch norm the loss varies less along the gradient",
        ),
        OpenTask(
            "largest-usable-rate",
            {"batch norm": {"norm": "batch"}, "plain": {"norm": "none"}},
            {"measure": "rate"},
            "better",
        ),
        OpenTask(
            "depth-trainable-by-norm",
            {
                "batch norm": {"like": "30 x 32", "norm": "batch"},
                "plain": {"like": "30 x 32", "norm": "none"},
            },
            {"steps": "best"},
            "better",
            others=({"like": "30 x 100, batch 256"},),
        ),
        OpenTask(
            "unaffected-by-scale",
            {"scaled": {"norm": "batch", "gain": 10.0}, "usual": {"norm": "batch"}},
            {"rates": 1.0, "steps": 200},
            "alike",
            first_only=("gain",),
            of_one="Training at one rate is unaffected by the scale of the weights",
        ),
        OpenTask(
            "batch-norm-regularizes",
            {
                "batch norm": {"like": "300 images", "norm": "batch"},
                "plain": {"like": "300 images", "norm": "none"},
            },
            {"measure": "loss", "steps": "best"},
            "better",
            others=({"like": "300 images, sigmoid"}, {"like": "300 images, 5 x 64, batch 64"}),
        ),
        OpenTask(
            "no-harm-in-any-batch",
            {"batch norm": {"norm": "batch"}, "plain": {"norm": "none"}},
            {"steps": "best"},
            "not worse",
            of_one="Batch norm does no harm",
        ),
    )
}


def open_task(claim: str, changed: Mapping | None = None, *, guess=None, verdict=None) -> None:
    """Commit to a guess, or give a verdict, about a claim in a setting of your own.

    changed: what is different, as `bench.runs` takes it: one thing, such as {"batch": 8}. guess,
    verdict: "holds", "does not hold" or "too close to call"; give one of them. A guess is kept; the
    reply to a verdict says what the bench finds and where the sentence flips.

    Raises KeyError for a claim without an open task.
    """
    if claim not in TASKS:
        raise KeyError(f"there is no open task about {claim!r}, but about {listed(TASKS)}")
    task, what = TASKS[claim], "guess" if verdict is None else "verdict"
    said = guess if verdict is None else verdict
    if not changed:
        offer = _offer(task) if what == "guess" else "Begin with the guess, above."
        say(f"○ nothing is changed yet. {offer}")
        return
    try:
        _check(task, changed)
        comparison = task.compare(changed) if what == "verdict" and _word(said) in WORDS else None
    except TooLong:
        say(
            "✗ that was not recorded, and to train it now would take more than a minute: "
            "choose another change"
        )
        return
    except NotOnTheBench as error:
        say(f"✗ {error}")
        return
    if said is None or said is Ellipsis:
        say(f"○ no {what} yet: replace ... by {_choices()}")
        return
    word = _word(said)
    if word not in WORDS:
        close = difflib.get_close_matches(word, WORDS, n=1)
        meant = f"did you mean {close[0]!r}?" if close else f"write {_choices()}"
        say(f"✗ {said!r} is not a {what}: {meant}")
        return
    before = _keep(claim, changed, what, word)
    if comparison is None:
        kept = before.get("guess", word)
        more = "" if kept == word else f", your first one: {kept}"
        say(f"Your guess for {_words(changed)} is kept{more}. Now run it on the bench.")
    else:
        say(_reply(task, changed, comparison, word, before.get("guess")))


def _check(task: OpenTask, changed) -> None:
    """Raise NotOnTheBench for what cannot be changed, or is what the two arms are told apart by."""
    if not isinstance(changed, Mapping):
        raise NotOnTheBench(
            f"{changed!r} is no change: write it in braces, such as {_example(task)!r}"
        )
    compared = {key for arm in task.arms.values() for key in arm} - {"like", *task.first_only}
    if compared := sorted(compared & set(changed)):
        raise NotOnTheBench(f"{listed(compared)} is what is compared here: change something else")
    bench.check(task.arms, task.how, changed, task.first_only)
    first, second = task.networks(changed)
    if first == second or task.is_no_change(changed):
        same = "both networks are the same" if first == second else "nothing is different"
        raise NotOnTheBench(f"with {_words(changed)} {same}: change something else")


def _word(said) -> str:
    return " ".join(str(said).lower().split())


def done() -> list[str]:
    """The claims whose open task has got a verdict."""
    kept = progress_file.load().get("open tasks")
    kept = kept if isinstance(kept, dict) else {}
    return [
        claim
        for claim in TASKS
        if any("verdict" in entry for entry in kept.get(claim, {}).values())
    ]


def _reply(task: OpenTask, changed, comparison, word: str, guess: str | None) -> str:
    found = task.word(comparison)
    mark = "✓" if word == found else "✗"
    claim = all_claims()[task.claim]
    said = claim["said"].rstrip(".")
    lines = [f"{mark} “{task.of_one or said}”, with {_words(changed)}: {found}. You said: {word}."]
    true = SENTENCES[task.sentence](comparison.conclusion.in_margins)
    lines.append(f"  It is true of {true.sum()} of {len(true)} seeds. {comparison.said}.")
    if np.isnan(comparison.conclusion.effects).any():
        lines.append("  (nan: in this seed neither network gets there, so nothing is concluded.)")
    if found == OPEN and comparison.conclusion.says(task.sentence) != OPEN:
        lines.append("  A best rate lies at the edge of its grid, so a better one may lie beyond.")
    if guess is not None:
        right = "right" if guess == found else "wrong"
        lines.append(f"  Before you ran it, you guessed “{guess}”: {right}.")
    lines.append("  The record says:")
    words = {}
    for change, answer in task.recorded():
        words.setdefault(answer, []).append(_words(change))
    lines += [f"  {answer}: {'; '.join(words[answer])}" for answer in WORDS if answer in words]
    about = f" on “{said}”" if task.of_one else ""
    lines.append(f"  The course's verdict{about}: {claim['verdict']}.")
    return "\n".join(lines)


def _offer(task: OpenTask) -> str:
    """What can be changed."""
    axes, changes = {}, [_as_written(change) for change, _ in task.recorded() if change]
    for change in changes:
        shown = " x ".join(map(repr, change.values()))
        axes.setdefault(" x ".join(f'"{axis}"' for axis in change), []).append(shown)
    offers = "; ".join(f"{axis}: {', '.join(values)}" for axis, values in axes.items())
    return f"Write one change into it, such as {_example(task)!r}. Recorded are {offers}."


def _example(task: OpenTask) -> dict:
    return _as_written(task.recorded()[1][0])


def _as_written(changed: Mapping) -> dict:
    """A change as a learner writes it: hidden layers by depth and width."""
    new = dict(changed)
    if hidden := new.pop("hidden", None):
        new |= {"depth": len(hidden), "width": hidden[0]}
    return new


def _words(changed: Mapping) -> str:
    """`batch 8` for {"batch": 8}."""
    changed = dict(changed) or {"nothing": "changed"}
    if hidden := changed.pop("hidden", None):
        changed = {"depth": len(hidden), "width": hidden[0], **changed}
    if {"depth", "width"} <= set(changed):
        layers = f"{changed.pop('depth')} x {changed.pop('width')}"
        changed = {"layers": layers, **changed}
    named = {"like": "setting"}
    return ", ".join(f"{named.get(key, key)} {value}" for key, value in changed.items())


def _choices() -> str:
    return listed([f'"{word}"' for word in WORDS]).replace(" and ", " or ")


def _keep(claim: str, changed: Mapping, what: str, word: str) -> dict:
    """Keep the first guess and the first verdict for a change; returns what is kept for it."""
    kept = {}

    def add(state: dict) -> None:
        tasks = state.get("open tasks")
        tasks = tasks if isinstance(tasks, dict) else {}
        entry = tasks.setdefault(claim, {}).setdefault(_words(changed), {})
        entry.setdefault(what, word)
        kept.update(entry)
        state["open tasks"] = tasks

    progress_file.update(add)
    return kept
