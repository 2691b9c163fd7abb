"""Where does a statement hold? Questions to the pool, one per claim, asked in many settings.

Each question tests the sentence as it is said, by the course's margins (`helpers.comparing`): in a
setting it holds, it does not, or it is too close to call. `cells` asks one question everywhere,
`summary` says in words what came out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from helpers.comparing import FAILS, HOLDS, MEASURES, OPEN, Choice, Conclusion, conclude
from helpers.pool import DROPOUTS, TWO, Pool, Runs

GOAL = 0.95  # accuracy that counts as arrived, where the plain network gets that far
WORDS = (HOLDS, OPEN, FAILS)
USABLE = 0.8  # accuracy at which a rate, or a scale of the weights, is usable


@dataclass(frozen=True)
class Question:
    """What a claim asks in one setting.

    ask: (pool, setting) -> Conclusion. sentence: what it says of the changed arm, one of
    comparing.SENTENCES. settings, but: where it makes sense to ask, by how names of settings start.
    arms: those that must have been trained there.
    """

    ask: Callable[[Pool, str], Conclusion]
    sentence: str
    settings: tuple[str, ...] = ("",)
    but: tuple[str, ...] = ()
    arms: tuple[str, ...] = TWO

    def fits(self, pool: Pool, setting: str) -> bool:
        """Whether it is asked in a setting. Fresh seeds of a setting are not another one."""
        return (
            setting.startswith(self.settings)
            and not setting.startswith(self.but)
            and "first_seed" not in pool.axes[setting]
            and all((setting, arm) in pool for arm in self.arms)
        )


def cells(pool: Pool, question: Question) -> dict[str, tuple[str, Conclusion]]:
    """Return {setting: (HOLDS, OPEN or FAILS, the conclusion)} for every setting it is asked in."""
    found = {}
    for setting in filter(lambda name: question.fits(pool, name), pool.axes):
        conclusion = question.ask(pool, setting)
        found[setting] = conclusion.says(question.sentence), conclusion
    return found


def summary(found: Mapping[str, tuple[str, Conclusion]], *, named: bool = True) -> str:
    """Say where a sentence holds: that it travels, or the settings in which it flips.

    named: whether the settings in which it does not hold are named, or counted only.
    """
    if not found:
        return "was not asked in any setting"
    by_word = {word: [s for s, (w, _) in found.items() if w == word] for word in (HOLDS, FAILS)}
    held, failed, count = by_word[HOLDS], by_word[FAILS], len(found)
    undecided = count - len(held) - len(failed)
    text = f"holds in {len(held)} of {count} settings"
    if len(held) == count:
        return f"travels: {text}"
    if failed:
        text += f"; does not in {len(failed)}" + (f": {'; '.join(failed)}" if named else "")
    if undecided:
        text += f"; too close to call in {undecided}"
    return text


# ------------------------------------------------------------------------------- how to ask


def _inside(choice: Choice, values: np.ndarray) -> np.ndarray:
    """(seeds,): the values at a chosen rate; nan at the edge of the grid, where a better rate may
    lie beyond, so that nothing is concluded."""
    return values if choice.inside else np.full(values.shape, np.nan)


def _at(choice: Choice, values: np.ndarray) -> np.ndarray:
    """(seeds,): of values at all rates those at the chosen one, if it is inside."""
    return _inside(choice, values[choice.row])


def _tuned(pool: Pool, setting: str, *arms: str) -> np.ndarray:
    """(seeds,): test accuracy of the best of these arms at its own best rate and steps."""
    accuracy, choice = pool.stopped(setting, *arms)
    return _inside(choice, accuracy)


def _compare(pool, setting, of, measure) -> Conclusion:
    """Batch norm against the plain network, in what `of` makes of the runs of each."""
    arms = (of(pool.runs(setting, arm)) for arm in ("batch norm", "plain"))
    return conclude(*arms, measure)


def _accuracy(changed: str, baseline: str, *about) -> Question:
    """A question about test accuracy, each arm at its own best rate and number of steps."""

    def ask(pool, setting):
        return conclude(*(_tuned(pool, setting, a) for a in (changed, baseline)), "accuracy")

    return Question(ask, *about, arms=(changed, baseline))


def goals(plain: Runs) -> tuple[float, float]:
    """Accuracy on held-out and on test images that counts as arrived: 2 points less than the plain
    network reaches at its best, GOAL at most. Both arms have to get there."""
    row, margin = plain.choose_stopped().row, MEASURES["accuracy"].margin
    best = (plain.stopped(f"{part} accuracy")[row] for part in ("held-out", "test"))
    held_out, test = (min(GOAL, np.median(accuracy) - margin) for accuracy in best)
    return held_out, test


def steps_tuned(pool, setting) -> Conclusion:
    """Steps to the goal, each arm at its fastest rate."""
    held_out, test = goals(pool.runs(setting, "plain"))

    def fastest(runs):
        return _at(runs.choose_fastest(held_out), runs.steps_to("test accuracy", test))

    return _compare(pool, setting, fastest, "steps")


def steps_at_the_plain_rate(pool, setting) -> Conclusion:
    """Steps to the goal, both arms at the plain network's fastest rate."""
    held_out, test = goals(pool.runs(setting, "plain"))
    rate = pool.runs(setting, "plain").choose_fastest(held_out).rate

    def at_rate(runs):
        return runs.steps_to("test accuracy", test)[runs.at(rate)]

    return _compare(pool, setting, at_rate, "steps")


def _usable(runs: Runs) -> np.ndarray:
    """(rates, seeds): where the last accuracy is usable."""
    return runs.after("test accuracy") >= USABLE


def largest_rate(runs: Runs) -> np.ndarray:
    """(seeds,): the largest usable rate; -inf without one."""
    return np.where(_usable(runs), runs.rates[:, np.newaxis], -np.inf).max(axis=0)


def usable_decades(runs: Runs) -> np.ndarray:
    """(seeds,): how many decades of rates are usable, on a grid of half-decades."""
    return _usable(runs).sum(axis=0) / 2


def decades_of_weights(pool, setting) -> Conclusion:
    """Usable scales of the initial weights at the rate 0.1, on a grid of half-decades."""
    base = setting.removesuffix(", gain 1")
    scales = [name for name in pool.axes if name.startswith(f"{base}, gain ")]

    def usable(arm):
        runs = [pool.runs(name, arm) for name in scales]
        return np.sum([_usable(r)[r.at(0.1)] for r in runs], axis=0) / 2

    return conclude(usable("batch norm"), usable("plain"), "decades")


def _last(pool, setting, key):
    """(seeds, ...): a number of the trained batch norm network at its best rate."""
    runs = pool.runs(setting, "batch norm")
    return _at(runs.choose(), runs.last[key])


def undone(pool, setting) -> Conclusion:
    """The largest share of the way to undoing, of any layer's gammas or betas."""
    share = np.max(_last(pool, setting, "undone"), axis=-1)
    return conclude(share, np.zeros_like(share), "share")


def eval_mode(pool, setting) -> Conclusion:
    """Eval mode against batches of the training size that normalize themselves."""
    runs = pool.runs(setting, "batch norm")
    in_eval_mode = _at(runs.choose(), runs.after("test accuracy"))
    return conclude(in_eval_mode, _last(pool, setting, "own"), "accuracy")


def unbiased_variance(pool, setting) -> Conclusion:
    """The unbiased variance of batches against that of all images, behind the first batch norm."""
    ratio = _last(pool, setting, "variance")[:, 1:].mean(axis=1)
    return conclude(ratio, np.ones_like(ratio), "variance")


def stopped_loss(pool, setting) -> Conclusion:
    """Test loss, each arm at its own best rate and number of steps."""

    def best(runs):
        return _at(runs.choose_stopped("held-out loss"), runs.stopped("test loss"))

    return _compare(pool, setting, best, "loss")


def gain_of_dropout(pool, setting) -> Conclusion:
    """What dropout adds without batch norm, or the margin where it adds less than that, against
    what it adds with batch norm; p, rate and steps tuned. Worse: it is needed more."""
    with_norm, without = (
        _tuned(pool, setting, *dropouts) - _tuned(pool, setting, arm)
        for arm, dropouts in (("batch norm", DROPOUTS[2:]), ("plain", DROPOUTS[:2]))
    )
    needed_anyway = np.maximum(without, MEASURES["accuracy"].margin)
    return conclude(needed_anyway, with_norm, "accuracy")


def errors_at_a_larger_rate(pool, setting) -> Conclusion:
    """Errors of batch norm at its best rate against those at the plain network's best rate."""
    runs, plain = pool.runs(setting, "batch norm"), pool.runs(setting, "plain").choose().rate
    errors = 1 - runs.after("test accuracy")
    return conclude(_at(runs.choose(), errors), errors[runs.at(plain)], "errors")


def gamma_and_beta_alone(pool, setting) -> Conclusion:
    """Accuracy with all weights left random, against 0.88."""
    accuracy = _tuned(pool, setting, "only gamma and beta")
    bound = np.full_like(accuracy, 0.88 - MEASURES["accuracy"].margin)
    return conclude(accuracy, bound, "accuracy")


def _of(measure, of):
    return lambda pool, setting: _compare(pool, setting, of, measure)


PLAIN_TASKS = ("relu", "tanh", "sigmoid")  # all images, right labels
GAINS = tuple(  # of these bases the initial weights were also scaled
    f"{base}, gain"
    for base in (
        "relu",
        "relu, batch 8",
        "relu, batch 20",
        "relu, batch 256",
        "relu, 2 x 128",
        "relu, pixels standardized",
        "relu, MNIST",
        "tanh",
        "sigmoid",
    )
)
FEW, WRONG = ("300 images", "1047 images"), ("wrong labels",)

QUESTIONS = {
    "fewer-steps": Question(steps_at_the_plain_rate, "better", PLAIN_TASKS, GAINS),
    "fewer-steps-tuned": Question(steps_tuned, "better", PLAIN_TASKS, GAINS),
    "undo-in-training": Question(undone, "better", (*PLAIN_TASKS, *FEW), GAINS),
    "unbiased-running-variance": Question(unbiased_variance, "alike", PLAIN_TASKS, GAINS),
    "worse-at-inference": Question(eval_mode, "worse", PLAIN_TASKS, GAINS),
    "before-the-activation": _accuracy("batch norm behind", "batch norm", "worse", PLAIN_TASKS),
    "noisy-trains-alike": _accuracy("noisy batch norm", "batch norm", "not worse", PLAIN_TASKS),
    "largest-usable-rate": Question(_of("rate", largest_rate), "better", PLAIN_TASKS, GAINS),
    "learning-rate-matters-less": Question(
        _of("decades", usable_decades), "better", PLAIN_TASKS, GAINS
    ),
    "initialization-matters-less": Question(
        decades_of_weights,
        "better",
        tuple(f"{gain} 1" for gain in GAINS),
        tuple(f"{gain} 10" for gain in GAINS),  # and 100
    ),
    "larger-rates-generalize": Question(
        errors_at_a_larger_rate, "better", (*PLAIN_TASKS, *FEW), GAINS
    ),
    "depth-trainable-by-norm": _accuracy(
        "batch norm",
        "plain",
        "better",
        ("relu, 2 x", "relu, 8", "relu, 12", "relu, 20", "30 x", "60 x"),
        GAINS,
    ),
    "only-gamma-beta": Question(
        gamma_and_beta_alone, "better", ("gamma and beta",), arms=("only gamma and beta",)
    ),
    "batch-norm-regularizes": Question(stopped_loss, "better", FEW),
    "no-harm-with-wrong-labels": _accuracy("batch norm", "plain", "not worse", WRONG),
    "dropout-needed-less": Question(
        gain_of_dropout, "not worse", (*FEW, *WRONG), arms=(*TWO, *DROPOUTS)
    ),
    "no-harm-in-any-batch": _accuracy("batch norm", "plain", "not worse", PLAIN_TASKS, GAINS),
    "group-norm-small-batches": _accuracy("group norm", "batch norm", "better", PLAIN_TASKS),
}
