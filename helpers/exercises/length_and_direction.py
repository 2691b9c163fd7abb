"""Exercises of the notebook `length_and_direction`: a length of its own, its growth, a race."""

import numpy as np

from helpers.exercises.engine import (
    array_like,
    exercise,
    number,
    order,
    parts,
    prediction,
    same,
    slip,
    word,
)

_rng = np.random.default_rng(110)
# Four units with five inputs; vectors of different length, one length negative.
V = _rng.normal(size=(4, 5)) * np.array([0.3, 1.0, 4.0, 2.0])[:, None]
DW = _rng.normal(size=(4, 5)) + np.array([1.0, -0.5, 0.0, 2.0])[:, None]
LENGTH = np.array([2.0, 0.5, -1.5, 3.0])

# Six inputs that vary together; S is their average product, q their average product with y.
_inputs = _rng.normal(size=(40, 6)) @ _rng.normal(size=(6, 6))
S = _inputs.T @ _inputs / 40
BEST = _rng.normal(size=6)
Q = S @ BEST
W = _rng.normal(size=6)
LAMBDA_MAX = float(np.linalg.eigvalsh(S)[-1])

# A rate that changes from step to step, and a decay that shows in each.
LRS = np.array([0.6, 0.4, 0.8, 0.1, 0.3])

number(
    "length-same-training",
    answer=25,
    unit="times",
    within=1.02,
    reason="Her gradient is 5 times shorter and her weights 5 times as long, so the same step "
    "turns them by a twenty-fifth of the angle.",
    recalls="learning_rate_and_init",
)
word(
    "length-way-back",
    answers=(
        "skip connection",
        "skip connections",
        "skip",
        "residual connection",
        "shortcut",
        "shortcut connection",
        "skip path",
        "bypass",
        "identity",
    ),
    reason="y is x plus what the branch computes, so over the skip the gradient is multiplied by "
    "1. Over the branch it is divided by the spread of the block's input.",
    recalls="depth",
)
order(
    "length-growth",
    answer="bca",
    reason="He's weights keep the gradient as it is, and batch norm lengthens it in every layer. "
    "With skips, each block adds less than the one before.",
    a="layers with batch norm",
    b="plain layers, He's weights",
    c="residual blocks with batch norm",
    recalls="depth",
)

prediction(
    "length-one-step",
    right="a",
    a="the gradient is perpendicular to the weights, so the step is one side of a right angle and "
    "the new weights are its long side.",
    b="there is no slope, so an infinitely small step would leave the length as it is. A real step "
    "leads along the tangent, and every tangent leads outward.",
    c="longer weights have smaller gradients and grow ever more slowly, but no step is without a "
    "gradient: the growth never ends.",
    believed={"b": "quote: norms-constant", "c": "claim: stabilizes-growth"},
)
number(
    "length-adam",
    answer=10,
    unit="times",
    within=1.5,
    reason="Adam's steps are as long as the rate says, whatever the size of the gradient. So only "
    "one of the two factors is left: a step of the same length turns long weights by less.",
    measured_by="min(adam_gaps, key=adam_gaps.get)",
)
number(
    "length-rates",
    answer=3.4,
    unit="times",
    within=2,
    reason="The larger rate takes longer steps, longer steps make longer weights, and the rate is "
    "divided by the squared length. They do not meet exactly: the gradients differ along the way.",
    measured_by="np.median(final[2:5].max(axis=0) / final[2:5].min(axis=0))",
)
prediction(
    "length-start",
    right="c",
    a="that is where they start: the rate is divided by the squared length. But the length does "
    "not stay what it was.",
    b="the gradient is ten times smaller at first, and the angle a hundred times; neither stays.",
    c="the weights shrink until shrinking and growing balance, and there the angle depends on the "
    "rate and the decay alone.",
    believed={"a": "quote: initial-steps", "b": "claim: large-weights-small-gradients"},
)
number(
    "length-gamma-beta",
    answer=94,
    unit="% of the test images",
    within_absolute=8,
    reason="The features are random, but there are many of them, and gamma and beta choose among "
    "them: which to make loud, which to silence.",
    measured_by='100 * np.median(alone["6 x 128"])',
    tolerance=2,
)


@exercise(
    "w = length * v / |v|, unit by unit. How does w change if only the length changes? And which "
    "part of a change of v does not change w at all?",
    "The derivative of |v| by one entry of v is that entry over |v|. Write the derivative of "
    "length * v / |v| by v with it (quotient rule), and look for dw along v / |v|.",
    "dlength is dw along the direction v / |v|: one number per unit. dv is what remains of dw when "
    "that part has been taken away, times length / |v|.",
    "direction = v / norm with norm = np.linalg.norm(v, axis=1, keepdims=True); dlength = "
    "(dw * direction).sum(axis=1); dv = length[:, None] / norm * (dw - dlength[:, None] * "
    "direction).",
)
def split_gradient(dw, v, length):
    norm = np.linalg.norm(v, axis=1, keepdims=True)
    direction = v / norm
    dlength = (dw * direction).sum(axis=1)
    dv = length[:, None] / norm * (dw - dlength[:, None] * direction)
    return dv, dlength


@split_gradient.expect
def two_parts():
    """Return (dv, dlength): dv shaped like v, and one number per unit."""
    dv, dlength = parts((yield (DW, V, LENGTH), {}), "dv", "dlength")
    array_like(dv, "dv", shape=(4, 5))
    array_like(dlength, "dlength", shape=(4,))


@split_gradient.expect
def orthogonal():
    """dv is perpendicular to v, unit by unit: a longer v makes the same w."""
    dv, _ = yield (DW, V, LENGTH), {}
    slip(dv, DW, "this is dw itself: take away its part along v")
    norm = np.linalg.norm(V)
    rest = DW - (DW * V).sum(axis=1, keepdims=True) * V / norm**2
    slip(
        dv, LENGTH[:, None] / norm * rest, "this norm is of all units together; one per row: axis=1"
    )
    along = np.abs((dv * V).sum(axis=1)) / np.linalg.norm(V, axis=1)
    worst = int(np.argmax(along))
    assert along[worst] < 1e-9, (
        f"dv of unit {worst} has a part of {along[worst]:.2g} along v, expected 0"
    )


@split_gradient.expect
def gradient_of_the_length():
    """dlength is the part of dw along the direction of v."""
    _, dlength = yield (DW, V, LENGTH), {}
    product, norm = (DW * V).sum(axis=1), np.linalg.norm(V, axis=1)
    slip(dlength, product, "this is dw times v; the direction is v / |v|")
    slip(dlength, product / norm**2, "you divide by |v| twice; the direction is v / |v|")
    slip(dlength, LENGTH * product / norm, "the length stands in front of dv, not of dlength")
    slip(dlength, product / np.linalg.norm(V), "each unit has its own |v|: axis=1")
    same(dlength, product / norm, "dlength")


@split_gradient.expect
def gradient_of_the_direction():
    """dv is the rest of dw, times length / |v|."""
    dv, _ = yield (DW, V, LENGTH), {}
    right, _ = split_gradient(DW, V, LENGTH)
    norm = np.linalg.norm(V, axis=1)[:, None]
    slip(dv, right * norm / LENGTH[:, None], "this is the rest of dw; it is missing length / |v|")
    slip(dv, right * norm, "the longer v, the smaller dv: divide by |v|")
    slip(dv, right / LENGTH[:, None], "the length is missing: w is length times the direction")
    slip(dv, right / norm, "you divide by |v| twice")
    same(dv, right, "dv")


@split_gradient.expect
def any_size():
    """It works for any number of units and inputs, also for a single one."""
    for units, inputs in ((3, 3), (1, 5), (4, 1)):
        args = DW[:units, :inputs], V[:units, :inputs], LENGTH[:units]
        dv, dlength = parts((yield args, {}), "dv", "dlength")
        expected = split_gradient(*args)
        same(dv, expected[0], f"dv ({units} units, {inputs} inputs)")
        same(dlength, expected[1], f"dlength ({units} units, {inputs} inputs)")


@exercise(
    "One step is w - lr * (g + weight_decay * w). Which part of it runs along w, and which part "
    "stands at a right angle to w?",
    "Along w: (1 - lr * weight_decay) times the length. Across: lr times the gradient, and that is "
    "lr * slope / length. The new length is the long side of that right angle.",
    "length = np.sqrt(((1 - lr * weight_decay) * length) ** 2 + (lr * slope / length) ** 2), "
    "steps times, with the old length on the right; keep them all, the first one included.",
)
def weight_lengths(length, slope, lr, weight_decay, steps):
    lengths = [length]
    for _ in range(steps):
        along = (1 - lr * weight_decay) * lengths[-1]
        across = lr * slope / lengths[-1]
        lengths.append(np.sqrt(along**2 + across**2))
    return np.array(lengths)


@weight_lengths.expect
def all_lengths():
    """Return one length for every moment from before the first step to after the last."""
    lengths = yield (3, 2.0, 0.5, 0.1, 4), {}
    lengths = array_like(lengths, "lengths")
    missing = ": the length at the start belongs in front" if lengths.shape == (4,) else ""
    assert lengths.shape == (5,), f"4 steps have 5 lengths, got shape {lengths.shape}{missing}"
    same(lengths[0], 3.0, "lengths[0]")
    whole = "the start 3 is an integer and made all lengths whole numbers: use an array of floats"
    assert lengths.dtype.kind == "f", whole


@weight_lengths.expect
def growth():
    """Without decay the squared lengths add: that of the weights and that of the step."""
    lengths = yield (3.0, 2.0, 0.5, 0.0, 6), {}
    expected = weight_lengths(3.0, 2.0, 0.5, 0.0, 6)
    step = 0.5 * 2 / 3
    slip(lengths[1], 3 + step, "the step stands at a right angle: add the squares, not the lengths")
    slip(lengths[1], np.sqrt(9 - step**2), "the weights can only get longer: add the squares")
    slip(lengths[1], 9 + step**2, "this is the squared length: take the root")
    slip(lengths[1], np.sqrt(9 + (2 / 3) ** 2), "lr is missing: the step is lr times the gradient")
    slip(lengths[1], np.hypot(3, 1), "slope is the gradient at length 1; at length r it is slope/r")
    slip(lengths[1], np.hypot(3, 3), "longer weights have smaller gradients: slope / length")
    slip(
        lengths[1], np.hypot(3, step / 3), "you divide by the length twice: the gradient is slope/r"
    )
    constant = np.sqrt(9 + np.arange(7) * step**2)
    slip(
        lengths, constant, "the gradient shrinks as the weights grow: use the length of the moment"
    )
    same(lengths, expected, "lengths")


@weight_lengths.expect
def decay():
    """Without a gradient each step multiplies the length by 1 - lr * weight_decay."""
    lengths = yield (3.0, 0.0, 0.4, 0.1, 6), {}
    t = np.arange(7)
    slip(lengths, 3.0 * 0.9**t, "the decay is part of the gradient, so lr multiplies it as well")
    slip(lengths, 3.0 * np.sqrt(0.96) ** t, "the length shrinks by this factor, not its square")
    slip(lengths, 3.0 * (1 - 2 * 0.4 * 0.1) ** t, "the decay adds weight_decay * w to g, not twice")
    slip(lengths, 3.0 * 1.04**t, "the decay pulls the weights towards zero: 1 - lr * weight_decay")
    slip(lengths, np.full(7, 3.0), "without a gradient the weights still decay")
    same(lengths, 3.0 * 0.96**t, "lengths")


@weight_lengths.expect
def both_at_once():
    """One step w - lr * (g + weight_decay * w) does both, from the same w."""
    lengths = yield (3.0, 2.0, 0.5, 0.4, 6), {}
    step, keep = 0.5 * 2 / 3, 1 - 0.5 * 0.4
    after = keep * np.hypot(3, step)
    slip(lengths[1], after, "only the old weights decay, not the step that is being taken")
    slip(lengths[1], np.hypot(keep * 3, step / keep), "the gradient belongs to the weights before")
    same(lengths, weight_lengths(3.0, 2.0, 0.5, 0.4, 6), "lengths")


@weight_lengths.expect
def other_numbers():
    """It works for any length, slope, rate, decay and number of steps, also for no step at all."""
    for args in ((0.7, 1.3, 0.2, 0.3, 5), (2.0, 0.4, 1.5, 0.05, 1), (2.0, 0.4, 1.5, 0.05, 0)):
        found = yield args, {}
        what = "lengths for (length, slope, lr, weight_decay, steps) = " + str(args)
        same(found, weight_lengths(*args), what)


@exercise(
    "Two things happen: the weights get their best length, then they take one ordinary step.",
    "The best length: multiply w by k = (w @ q) / (w @ S @ w). The ordinary step goes along "
    "q - S @ w, at the rate 1 / lambda_max.",
    "w = k * w first, then return w + (q - S @ w) / lambda_max with this new w.",
)
def gdnp_step(w, q, S, lambda_max):
    k = (w @ q) / (w @ S @ w)
    w = k * w
    return w + (q - S @ w) / lambda_max


def _wrong_lengths(w):
    """Yield where a step ends that sets the length by a well-known mistake, and its name."""
    product, square = w @ Q, w @ S @ w
    stepped = w + (Q - S @ w) / LAMBDA_MAX
    yield stepped, "the length stayed as it was: multiply w by k first"
    after = (stepped @ Q) / (stepped @ S @ stepped) * stepped
    yield after, "first the length, then the step; you do it in the other order"
    for factor, says in (
        (1 / np.linalg.norm(w), "this length is 1; the best one is that of k * w"),
        (product / (w @ w), "S is missing: k is (w @ q) / (w @ S @ w)"),
        (product / np.sqrt(square), "this is gamma, with a root; k is (w @ q) / (w @ S @ w)"),
        (1 / np.sqrt(square), "this makes the variance 1; k is (w @ q) / (w @ S @ w)"),
        (square / product, "k is upside down: (w @ q) / (w @ S @ w)"),
    ):
        yield factor * w + (Q - factor * S @ w) / LAMBDA_MAX, says
    best = product / square * w
    yield (
        best + (Q - S @ w) / LAMBDA_MAX,
        "the gradient belongs to the weights at their best length",
    )
    yield w + (Q - S @ best) / LAMBDA_MAX, "the step starts from the weights at their best length"


@gdnp_step.expect
def a_vector():
    """Return the new weights, one per input."""
    array_like((yield (W, Q, S, LAMBDA_MAX), {}), "w", shape=(6,))


@gdnp_step.expect
def stays_at_the_best():
    """At the best weights, however long, it returns the best weights."""
    for factor in (1.0, 0.2, -3.0):
        start = factor * BEST
        w = yield (start, Q, S, LAMBDA_MAX), {}
        for wrong, says in _wrong_lengths(start):
            if not np.allclose(wrong, BEST):
                slip(w, wrong, says)
        same(w, BEST, f"w, from {factor:g} times the best")


@gdnp_step.expect
def the_step():
    """From the best length it takes one step of plain gradient descent."""
    w = yield (W, Q, S, LAMBDA_MAX), {}
    k = (W @ Q) / (W @ S @ W)
    right = gdnp_step(W, Q, S, LAMBDA_MAX)
    slip(w, k * W, "these are the weights at their best length; now take the step")
    slip(w, 2 * k * W - right, "this step goes uphill: add (q - S @ w) / lambda_max")
    slip(w, k * W + (right - k * W) * LAMBDA_MAX, "the rate is missing: divide by lambda_max")
    slip(w, k * W + (right - k * W) * LAMBDA_MAX**2, "divide by lambda_max, do not multiply by it")
    slip(w, k * W + 2 * (right - k * W), "this is twice the step")
    slip(w, k * W + (right - k * W) / 2, "this is half the step: the rate is 1 / lambda_max")
    again = (right @ Q) / (right @ S @ right) * right
    slip(w, again, "the step comes last: the next call sets the length again")
    same(w, right, "w")


@gdnp_step.expect
def given_rate():
    """The rate is 1 / lambda_max with the lambda_max that it is given."""
    w = yield (W, Q, S, 3 * LAMBDA_MAX), {}
    same(w, gdnp_step(W, Q, S, 3 * LAMBDA_MAX), "w")


@gdnp_step.expect
def any_number_of_inputs():
    """It works for any number of inputs, also for a single one."""
    for d in (4, 1):
        args = W[:d], Q[:d], S[:d, :d], LAMBDA_MAX
        same((yield args, {}), gdnp_step(*args), f"w ({d} inputs)")


@exercise(
    "Call what the decays of all steps before t have made of a length p: it starts at 1, and step "
    "t multiplies it by 1 - lrs[t] * weight_decay. If your weights are w, hers should be w / p.",
    "Divide your step by the p that comes after it: w_next / p_next = w / p - lrs[t] / p_next * g. "
    "So her step must be lrs[t] / p_next * g, with your gradient g.",
    "Her weights are 1 / p times as long as yours, so her gradient is p * g. Her rate is "
    "lrs[t] / (p_next * p).",
    "p_next for all steps is np.cumprod(1 - lrs * weight_decay); p is the same, one step earlier, "
    "with a 1 in front.",
)
def rates_without_decay(lrs, weight_decay):
    after = np.cumprod(1 - lrs * weight_decay)
    before = np.append(1.0, after[:-1])
    return lrs / (before * after)


@rates_without_decay.expect
def one_rate_per_step():
    """Return one rate per step, also for a single step."""
    array_like((yield (LRS, 0.2), {}), "rates", shape=(5,))
    array_like((yield (LRS[:1], 0.2), {}), "rates of a single step", shape=(1,))


@rates_without_decay.expect
def nothing_to_replace():
    """Without decay the rates stay as they are."""
    same((yield (LRS, 0.0), {}), LRS, "rates without decay")


@rates_without_decay.expect
def the_first_rate():
    """In the first step both have the same weights and the same gradient."""
    first = (yield (LRS, 0.2), {})[0]
    keep = 1 - 0.6 * 0.2
    slip(first, 0.6, "her weights become longer than yours already in the first step")
    slip(first, 0.6 * keep, "the other way round: her rates must be larger, not smaller")
    slip(first, 0.6 / keep**2, "in the first step her gradient is yours: divide by one factor only")
    slip(first, 0.6 / (1 - 0.2), "lr multiplies the decay as well: 1 - lr * weight_decay")
    slip(first, 0.6 / (1 - 2 * 0.6 * 0.2), "the decay adds weight_decay * w to the gradient, once")
    slip(
        first, 0.6 * np.exp(0.6 * 0.2), "nearly: the length is multiplied by 1 - lr * weight_decay"
    )
    same(first, 0.6 / keep, "rates[0]")


@rates_without_decay.expect
def a_constant_rate():
    """A constant rate with decay becomes one that grows by the same factor in every step."""
    rates = yield (np.full(6, 0.5), 0.2), {}
    t, keep = np.arange(6), 0.9
    slip(
        rates,
        0.5 / keep ** (t + 1),
        "her gradient is shorter than yours, too: her weights are longer",
    )
    slip(rates, np.full(6, 0.5 / keep), "the decays of all steps so far count, not only the last")
    slip(rates, 0.5 / keep ** (2 * t + 2), "her gradient is that of the weights before the step")
    slip(rates, 0.5 / keep ** (2 * t), "her weights are compared with yours after the step")
    same(rates, 0.5 / keep ** (2 * t + 1), "rates")


@rates_without_decay.expect
def any_schedule():
    """Each step has a rate of its own, and the decay of that step goes with it."""
    for lrs, decay in ((LRS, 0.2), (LRS[::-1], 0.7)):
        rates = yield (lrs, decay), {}
        t = np.arange(5)
        by_first = lrs / (1 - lrs[0] * decay) ** (2 * t + 1)
        slip(rates, by_first, "the decay of each step goes with the rate of that step")
        by_own = lrs / (1 - lrs * decay) ** (2 * t + 1)
        slip(rates, by_own, "earlier steps had other rates: multiply their factors")
        same(rates, rates_without_decay(lrs, decay), f"rates for lrs = {lrs}")
