"""Batch norm as a class, with all that it remembers.

Checks get an `objects.Judged` for every object that they ask for: its methods are the learner's.
"""

import numpy as np

from helpers.exercises.engine import array_like, exercise, same, slip

_rng = np.random.default_rng(70)
# Channels of very different mean and scale. No two axes of IMAGES are equally long.
N, C, H, W = 3, 4, 2, 5
SCALE, SHIFT = np.array([1.0, 4.0, 0.5, 2.0]), np.array([5.0, -2.0, 0.3, 1.0])
X = _rng.normal(size=(6, C)) * SCALE + SHIFT
SMALL = _rng.normal(size=(3, C)) * 2 - 1
LARGE = _rng.normal(size=(9, C)) * SCALE * 3
IMAGES = _rng.normal(size=(N, C, H, W)) * SCALE[:, None, None] + SHIFT[:, None, None]
IMAGES += 2 * _rng.normal(size=(N, C, 1, 1))  # images differ among themselves, too
OTHER = LARGE[:6]  # as many samples as X has
DY, DY_SMALL = _rng.normal(size=X.shape), _rng.normal(size=SMALL.shape)
DY_IMAGES = _rng.normal(size=IMAGES.shape)
# Numbers that float32 holds exactly: a layer may keep what it owns in float32.
GAMMA, BETA = np.array([2.0, 0.5, -1.5, 3.0]), np.array([1.0, -3.0, 0.25, 10.0])
STEP = np.array([0.25, -0.5, 1.0, 0.125])
EPS = 0.3  # large enough that every misplaced eps shows
MOMENTUM = 0.2  # another number than EPS, so that the two cannot be mixed
NEW = (C,), {"eps": EPS, "momentum": MOMENTUM}
# What a layer keeps may be float32; what is computed from it has not more digits than that.
OWN = 1e-5
AXES = (0, 2, 3)


@exercise(
    "Build it in the order of the checks: first the four arrays in __init__, then forward for a "
    "batch (N, C) in training mode. Run check after every step; it tells which one is next.",
    "backward cannot ask what forward knew. Keep in self what it needs: x_hat, the root, and "
    "whether this forward used the batch's statistics.",
    "For images, make rows of x and dy as they come in, and images of y and dx as they go out; the "
    "cell below shows both lines. (Or average over the axes (0, 2, 3), and let a vector (C,) meet "
    "x in the shape (C, 1, 1).)",
    "In eval mode mean and variance are constants. dx = gamma / sqrt(running_var + eps) * dy is "
    "all; dgamma and dbeta are sums as before, with the x_hat of that forward.",
    "backward of a training batch: dx = gamma * r * (dy - dbeta / count - x_hat * dgamma / count), "
    "where r = 1 / sqrt(var + eps) and count is N, or N * H * W for images.",
)
class BatchNormLayer:
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)
        self.train()

    def train(self):
        self.training = True

    def eval(self):
        self.training = False

    def forward(self, x):
        axes = (0, 2, 3)[: x.ndim - 1]  # all but that of the channels
        shape = (x.shape[1], 1, 1)[: x.ndim - 1]  # in which one number per channel meets x
        count = x.size // x.shape[1]
        if self.training:
            if count == 1:
                raise ValueError("training needs more than one value per channel")
            mu, var = x.mean(axis=axes), x.var(axis=axes)
            self._remember(mu, var * count / (count - 1))
        else:
            mu, var = self.running_mean, self.running_var
        r = 1 / np.sqrt(var + self.eps).reshape(shape)
        x_hat = (x - mu.reshape(shape)) * r
        gamma, beta = self.gamma.reshape(shape), self.beta.reshape(shape)
        self.cache = x_hat, r, gamma, axes, shape, count, self.training
        y = (gamma * x_hat + beta).astype(x.dtype)
        return y

    def _remember(self, mu, unbiased):
        self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mu
        self.running_var = (1 - self.momentum) * self.running_var + self.momentum * unbiased

    def backward(self, dy):
        x_hat, r, gamma, axes, shape, count, used_the_batch = self.cache
        self.dgamma = (dy * x_hat).sum(axis=axes)
        self.dbeta = dy.sum(axis=axes)
        dx_hat = dy
        if used_the_batch:  # then mu and var depend on x, too
            dbeta, dgamma = self.dbeta.reshape(shape), self.dgamma.reshape(shape)
            dx_hat = dy - dbeta / count - x_hat * dgamma / count
        dx = (gamma * r * dx_hat).astype(dy.dtype)
        return dx


# --- what layers should give, and what is common to several checks -----------------------------


def _per_channel(values, x):
    """A vector (C,) in the shape in which it meets x."""
    return np.reshape(values, (1, -1) + (1,) * (x.ndim - 2))


def _scaled(x_hat, gamma=GAMMA, beta=BETA):
    return _per_channel(gamma, x_hat) * x_hat + _per_channel(beta, x_hat)


def _normalized(x, axes=0):
    """x_hat with the statistics over `axes`."""
    mu, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mu) / np.sqrt(var + EPS)


def _own_parameters(*layers):
    """Give layers another gamma and beta, as an optimizer does."""
    for layer in layers:
        layer.gamma, layer.beta = GAMMA.copy(), BETA.copy()


def _same_gradients(layer, right, dy, when=""):
    """Run backward, and compare all three gradients with those of the reference."""
    dx, wanted = layer.backward(dy), right.backward(dy)
    same(dx, wanted, f"dx{when}", tol=OWN)
    same(layer.dgamma, right.dgamma, f"dgamma{when}", tol=OWN)
    same(layer.dbeta, right.dbeta, f"dbeta{when}", tol=OWN)


def _same_statistics(layer, right, when=""):
    same(layer.running_mean, right.running_mean, f"running_mean{when}", tol=OWN)
    same(layer.running_var, right.running_var, f"running_var{when}", tol=OWN)


def _trained(layer, *batches):
    """A reference that has seen the same batches; the layer sees them here."""
    right = BatchNormLayer(*NEW[0], **NEW[1])
    _own_parameters(layer, right)
    for x in batches:
        layer.forward(x), right.forward(x)
    return right


# --- a batch of vectors in training mode -------------------------------------------------------


@BatchNormLayer.expect
def a_new_layer():
    """A new layer has gamma 1 and beta 0, running_mean 0 and running_var 1, with one entry per
    channel."""
    starts = {
        "gamma": (1.0, "gamma multiplies: with 0 nothing of x comes through"),
        "beta": (0.0, "beta is added: it starts with 0"),
        "running_mean": (0.0, "the running mean starts with 0"),
        "running_var": (1.0, "the running variance starts with 1: x is divided by its root"),
    }
    for channels in (C, 3):
        layer = yield (channels,), {}
        for name, (start, says) in starts.items():
            value = array_like(getattr(layer, name), name, shape=(channels,))
            slip(value, np.full(channels, 1 - start), says)
            same(value, np.full(channels, start), name)
            if value.dtype.kind != "f" and name in ("gamma", "beta"):
                raise AssertionError(
                    f"{name} holds whole numbers ({value.dtype}): `layer.{name} -= step` fails "
                    "then. np.ones(n) and np.zeros(n) hold fractions"
                )


@BatchNormLayer.expect
def normalizes_a_batch():
    """forward makes x_hat of a batch (N, C), with the batch's mean and biased variance; a new layer
    is in training mode."""
    layer = yield NEW
    y = array_like(layer.forward(X), "y", shape=X.shape)
    mu, var, apart = X.mean(axis=0), X.var(axis=0), X - X.mean(axis=0)
    mean, spread = MOMENTUM * mu, 1 - MOMENTUM + MOMENTUM * X.var(axis=0, ddof=1)
    batch = "in training mode the batch's own mean and variance normalize"
    slip(y, X / np.sqrt(1 + EPS), f"you use running_mean and running_var: {batch}")
    slip(y, (X - mean) / np.sqrt(spread + EPS), f"you use running_mean and running_var: {batch}")
    slip(y, apart / np.sqrt(X.var(axis=0, ddof=1) + EPS), "here var divides by N, not by N - 1")
    slip(y, apart / (np.sqrt(var) + EPS), "eps belongs inside the root")
    slip(y, apart / np.sqrt(var), "eps is missing")
    slip(y, apart / np.sqrt(var + 1e-5), "you use 1e-5 whatever eps the layer was made with")
    slip(y, apart / (var + EPS), "take the root of var + eps before dividing")
    slip(y, apart * np.sqrt(var + EPS), "divide by the root; you multiply with it")
    slip(y, apart, "the division by sqrt(var + eps) is missing")
    slip(y, X / np.sqrt(var + EPS), "subtract mu before you divide")
    slip(y, X - mu / np.sqrt(var + EPS), "only mu is divided: put brackets around x - mu")
    slip(y, _normalized(X, 1), "you average over the channels; average over the batch, axis 0")
    slip(y, _normalized(X, (0, 1)), "each channel has a mean and a variance of its own: axis 0")
    slip(y, np.ones_like(X), "gamma and beta changed places: gamma scales, beta shifts")
    same(y, _normalized(X), "y")


@BatchNormLayer.expect
def gamma_and_beta_count():
    """forward returns gamma * x_hat + beta, with the gamma and beta that the layer has now."""
    layer = yield NEW
    _own_parameters(layer)
    y, x_hat = array_like(layer.forward(X), "y", shape=X.shape), _normalized(X)
    slip(
        y,
        x_hat,
        "the gamma and beta that were set from outside play no part. Read self.gamma and self.beta "
        "in forward: what __init__ has put elsewhere stays as it was",
    )
    slip(y, GAMMA * x_hat, "beta is missing")
    slip(y, x_hat + BETA, "gamma is missing")
    slip(y, GAMMA * (x_hat + BETA), "scale by gamma first, then add beta")
    slip(y, GAMMA * x_hat - BETA, "beta is added, not subtracted")
    same(y, _scaled(x_hat), "y")


@BatchNormLayer.expect
def slopes_of_gamma_and_beta():
    """backward returns dx, with the shape of x, and leaves the sum of dy * x_hat in dgamma, the sum
    of dy in dbeta."""
    layer = yield NEW
    _own_parameters(layer)
    layer.forward(X)
    statistics = layer.running_mean, layer.running_var
    array_like(layer.backward(DY), "dx", shape=X.shape)
    for name, before in zip(
        ("gamma", "beta", "running_mean", "running_var"), (GAMMA, BETA, *statistics), strict=True
    ):
        same(getattr(layer, name), before, f"after backward, which has to leave it alone, {name}")
    dgamma = array_like(layer.dgamma, "dgamma", shape=(C,))
    dbeta = array_like(layer.dbeta, "dbeta", shape=(C,))
    total, right = DY.sum(axis=0), (DY * _normalized(X)).sum(axis=0)
    adds = "where paths meet gradients add: sum over the batch, no mean"
    slip(dbeta, right, "this is dgamma: the two changed places", OWN)
    slip(dbeta, total / len(X), adds, OWN)
    slip(dbeta, GAMMA * total, "beta is added after gamma: gamma plays no part in dbeta", OWN)
    slip(dbeta, np.zeros(C), "dbeta stays 0: backward has to set self.dbeta", OWN)
    same(dbeta, total, "dbeta", tol=OWN)
    slip(dgamma, total, "x_hat is missing: multiply it with dy before you sum", OWN)
    slip(dgamma, right / len(X), adds, OWN)
    slip(dgamma, GAMMA * right, "the slope of y with respect to gamma is x_hat, without gamma", OWN)
    slip(dgamma, (DY * X).sum(axis=0), "multiply dy with x_hat, not with x", OWN)
    slip(dgamma, (DY * (X - X.mean(axis=0))).sum(axis=0), "multiply dy with x_hat, not x - mu", OWN)
    slip(
        dgamma,
        (DY * _scaled(_normalized(X))).sum(axis=0),
        "multiply dy with x_hat, not with y",
        OWN,
    )
    slip(dgamma, np.zeros(C), "dgamma stays 0: backward has to set self.dgamma", OWN)
    same(dgamma, right, "dgamma", tol=OWN)


@BatchNormLayer.expect
def slope_of_a_training_batch():
    """In training mode mu and var depend on x, too: dx = gamma * r * (dy - mean(dy) - x_hat *
    mean(dy * x_hat)), where r = 1 / sqrt(var + eps)."""
    layer = yield NEW
    _own_parameters(layer)
    layer.forward(X)
    dx = array_like(layer.backward(DY), "dx", shape=X.shape)
    r, x_hat = 1 / np.sqrt(X.var(axis=0) + EPS), _normalized(X)
    mean, last = DY.mean(axis=0), x_hat * (DY * x_hat).mean(axis=0)
    slip(dx, GAMMA * r * DY, "mu and var depend on x too: two terms are missing", OWN)
    slip(dx, GAMMA * r * (DY - last), "mu depends on x too: the mean of dy is missing", OWN)
    slip(
        dx,
        GAMMA * r * (DY - mean),
        "var depends on x too: x_hat * mean(dy * x_hat) is missing",
        OWN,
    )
    slip(
        dx, GAMMA * r * (DY - mean + last), "the path through var, the x_hat term: wrong sign", OWN
    )
    slip(dx, GAMMA * r * (DY - 6 * mean - 6 * last), "the last two terms hold means, not sums", OWN)
    slip(
        dx,
        GAMMA * r * (DY - mean - 6 * last),
        "the path through var, the x_hat term, lacks 1/N",
        OWN,
    )
    slip(dx, GAMMA * r * DY - mean - last, "gamma * r multiplies all three terms: brackets", OWN)
    slip(dx, r * (DY - mean - last), "gamma is missing", OWN)
    slip(dx, GAMMA * (DY - mean - last), "r = 1 / sqrt(var + eps) is missing", OWN)
    slip(dx, DY - mean - last, "gamma and r = 1 / sqrt(var + eps) are missing", OWN)
    bessel = "the mean of dy * x_hat divides by N, as var does; here it divides by N - 1"
    slip(dx, GAMMA * r * (DY - mean - last * 6 / 5), bessel, OWN)
    same(dx, GAMMA * r * (DY - mean - last), "dx", tol=OWN)


# --- running statistics, and eval mode ---------------------------------------------------------


@BatchNormLayer.expect
def the_running_mean_moves():
    """In training mode every forward moves running_mean: (1 - momentum) times the old one plus
    momentum times the batch's mean."""
    layer = yield NEW
    layer.forward(X)
    got, mu = array_like(layer.running_mean, "running_mean", shape=(C,)), X.mean(axis=0)
    slip(got, np.zeros(C), "running_mean has not moved")
    slip(got, (1 - MOMENTUM) * mu, "momentum is the weight of the new batch", OWN)
    slip(got, mu, "the first batch counts like every other: the old mean, 0, keeps its weight", OWN)
    slip(got, 0.1 * mu, "you use 0.1 whatever momentum the layer was made with", OWN)
    slip(got, MOMENTUM * X.mean(), "each channel has a mean of its own: axis 0", OWN)
    same(got, MOMENTUM * mu, "running_mean after one batch", tol=OWN)
    layer.forward(SMALL)
    got, other = layer.running_mean, SMALL.mean(axis=0)
    slip(got, MOMENTUM * (mu + other), "the old mean must fade: its weight is 1 - momentum", OWN)
    slip(got, MOMENTUM * other, "the old mean is lost: keep it in self.running_mean", OWN)
    slip(got, MOMENTUM * mu, "only the first batch has moved running_mean", OWN)
    slip(got, (mu + other) / 2, "this is the plain average of the batches: use momentum", OWN)
    wanted = (1 - MOMENTUM) * MOMENTUM * mu + MOMENTUM * other
    same(got, wanted, "running_mean after two batches", tol=OWN)
    layer.forward(LARGE)
    wanted = (1 - MOMENTUM) * wanted + MOMENTUM * LARGE.mean(axis=0)
    same(layer.running_mean, wanted, "running_mean after three batches", tol=OWN)


@BatchNormLayer.expect
def the_running_variance_moves():
    """running_var moves the same way, towards the batch's unbiased variance."""
    layer = yield NEW
    layer.forward(X)
    got = array_like(layer.running_var, "running_var", shape=(C,))
    stays, biased, unbiased = 1 - MOMENTUM, X.var(axis=0), X.var(axis=0, ddof=1)
    slip(got, np.ones(C), "running_var has not moved")
    for batch, says in [
        (biased, "this is the biased variance: multiply it by N / (N - 1) here"),
        (biased * 5 / 6, "the factor is N / (N - 1), not (N - 1) / N"),
        (unbiased * 6 / 5, "N / (N - 1) was applied twice; ddof=1 holds it"),
        (biased * 4 / 3, "N counts the samples; you count the channels"),
        (np.sqrt(unbiased), "this is the deviation: average the variance"),
        (np.full(C, X.var(ddof=1)), "each channel has a variance of its own: axis 0"),
        (X.mean(axis=0), "this is the batch's mean"),
    ]:
        slip(got, stays + MOMENTUM * batch, says, OWN)
    slip(
        got,
        (stays + MOMENTUM * biased) * 6 / 5,
        "N / (N - 1) belongs to the batch's variance alone, not to the old one",
        OWN,
    )
    slip(got, MOMENTUM + stays * unbiased, "momentum is the weight of the new batch", OWN)
    slip(got, unbiased, "the first batch counts like every other: the old 1 keeps its weight", OWN)
    slip(got, 0.9 + 0.1 * unbiased, "you use 0.1 whatever momentum the layer was made with", OWN)
    slip(got, 1 + MOMENTUM * unbiased, "the old one must fade: its weight is 1 - momentum", OWN)
    slip(got, MOMENTUM * unbiased, "the old one is lost, or started with 0: it starts with 1", OWN)
    wanted = stays + MOMENTUM * unbiased
    same(got, wanted, "running_var after one batch", tol=OWN)
    for batch, when in ((SMALL, "two"), (LARGE, "three")):
        layer.forward(batch)
        wanted = stays * wanted + MOMENTUM * batch.var(axis=0, ddof=1)
        same(layer.running_var, wanted, f"running_var after {when} batches", tol=OWN)


@BatchNormLayer.expect
def eval_mode():
    """After eval() forward normalizes with running_mean and running_var."""
    layer = yield NEW
    right = _trained(layer, X, SMALL)
    layer.eval(), right.eval()
    y = array_like(layer.forward(LARGE), "y", shape=LARGE.shape)
    mean, var = right.running_mean, right.running_var
    apart, root = LARGE - mean, np.sqrt(var + EPS)
    mu, own = LARGE.mean(axis=0), np.sqrt(LARGE.var(axis=0) + EPS)
    batch = "of the batch: after eval() a sample must come out as it would alone"
    slip(y, _scaled((LARGE - mu) / own), f"these are the mean and the variance {batch}", OWN)
    slip(y, _scaled((LARGE - mu) / root), f"this is the mean {batch}", OWN)
    slip(y, _scaled(apart / own), f"this is the variance {batch}", OWN)
    slip(y, _scaled(apart / np.sqrt(var)), "eps is missing in eval mode", OWN)
    slip(y, _scaled(apart / np.sqrt(var + 1e-5)), "here you use 1e-5, not the layer's eps", OWN)
    slip(y, _scaled(apart / (np.sqrt(var) + EPS)), "eps belongs inside the root", OWN)
    slip(y, _scaled(apart / (var + EPS)), "take the root of running_var + eps", OWN)
    slip(y, _scaled(LARGE / root), "subtract running_mean before you divide", OWN)
    slip(y, apart / root, "gamma and beta are missing in eval mode", OWN)
    slip(y, GAMMA * apart / root, "beta is missing in eval mode", OWN)
    slip(y, apart / root + BETA, "gamma is missing in eval mode", OWN)
    last = (LARGE - SMALL.mean(axis=0)) / np.sqrt(SMALL.var(axis=0) + EPS)
    slip(y, _scaled(last), "these are the mean and the variance of the last training batch", OWN)
    same(y, right.forward(LARGE), "y", tol=OWN)


@BatchNormLayer.expect
def eval_mode_before_training():
    """A layer that has seen no batch yet has running statistics, too: 0 and 1."""
    layer = yield NEW
    layer.eval()
    y = array_like(layer.forward(X), "y", shape=X.shape)
    slip(y, _normalized(X), "these are the mean and the variance of the batch", OWN)
    same(y, X / np.sqrt(1 + EPS), "y", tol=OWN)


@BatchNormLayer.expect
def eval_mode_remembers_nothing():
    """In eval mode running_mean and running_var stay as they are."""
    layer = yield NEW
    right = _trained(layer, X)
    mean, var = right.running_mean, right.running_var
    layer.eval()
    layer.forward(LARGE), right.forward(LARGE)  # the reference's moves them
    moved = "a batch in eval mode has moved it: only training does"
    slip(layer.running_mean, right.running_mean, moved, OWN)
    slip(layer.running_var, right.running_var, moved, OWN)
    same(layer.running_mean, mean, "running_mean after a batch in eval mode", tol=OWN)
    same(layer.running_var, var, "running_var after a batch in eval mode", tol=OWN)


@BatchNormLayer.expect
def a_sample_alone():
    """In eval mode a sample comes out as it would in any company, also alone."""
    layer = yield NEW
    right = _trained(layer, X, SMALL)
    layer.eval(), right.eval()
    y = array_like(layer.forward(LARGE[:1]), "y", shape=(1, C))
    slip(y, BETA[None], "it became beta: the sample was normalized with its own mean", OWN)
    same(y, right.forward(LARGE)[:1], "y", tol=OWN)


@BatchNormLayer.expect
def back_in_training_mode():
    """After train() the batch's own mean and variance normalize again, and the running statistics
    move again."""
    layer = yield NEW
    right = _trained(layer, X)
    layer.eval(), right.eval()
    y = right.forward(SMALL)
    layer.forward(SMALL)
    layer.train(), right.train()
    got = layer.forward(SMALL)
    slip(got, y, "this is still the output of eval mode: train() has to switch back", OWN)
    same(got, right.forward(SMALL), "y")
    _same_statistics(layer, right, " after eval() and train()")


@BatchNormLayer.expect
def asked_twice():
    """eval() twice is eval mode, and train() twice is training mode."""
    layer = yield NEW
    right = _trained(layer, X)
    switches = "switches to the other mode when it is called again: it has to set the mode"
    layer.eval(), layer.eval()
    wanted = right.forward(SMALL)
    slip(layer.forward(SMALL), wanted, f"eval() {switches}", OWN)
    layer.train(), layer.train()
    same(layer.forward(SMALL), wanted, "y after train() twice")


# --- images ------------------------------------------------------------------------------------


_TURN = "Move them to the end first: transpose(0, 2, 3, 1)"


@BatchNormLayer.expect
def images():
    """Of images (N, C, H, W) a channel is normalized over N, H and W."""
    layer = yield NEW
    right = _trained(layer)
    y = array_like(layer.forward(IMAGES), "y", shape=IMAGES.shape)
    only = "the axes to average over are N, H and W, (0, 2, 3); you average over"
    slip(y, _scaled(_normalized(IMAGES, 0)), f"{only} N alone")
    slip(y, _scaled(_normalized(IMAGES, (2, 3))), f"{only} H and W: each image by itself")
    slip(y, _scaled(_normalized(IMAGES, (0, 2))), f"{only} N and H")
    slip(y, _scaled(_normalized(IMAGES, (0, 3))), f"{only} N and W")
    slip(y, _scaled(_normalized(IMAGES, (0, 1, 2, 3))), f"{only} C as well")
    slip(y, _normalized(IMAGES, AXES), "gamma and beta are missing for images")
    rows = _scaled(_normalized(IMAGES.transpose(0, 2, 3, 1).reshape(-1, C)))
    slip(y, rows.reshape(IMAGES.shape), "reshape does not move the channels back: transpose does")
    rows = _scaled(_normalized(IMAGES.reshape(-1, C)))
    slip(y, rows.reshape(IMAGES.shape), f"reshape(-1, C) mixes the channels. {_TURN}")
    same(y, right.forward(IMAGES), "y")


@BatchNormLayer.expect
def statistics_of_images():
    """Of images the running variance takes count / (count - 1) with count = N * H * W."""
    layer = yield NEW
    right = _trained(layer, IMAGES)
    same(layer.running_mean, right.running_mean, "running_mean", tol=OWN)
    got, biased = array_like(layer.running_var, "running_var", shape=(C,)), IMAGES.var(axis=AXES)
    for factor, says in [
        (1, "this is the biased variance: count / (count - 1) is missing for images"),
        (N / (N - 1), "a channel has N * H * W values here; you count N"),
        (H * W / (H * W - 1), "a channel has N * H * W values here; you count H * W"),
        (N * C * H * W / (N * C * H * W - 1), "count the values of one channel, not of all"),
    ]:
        slip(got, 1 - MOMENTUM + MOMENTUM * factor * biased, says, OWN)
    within = IMAGES.var(axis=(2, 3), ddof=1).mean(axis=0)
    slip(got, 1 - MOMENTUM + MOMENTUM * within, "take one variance over N, H, W: not a mean", OWN)
    same(got, right.running_var, "running_var", tol=OWN)


@BatchNormLayer.expect
def backward_of_images():
    """Of images all sums and means of backward are over N, H and W, too."""
    layer = yield NEW
    right = _trained(layer, IMAGES)
    dx = array_like(layer.backward(DY_IMAGES), "dx", shape=IMAGES.shape)
    wanted = right.backward(DY_IMAGES)
    dgamma = array_like(layer.dgamma, "dgamma", shape=(C,))
    dbeta = array_like(layer.dbeta, "dbeta", shape=(C,))
    mixed = DY_IMAGES.reshape(-1, C).sum(axis=0)
    slip(dbeta, mixed, f"reshape(-1, C) mixes the channels of dy. {_TURN}", OWN)
    same(dbeta, right.dbeta, "dbeta", tol=OWN)
    same(dgamma, right.dgamma, "dgamma", tol=OWN)
    x_hat = _normalized(IMAGES, AXES)
    along = _per_channel(dbeta, x_hat) + x_hat * _per_channel(dgamma, x_hat)
    outer = _per_channel(GAMMA / np.sqrt(IMAGES.var(axis=AXES) + EPS), x_hat)
    slip(dx, outer * (DY_IMAGES - along / N), "count is N * H * W for images; you divide by N", OWN)
    slip(dx, outer * (DY_IMAGES - along / (H * W)), "count is N * H * W; you divide by H * W", OWN)
    slip(
        dx, outer * DY_IMAGES, "for images, too, mu and var depend on x: two terms are missing", OWN
    )
    sole = DY_IMAGES.mean(axis=0) + x_hat * (DY_IMAGES * x_hat).mean(axis=0)
    slip(dx, outer * (DY_IMAGES - sole), "take the means over N, H and W, not over N alone", OWN)
    same(dx, wanted, "dx", tol=OWN)


@BatchNormLayer.expect
def images_in_eval_mode():
    """In eval mode images are normalized with running_mean and running_var."""
    layer = yield NEW
    right = _trained(layer, X, IMAGES)
    layer.eval(), right.eval()
    y = array_like(layer.forward(IMAGES), "y", shape=IMAGES.shape)
    batch = "these are the mean and the variance of the batch"
    slip(y, _scaled(_normalized(IMAGES, AXES)), batch, OWN)
    same(y, right.forward(IMAGES), "y", tol=OWN)


# --- what backward belongs to ------------------------------------------------------------------


@BatchNormLayer.expect
def gradients_are_replaced():
    """Every backward replaces dgamma and dbeta; nothing is added up."""
    layer = yield NEW
    right = _trained(layer, X)
    layer.backward(DY), right.backward(DY)
    before = right.dgamma, right.dbeta
    layer.forward(X), right.forward(X)
    layer.backward(DY[::-1] + STEP), right.backward(DY[::-1] + STEP)
    for name, first in zip(("dgamma", "dbeta"), before, strict=True):
        got, wanted = getattr(layer, name), getattr(right, name)
        slip(got, first + wanted, f"{name} adds up: the second backward has to replace it", OWN)
        slip(got, first, f"the second backward leaves {name} as the first one made it", OWN)
        same(got, wanted, f"{name} of a second backward", tol=OWN)


@BatchNormLayer.expect
def the_last_forward():
    """backward belongs to the last forward, whatever went through the layer before."""
    layer = yield NEW
    right = _trained(layer, OTHER, SMALL, LARGE, X)
    _same_gradients(layer, right, DY, " after four batches")
    layer.eval(), right.eval()
    layer.forward(X), right.forward(X)
    layer.train(), right.train()
    layer.forward(SMALL), right.forward(SMALL)
    _same_gradients(layer, right, DY_SMALL, " after a batch in eval mode and one in training mode")


@BatchNormLayer.expect
def backward_in_eval_mode():
    """In eval mode mean and variance are constants: dx = gamma / sqrt(running_var + eps) * dy; the
    x_hat in dgamma is that of the running statistics."""
    layer = yield NEW
    right = _trained(layer, SMALL, LARGE)
    layer.eval(), right.eval()
    layer.forward(X), right.forward(X)
    dx, wanted = array_like(layer.backward(DY), "dx", shape=X.shape), right.backward(DY)
    r = 1 / np.sqrt(right.running_var + EPS)
    x_hat = (X - right.running_mean) * r
    mean, last = DY.mean(axis=0), x_hat * (DY * x_hat).mean(axis=0)
    own, root = _normalized(X), np.sqrt(X.var(axis=0) + EPS)
    training = "this is the formula of training mode: in eval mode mean and variance are constants"
    slip(dx, GAMMA * r * (DY - mean - last), training, OWN)
    dx_of_batch = GAMMA / root * (DY - mean - own * (DY * own).mean(axis=0))
    slip(dx, dx_of_batch, training, OWN)
    slip(dx, GAMMA / root * DY, "this is the variance of the batch: take running_var", OWN)
    slip(dx, r * DY, "gamma is missing in eval mode", OWN)
    slip(dx, GAMMA * DY, "1 / sqrt(running_var + eps) is missing", OWN)
    slip(dx, DY, "gamma / sqrt(running_var + eps) is missing", OWN)
    slip(dx, GAMMA * r * (DY - mean), "mean and variance are constants: subtract nothing", OWN)
    same(dx, wanted, "dx", tol=OWN)
    batch = "this x_hat has the mean and the variance of the batch: take that of the forward"
    slip(layer.dgamma, (DY * own).sum(axis=0), batch, OWN)
    slip(layer.dgamma, 0 * GAMMA, "gamma has a slope in eval mode, too", OWN)
    same(layer.dgamma, right.dgamma, "dgamma", tol=OWN)
    same(layer.dbeta, right.dbeta, "dbeta", tol=OWN)
    layer.forward(IMAGES), right.forward(IMAGES)
    _same_gradients(layer, right, DY_IMAGES, " (images in eval mode)")


@BatchNormLayer.expect
def the_mode_of_the_forward():
    """backward belongs to the mode in which the last forward ran, also if train() or eval() was
    called in between."""
    layer = yield NEW
    right = _trained(layer, SMALL, X)
    r, own = 1 / np.sqrt(right.running_var + EPS), 1 / np.sqrt(X.var(axis=0) + EPS)
    keep = ". Let forward keep in which mode it ran, and backward ask for that"
    layer.eval(), right.eval()
    dx, wanted = layer.backward(DY), right.backward(DY)
    for root in (r, own):
        says = f"forward ran in training mode, but this dx is that of eval mode{keep}"
        slip(dx, GAMMA * root * DY, says, OWN)
    same(dx, wanted, "dx of a training batch after eval()", tol=OWN)
    same(layer.dgamma, right.dgamma, "dgamma of a training batch after eval()", tol=OWN)
    layer.forward(X), right.forward(X)
    layer.train(), right.train()
    dx, wanted = layer.backward(DY), right.backward(DY)
    for x_hat, root in (((X - right.running_mean) * r, r), (_normalized(X), own)):
        inner = DY - DY.mean(axis=0) - x_hat * (DY * x_hat).mean(axis=0)
        says = f"forward ran in eval mode, but this dx is that of training mode{keep}"
        slip(dx, GAMMA * root * inner, says, OWN)
    same(dx, wanted, "dx of a batch in eval mode after train()", tol=OWN)
    same(layer.dgamma, right.dgamma, "dgamma of a batch in eval mode after train()", tol=OWN)


@BatchNormLayer.expect
def steps_of_an_optimizer():
    """forward and backward use the gamma and beta of now: after `layer.gamma -= step`, and after
    `layer.gamma = new`."""
    layer, right = (yield NEW), BatchNormLayer(*NEW[0], **NEW[1])
    before = None
    for when in ("`layer.gamma -= step`", "another `layer.gamma -= step`"):
        layer.subtract("gamma", STEP)
        layer.subtract("beta", 2 * STEP)
        right.gamma, right.beta = right.gamma - STEP, right.beta - 2 * STEP
        same(layer.gamma, right.gamma, f"gamma after {when}")
        same(layer.beta, right.beta, f"beta after {when}")
        _same_statistics(layer, right, f" after {when}")
        y, wanted = layer.forward(SMALL), right.forward(SMALL)
        if before is not None:
            slip(y, before, f"{when} plays no part: y is made of the gamma and beta of before")
        same(y, wanted, f"y after {when}")
        _same_gradients(layer, right, DY_SMALL, f" after {when}")
        before = wanted
    when = " after `layer.gamma = new`"
    for mode, gamma, beta in (("", BETA, STEP), (", in eval mode", GAMMA, BETA)):
        for owner in (layer, right):
            owner.gamma, owner.beta = gamma.copy(), beta.copy()
        same(layer.forward(X), right.forward(X), f"y{when}{mode}", tol=OWN)
        _same_gradients(layer, right, DY, when + mode)
        layer.eval(), right.eval()


@BatchNormLayer.expect
def two_layers():
    """Two layers share nothing: neither what they have learned and remember, nor their mode."""
    first, second = (yield NEW), (yield (C,), {"eps": 1.0, "momentum": 0.5})
    others = BatchNormLayer(*NEW[0], **NEW[1]), BatchNormLayer(C, eps=1.0, momentum=0.5)
    shared = (
        "{} was changed in one layer, and has changed in the other: what lies in the class, in a "
        "default or in a global variable belongs to all layers. Make it in __init__, in self"
    )
    first.subtract("gamma", STEP)
    first.subtract("beta", STEP)
    others[0].gamma, others[0].beta = 1 - STEP, -STEP
    slip(second.gamma, 1 - STEP, shared.format("gamma"))
    slip(second.beta, -STEP, shared.format("beta"))
    first.forward(X), others[0].forward(X)
    slip(second.running_mean, others[0].running_mean, shared.format("running_mean"), OWN)
    slip(second.running_var, others[0].running_var, shared.format("running_var"), OWN)
    second.forward(OTHER), others[1].forward(OTHER)
    for layer, right, which in ((first, others[0], "first"), (second, others[1], "second")):
        _same_statistics(layer, right, f" of the {which} of two layers")
        same(layer.gamma, right.gamma, f"gamma of the {which} of two layers")
    _same_gradients(first, others[0], DY, " of the first of two layers, after the second's forward")
    dgamma = others[0].dgamma
    _same_gradients(second, others[1], X, " of the second of two layers")
    slip(first.dgamma, others[1].dgamma, shared.format("dgamma"), OWN)
    same(first.dgamma, dgamma, "dgamma of the first of two layers", tol=OWN)
    second.eval(), others[1].eval()
    for layer, right, which in ((first, others[0], "first"), (second, others[1], "second")):
        wanted = right.forward(SMALL)
        same(layer.forward(SMALL), wanted, f"y of the {which} of two layers", tol=OWN)


# --- other numbers, sizes and types ------------------------------------------------------------


@BatchNormLayer.expect
def float32():
    """What comes in as float32 goes out as float32: y and dx, in both modes."""
    layer = yield NEW
    right = _trained(layer)
    for x, dy in ((X, DY), (IMAGES, DY_IMAGES)):
        x, dy = x.astype(np.float32), dy.astype(np.float32)
        for owner in (layer, right):
            owner.train()
        for when in (" in training mode", " in eval mode"):
            pairs = {"y": (layer.forward(x), right.forward(x))}
            pairs["dx"] = layer.backward(dy), right.backward(dy)
            for name, (got, wanted) in pairs.items():
                if (dtype := array_like(got, name).dtype) != np.float32:
                    raise AssertionError(
                        f"{name} is {dtype}{when}. One array of {dtype} in a formula, gamma for "
                        f"example, is enough: end with `.astype({'x' if name == 'y' else 'dy'}"
                        ".dtype)`"
                    )
                same(got, wanted, name + when, tol=1e-4)
            layer.eval(), right.eval()


@BatchNormLayer.expect
def any_size():
    """It works for any number of samples and channels, also for a single channel, and for images of
    any size, also of a single pixel."""
    vectors = [LARGE[:2, :1], LARGE[:5, :1], LARGE[:2], LARGE[:, :3]]
    pictures = [IMAGES[:1], IMAGES[:2, :3, :, :3], IMAGES[:, :, :1, :1], IMAGES[..., :1]]
    pictures += [IMAGES[:, :1], IMAGES[..., :C]]  # as wide as there are channels
    for x in (*vectors, *pictures):
        x, c = x.copy(), x.shape[1]
        layer, right = (yield (c,), NEW[1]), BatchNormLayer(c, **NEW[1])
        dy, of = np.cos(3 * x), f" (x of shape {x.shape}"
        for owner in (layer, right):
            owner.gamma, owner.beta = GAMMA[:c].copy(), BETA[:c].copy()
        for mode in (")", ", in eval mode)"):
            same(layer.forward(x), right.forward(x), f"y{of}{mode}", tol=OWN)
            _same_gradients(layer, right, dy, of + mode)
            _same_statistics(layer, right, of + mode)
            layer.eval(), right.eval()


@BatchNormLayer.expect
def the_defaults():
    """Without eps and momentum it takes 1e-5 and 0.1. The first matters for channels that hardly
    vary."""
    layer, right = (yield (C,), {}), BatchNormLayer(C)
    x = 1e-3 * X
    y = layer.forward(x)
    slip(y, (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-3), "the default of eps is 1e-5")
    same(y, right.forward(x), "y")
    same(layer.backward(DY) / 1e3, right.backward(DY) / 1e3, "dx / 1000", tol=1e-7)
    layer.forward(X), right.forward(X)
    _same_statistics(layer, right)


@BatchNormLayer.expect
def momentum_zero_and_one():
    """With momentum 0 the running statistics stay as they were; with momentum 1 they are those of
    the batch."""
    layer = yield (C,), {"momentum": 0.0}
    layer.forward(X)
    tenth = "0 is a number too, but `momentum or 0.1` makes 0.1 of it"
    slip(layer.running_mean, 0.1 * X.mean(axis=0), tenth, OWN)
    same(layer.running_mean, np.zeros(C), "running_mean")
    same(layer.running_var, np.ones(C), "running_var")
    layer = yield (C,), {"momentum": 1.0}
    layer.forward(SMALL)
    layer.forward(X)
    same(layer.running_mean, X.mean(axis=0), "running_mean (momentum 1)", tol=OWN)
    same(layer.running_var, X.var(axis=0, ddof=1), "running_var (momentum 1)", tol=OWN)


@BatchNormLayer.expect
def a_constant_channel():
    """A channel in which all values agree becomes beta, and dx is finite there."""
    x = X.copy()
    x[:, 2] = 7.0
    layer = yield NEW
    right = _trained(layer)
    y = array_like(layer.forward(x), "y", shape=X.shape)
    right.forward(x)
    same(y[:, 2], np.full(len(x), BETA[2]), "the constant channel of y")
    dx = array_like(layer.backward(DY), "dx", shape=X.shape)
    same(dx[:, 2], right.backward(DY)[:, 2], "the constant channel of dx")
    _same_statistics(layer, right)


@BatchNormLayer.expect
def far_from_zero():
    """Adding 1e6 to every value leaves y, dx and running_var where they were. (mean(x**2) - mu**2
    would lose the digits.)"""
    for x, dy in ((X, DY), (IMAGES, DY_IMAGES)):
        layer = yield NEW
        right = _trained(layer)
        same(layer.forward(x + 1e6), right.forward(x), "y", tol=1e-6)
        same(layer.backward(dy), right.backward(dy), "dx", tol=1e-6)
        same(layer.running_var, right.running_var, "running_var", tol=OWN)


@BatchNormLayer.expect_or_refuse
def one_value_per_channel():
    """A single sample in training mode raises an error, or becomes beta; running_var must not
    become NaN, as it does with N / (N - 1)."""
    for x in (X[:1], IMAGES[:1, :, :1, :1]):
        layer = yield NEW
        _own_parameters(layer)
        same(layer.forward(x), _per_channel(BETA, x), "y")
        if not np.isfinite(layer.running_var).all():
            raise AssertionError(
                "running_var is no longer finite: N / (N - 1) divides by 0. Raise a ValueError "
                "where a channel has a single value"
            )
