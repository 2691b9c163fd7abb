"""Exercises of the notebook `learning_rate_and_init`: usable rates, rescaled weights, eps, and
rescaled weights under other optimizers."""

import numpy as np

from helpers.exercises.engine import (
    array_like,
    exercise,
    number,
    order,
    parts,
    prediction,
    same,
    same_of_whole,
    slip,
)

RATES = np.array([0.001, 0.01, 0.02, 0.1, 0.5, 1.0, 10.0])
ACCURACY = np.array([0.21, 0.55, 0.6, 0.93, 0.88, 0.72, 0.1])

_rng = np.random.default_rng(90)
WEIGHT = _rng.normal(size=(4, 3))
GRAD = _rng.normal(size=(4, 3))
LR, SCALE = 0.3, 5.0

FIRST, GAIN, DEPTH, EPS = 0.8, 0.7, 4, 0.2  # eps large enough that every misplaced eps shows

number(
    "rate-longer-weights",
    answer=0.1,
    within=1.05,
    reason="The output is the same, so the same change of it takes ten times the change of the "
    "weights.",
    recalls="backward",
)
number(
    "rate-at-the-edge",
    answer=40,
    within=1.2,
    reason="The edge is where rate times smoothness reaches 2.",
    recalls="smoothing",
)
prediction(
    "rate-smoother-loss",
    right="c",
    a="smoothness helps only if it is spent on a larger rate, and here the rate was the same.",
    b="it was faster by a few steps in most seeds, but by far less than the margin.",
    c="about 210 and 240 steps. Smoothness helps only if it is spent on a larger rate.",
    recalls="smoothing",
)

number(
    "rate-range",
    answer=10,
    unit="times",
    within=2,
    reason="A decade, in every seed; in networks of two layers it is much less. At the lower end "
    "nothing changes.",
    measured_by="np.median(high_bn / high)",
)
number(
    "rate-gradient-length",
    answer=0.84,
    reason="Two factors cancel. The gradient with respect to shorter weights is longer; but the "
    "output weights are shorter as well, and they hand less of it down.",
    measured_by="np.median(squared['batch norm', 0.3]) / np.median(squared['batch norm', 1.0])",
)
prediction(
    "rate-slower-group",
    right="c",
    a="the trouble takes two. Slow down the right one, and the others may stay fast.",
    b="they can stay as fast as they are: slowing them down, alone, does not help.",
    c="nothing normalizes what the output layer computes, so too long a step shows at once. (gamma "
    "and beta, alone, would have been enough, too.)",
    believed={"a": "quote: too-high-a-rate", "b": "quote: lower-layers-slower"},
)
number(
    "rate-after-one-step",
    answer=0.061,
    within=3,
    reason="The weights become as long as that one step, and the effective rate divides by their "
    "squared length: the longer the first step, the shorter all others.",
    measured_by="curves['rate 1,000'][1]",
    tolerance=0.2,
)
order(
    "rate-initial-weights",
    answer="cab",
    reason="Beside small weights the usual step is long, and they grow within a few steps. Beside "
    "large ones it is nothing, nothing makes them shrink, and large output weights start out sure "
    "of wrong answers.",
    a="1,000 times too small",
    b="100 times too small",
    c="100 times too large",
    measured_by="np.median(by_gain['batch norm'], axis=0)[[1, 2, 6]]",
)
prediction(
    "rate-unseen-images",
    right="b",
    a="the factor belongs to the batch size: what helps in batches of 64 no longer does in 20.",
    b="a long step in a small batch is too noisy, and the gain of the larger rate is lost.",
    c="more noise helps up to a point, and rate 1 in batches of 64 was noisy enough.",
    believed={"a": "claim: larger-rates-generalize", "c": "quote: smaller-batches-generalize"},
)


@exercise(
    "First find the rates whose accuracy reaches the target, then look at the smallest and the "
    "largest of them.",
    "A comparison makes an array of True and False; rates[mask] picks entries with it. A decade is "
    "a factor of 10: count factors, not differences.",
    "Let usable be rates[accuracy >= target]. Return usable.min(), usable.max() and "
    "np.log10(usable.max() / usable.min()). If usable is empty, return three times np.nan.",
)
def usable_range(rates, accuracy, target):
    usable = rates[accuracy >= target]
    smallest = largest = decades = np.nan
    if len(usable) > 0:
        smallest, largest = usable.min(), usable.max()
        decades = np.log10(largest / smallest)
    return smallest, largest, decades


def _range(result):
    names = "smallest", "largest", "decades"
    found = parts(result, *names)
    return [array_like(value, name, shape=()) for value, name in zip(found, names, strict=True)]


@usable_range.expect
def rates_that_reach_the_target():
    """The smallest and the largest rate whose accuracy reaches the target."""
    low, high, _ = _range((yield (RATES, ACCURACY, 0.7), {}))
    slip(low, 3, "this is the rate's position; return the rate itself")
    slip([low, high], [1.0, 0.1], "the largest comes second")
    slip(low, RATES.min(), "this is the smallest rate of the grid, whatever its accuracy")
    slip(high, RATES.max(), "this is the largest rate of the grid, whatever its accuracy")
    same([low, high], [0.1, 1.0], "(smallest, largest)")


@usable_range.expect
def decades():
    """A range from 0.02 to 1 is log10(50) = 1.7 decades wide."""
    _, _, width = _range((yield (RATES, ACCURACY, 0.58), {}))
    slip(width, 0.98, "this is the difference; a decade is a factor of 10")
    slip(width, 50, "this is the factor; its logarithm counts the decades")
    slip(width, np.log(50), "this is the natural logarithm; a decade is a factor of 10")
    slip(width, np.log2(50), "this counts doublings; a decade is a factor of 10")
    slip(width, -np.log10(50), "upside down: divide the largest by the smallest")
    same(width, np.log10(50), "decades")


@usable_range.expect
def reaching_is_enough():
    """An accuracy equal to the target counts."""
    low, _, _ = _range((yield (RATES, ACCURACY, 0.6), {}))
    same(low, 0.02, "smallest")


@usable_range.expect
def any_order():
    """The rates may come in any order, and there may be any number of them."""
    for places in ([4, 0, 6, 2, 1, 5, 3], [4, 0, 5, 3], [6, 1, 2, 4, 0, 5, 3, 1]):
        low, high, _ = _range((yield (RATES[places], ACCURACY[places], 0.7), {}))
        same([low, high], [0.1, 1.0], f"(smallest, largest) of {len(places)} rates")


@usable_range.expect
def across_a_gap():
    """Only the two ends count: a rate between them may fail."""
    gap = np.where(RATES == 0.1, 0.3, ACCURACY)
    low, high, width = _range((yield (RATES, gap, 0.58), {}))
    same([low, high], [0.02, 1.0], "(smallest, largest)")
    same(width, np.log10(50), "decades")


@usable_range.expect
def a_single_rate():
    """One usable rate is a range of 0 decades."""
    same(_range((yield (RATES, ACCURACY, 0.9), {})), [0.1, 0.1, 0.0], "the range")


@usable_range.expect
def diverged():
    """A run that ended in nan reached nothing."""
    accuracy = np.where((RATES == 10) | (RATES == 0.02), np.nan, ACCURACY)
    low, high, _ = _range((yield (RATES, accuracy, 0.58), {}))
    slip(high, 10, "a run that ended in nan reached nothing: ask for accuracy >= target")
    slip(low, 0.02, "a run that ended in nan reached nothing: ask for accuracy >= target")
    says = "one nan among the accuracies must not spoil the others"
    assert not np.isnan([low, high]).any(), says
    same([low, high], [0.1, 1.0], "(smallest, largest)")


@usable_range.expect
def no_rate():
    """If no rate reaches the target there is no range: return np.nan three times."""
    for accuracy in (ACCURACY, np.full(len(RATES), np.nan)):
        found = _range((yield (RATES, accuracy, 0.99), {}))
        assert np.isnan(found).all(), f"got {', '.join(f'{v:g}' for v in found)}, expected nan each"


@exercise(
    "Batch norm takes the factor a out again, so the output is the same. How does the loss respond "
    "if you move a weight that is a times as large?",
    "Her gradient is grad / a. Her weights are a times as long, so her steps must be a times as "
    "long as yours, although her gradient is shorter.",
    "Rate times gradient must be a * lr * grad, so her rate is a**2 * lr.",
)
def rescaled_step(weight, grad, lr, a):
    gradient = grad / a
    rate = a**2 * lr
    weights = a * weight - rate * gradient
    return gradient, rate, weights


@rescaled_step.expect
def three_results():
    """Return her gradient, her rate and her weights after the step."""
    grad, lr, weight = parts((yield (WEIGHT, GRAD, LR, SCALE), {}), "gradient", "rate", "weights")
    array_like(grad, "her gradient", shape=(4, 3))
    array_like(lr, "her rate", shape=())
    array_like(weight, "her weights", shape=(4, 3))


@rescaled_step.expect
def her_gradient():
    """Weights a times as large have a gradient a times as small."""
    grad, _, _ = yield (WEIGHT, GRAD, LR, SCALE), {}
    slip(grad, GRAD, "this is your gradient; hers is another")
    hers = SCALE * (WEIGHT - LR * GRAD)
    slip(grad, hers, "these are her weights: return (gradient, rate, weights), in this order")
    slip(grad, SCALE * GRAD, "upside down: larger weights, smaller gradients")
    slip(grad, GRAD / SCALE**2, "divide the gradient by a once; the rate takes care of the rest")
    same(grad, GRAD / SCALE, "her gradient")


@rescaled_step.expect
def her_rate():
    """Her step is a times as long as yours although her gradient is a times as small."""
    _, lr, _ = yield (WEIGHT, GRAD, LR, SCALE), {}
    slip(lr, LR, "with your rate her step is a times shorter than yours, on weights a times longer")
    slip(lr, SCALE * LR, "this makes her step as long as yours; her weights are a times longer")
    slip(lr, LR / SCALE**2, "upside down: longer weights need a larger rate")
    slip(lr, LR / SCALE, "upside down: longer weights need a larger rate")
    same(lr, SCALE**2 * LR, "her rate")


@rescaled_step.expect
def her_weights():
    """After the step her weights are a times yours: both layers still compute the same."""
    _, _, weight = yield (WEIGHT, GRAD, LR, SCALE), {}
    slip(weight, WEIGHT - LR * GRAD, "these are your weights; hers are a times as large")
    slip(weight, SCALE * (WEIGHT + LR * GRAD), "her step goes uphill: subtract it")
    slip(weight, WEIGHT - SCALE * LR * GRAD, "she starts from a * weight")
    slip(weight, -SCALE * LR * GRAD, "this is her step; she starts from a * weight")
    same(weight, SCALE * (WEIGHT - LR * GRAD), "her weights")


@rescaled_step.expect
def smaller_weights():
    """It holds for weights that are smaller than yours, too, and for a layer of any size."""
    for c, d in ((4, 3), (3, 2)):
        mine, slope, size = WEIGHT[:c, :d], GRAD[:c, :d], f"{c} units, {d} inputs"
        result = yield (mine, slope, 0.2, 0.1), {}
        grad, lr, weight = parts(result, "gradient", "rate", "weights")
        same(grad, 10 * slope, f"her gradient at a = 0.1 ({size})")
        same(lr, 0.002, "her rate at a = 0.1 and lr = 0.2")
        same(weight, 0.1 * (mine - 0.2 * slope), f"her weights at a = 0.1 and lr = 0.2 ({size})")


@exercise(
    "Go from layer to layer in a loop. What enters a batch norm has a variance; what leaves it has "
    "the deviation sqrt(var / (var + eps)).",
    "A layer that gets the deviation s hands the variance gain**2 * (1 - 1 / np.pi) * s**2 to its "
    "batch norm.",
    "Start a list with first. Append sqrt(var / (var + eps)), var from the last entry, until the "
    "list has `depth` entries.",
)
def deviation_per_layer(first, gain, depth, eps=1e-5):
    deviations = [first]
    while len(deviations) < depth:
        var = gain**2 * (1 - 1 / np.pi) * deviations[-1] ** 2
        deviations.append(np.sqrt(var / (var + eps)))
    return np.array(deviations)


@deviation_per_layer.expect
def one_per_layer():
    """One deviation per layer, the first of them as given."""
    found = array_like((yield (FIRST, GAIN, DEPTH), {"eps": EPS}), "the result", shape=(DEPTH,))
    same(found[0], FIRST, "the first entry")


@deviation_per_layer.expect
def one_layer():
    """The second layer: the root of var / (var + eps)."""
    found = yield (FIRST, GAIN, 2), {"eps": EPS}
    var = GAIN**2 * (1 - 1 / np.pi) * FIRST**2
    second = array_like(found, "the result", shape=(2,))[1]
    slip(second, var / (var + EPS), "this is a variance; the deviation is its root")
    slip(second, np.sqrt(var), "this is what enters batch norm; then it divides")
    slip(second, np.sqrt(var) / (np.sqrt(var) + EPS), "eps belongs inside the root")
    slip(second, np.sqrt(var / EPS), "batch norm divides by the root of var + eps, not of eps")
    for power, wrong in ((1, "gain"), (0, "no gain")):
        of_wrong = GAIN**power * (1 - 1 / np.pi) * FIRST**2
        says = f"a variance grows with gain**2; you have {wrong}"
        slip(second, np.sqrt(of_wrong / (of_wrong + EPS)), says)
    without_he = var / 2
    says = "the sum over n weights of variance gain**2 * 2 / n gives a factor of 2: it is missing"
    slip(second, np.sqrt(without_he / (without_he + EPS)), says)
    without_relu = GAIN**2 * FIRST**2
    slip(
        second, np.sqrt(without_relu / (without_relu + EPS)), "the factor 1 - 1 / np.pi is missing"
    )
    fresh = GAIN**2 * (1 - 1 / np.pi)
    slip(second, np.sqrt(fresh / (fresh + EPS)), "the deviation of the layer before counts, too")
    linear = GAIN**2 * (1 - 1 / np.pi) * FIRST
    slip(second, np.sqrt(linear / (linear + EPS)), "a variance grows with the deviation squared")
    same(second, np.sqrt(var / (var + EPS)), "the second layer")


@deviation_per_layer.expect
def layer_by_layer():
    """Every layer takes what the layer before it hands on."""
    found = yield (FIRST, GAIN, DEPTH), {"eps": EPS}
    same(found, deviation_per_layer(FIRST, GAIN, DEPTH, EPS), "the deviations")


@deviation_per_layer.expect
def default_eps():
    """Without an eps it uses 1e-5."""
    found = yield (1.0, 3e-3, 5), {}
    same(found, deviation_per_layer(1.0, 3e-3, 5, 1e-5), "the deviations")


@deviation_per_layer.expect
def whole_start():
    """The first deviation may be a whole number; the others have fractions."""
    found = yield (1, 2, DEPTH), {"eps": EPS}
    same_of_whole(found, deviation_per_layer(1, 2, DEPTH, EPS), "the deviations")


@deviation_per_layer.expect
def one_alone():
    """A network with one layer has one deviation."""
    same((yield (FIRST, GAIN, 1), {"eps": EPS}), [FIRST], "the result")


@exercise(
    "Her layer computes the same, so her gradient is g / a. Her weights, and so all that is taken "
    "from them in one step, must be a times yours.",
    "In a sum both terms must change alike. In g + decay * w the first becomes g / a. What must "
    "her decay be, so that the second becomes decay * w / a?",
    "Adam divides by the root of the mean square: m / sqrt(v) is the same for a gradient that is a "
    "times as small. With AdamW rate times decay must stay the same.",
    "sgd: a**2 * lr and decay / a**2; adam: a * lr and decay / a**2; adamw: a * lr and decay / a.",
)
def her_settings(optimizer, lr, weight_decay, a):
    if optimizer == "sgd":
        return a**2 * lr, weight_decay / a**2
    if optimizer == "adam":
        return a * lr, weight_decay / a**2
    return a * lr, weight_decay / a


DECAY = 0.02


@her_settings.expect
def rate_and_decay():
    """Return two numbers: her rate and her weight decay."""
    lr, decay = parts((yield ("sgd", LR, DECAY, SCALE), {}), "rate", "decay")
    array_like(lr, "her rate", shape=())
    array_like(decay, "her decay", shape=())


def _slips_of_rate(lr, right):
    says = {
        LR: "with your rate her step would not be a times yours",
        SCALE * LR: "her gradient is a times as small, and her step must be a times as long",
        SCALE**2 * LR: "m / sqrt(v) does not notice that the gradient is smaller: a once is enough",
        LR / SCALE: "upside down: longer weights need longer steps",
        LR / SCALE**2: "upside down: longer weights need longer steps",
    }
    for wrong in says.keys() - {right}:
        slip(lr, wrong, says[wrong])
    same(lr, right, "her rate")


def _decay_beside_the_gradient(decay):
    """SGD and Adam add decay * w to the gradient, which is a times as small for her."""
    slip(decay, DECAY, "decay * w grows with her weights, while g shrinks: decay must shrink twice")
    slip(decay, DECAY / SCALE, "this keeps decay * w as it was, while g is a times as small")
    slip(decay, DECAY * SCALE**2, "upside down: her weights are longer, so less of them is enough")
    same(decay, DECAY / SCALE**2, "her decay")


@her_settings.expect
def with_sgd():
    """With SGD both g and decay * w must become a times as small, and the rate make up for it."""
    lr, decay = yield ("sgd", LR, DECAY, SCALE), {}
    slip(lr, DECAY / SCALE**2, "the rate comes first, then the decay")
    _slips_of_rate(lr, SCALE**2 * LR)
    _decay_beside_the_gradient(decay)


@her_settings.expect
def with_adam():
    """With Adam the sum g + decay * w must keep its proportions; its size does not matter."""
    lr, decay = yield ("adam", LR, DECAY, SCALE), {}
    _slips_of_rate(lr, SCALE * LR)
    _decay_beside_the_gradient(decay)


@her_settings.expect
def with_adamw():
    """With AdamW the pull lr * decay must take the same share of her weights as of yours."""
    lr, decay = yield ("adamw", LR, DECAY, SCALE), {}
    _slips_of_rate(lr, SCALE * LR)
    slip(decay, DECAY, "the share lr * decay of her weights is taken, and her lr is a times yours")
    slip(decay, DECAY / SCALE**2, "that is Adam's: here the decay does not stand beside g")
    slip(decay, DECAY * SCALE, "upside down: the share lr * decay must stay as it is")
    same(decay, DECAY / SCALE, "her decay")


@her_settings.expect
def any_factor():
    """It holds for any positive factor, also below 1, and for a decay of 0."""
    for a in (0.25, 1.5):
        for optimizer, rate, decay in (
            ("sgd", a**2, a**-2),
            ("adam", a, a**-2),
            ("adamw", a, 1 / a),
        ):
            for weight_decay in (0.1, 0.0):
                found = yield (optimizer, 0.01, weight_decay, a), {}
                what = f"rate and decay (for {optimizer}, a = {a:g}, decay {weight_decay:g})"
                same(found, [0.01 * rate, weight_decay * decay], what)
