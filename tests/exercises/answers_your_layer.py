"""Answers to the exercise of the notebook `your_layer`: right ones here, wrong ones in parts."""

from dataclasses import dataclass, field
from typing import ClassVar

import answers_your_layer_computed  # noqa: F401
import answers_your_layer_kept  # noqa: F401
import numpy as np
from registry import alternative, equivalent, mutant

from helpers.numpy_nn import functional as F
from helpers.numpy_nn.modules import Module

equivalent(
    "BatchNormLayer",
    "count = x.size // x.shape[1] -> … / x.shape[1]",
    because="the quotient is a whole number either way",
)
equivalent(
    "BatchNormLayer",
    "raise ValueError('training needs more than one value per channel') -> "
    "… 'training needs more than one value per channel'",
    because="raising a text is a TypeError: the layer still refuses",
)


@alternative("BatchNormLayer")
class AsAModule(Module):
    """In the manner of the course's own layers, with `__call__` and train(mode)."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.gamma = np.ones(num_features)
        self.beta = np.zeros(num_features)
        self.running_mean = np.zeros(num_features)
        self.running_var = np.ones(num_features)
        self.num_batches_tracked = 0
        self.eps, self.momentum = eps, momentum

    def forward(self, x):
        axes = (0, *range(2, x.ndim))
        self.shape = [1, -1] + [1] * (x.ndim - 2)
        if self.training:
            n = x.size // x.shape[1]
            if n < 2:
                raise ValueError(f"Expected more than 1 value per channel, got {n}")
            self.mean, self.var = x.mean(axes), x.var(axes)
            self.num_batches_tracked += 1
            self.running_mean += self.momentum * (self.mean - self.running_mean)
            self.running_var += self.momentum * (x.var(axes, ddof=1) - self.running_var)
        else:
            self.mean, self.var = self.running_mean.copy(), self.running_var.copy()
        self.x, self.axes, self.of_batch = x, axes, self.training
        x_hat = (x - self._wide(self.mean)) / np.sqrt(self._wide(self.var) + self.eps)
        return np.asarray(self._wide(self.gamma) * x_hat + self._wide(self.beta), x.dtype)

    def _wide(self, vector):
        return vector.reshape(self.shape)

    def backward(self, dy):
        root = np.sqrt(self._wide(self.var) + self.eps)
        x_hat = (self.x - self._wide(self.mean)) / root
        self.dgamma, self.dbeta = (dy * x_hat).sum(self.axes), dy.sum(self.axes)
        dx = dy * self._wide(self.gamma)
        if self.of_batch:
            slope = (dx * x_hat).mean(self.axes, keepdims=True)
            dx = dx - dx.mean(self.axes, keepdims=True) - x_hat * slope
        return (dx / root).astype(dy.dtype)


@alternative("BatchNormLayer")
@dataclass
class AsADataclass:
    num_features: int
    eps: float = 1e-5
    momentum: float = 0.1
    training: bool = True
    cache: dict = field(default_factory=dict)
    known_shapes: ClassVar[tuple] = (2, 4)

    def __post_init__(self):
        n = self.num_features
        self.gamma, self.running_var = np.ones((2, n))
        self.beta, self.running_mean, self.dgamma, self.dbeta = np.zeros((4, n))

    def train(self, mode=True):
        self.training = mode
        return self

    def eval(self):
        return self.train(False)

    def forward(self, x):
        """Channels last, so that vectors (C,) fit by themselves."""
        assert x.ndim in self.known_shapes
        rows = np.moveaxis(x, 1, -1)
        rest = tuple(range(x.ndim - 1))
        mean, var = self.running_mean, self.running_var
        if self.training:
            n = rows[..., 0].size
            mean, var = rows.mean(rest), rows.var(rest)
            m = self.momentum
            self.running_mean = self.running_mean * (1 - m) + mean * m
            self.running_var = self.running_var * (1 - m) + var * (m * n / max(n - 1, 1))
        r = 1 / np.sqrt(var + self.eps)
        x_hat = (rows - mean) * r
        self.cache = {"x_hat": x_hat, "r": r, "rest": rest, "constant": not self.training}
        return np.moveaxis(self.gamma * x_hat + self.beta, -1, 1).astype(x.dtype)

    def backward(self, dy):
        d, x_hat, rest = np.moveaxis(dy, 1, -1), self.cache["x_hat"], self.cache["rest"]
        self.dgamma, self.dbeta = (d * x_hat).sum(rest), d.sum(rest)
        if not self.cache["constant"]:
            d = d - d.mean(rest) - x_hat * (d * x_hat).mean(rest)
        return np.moveaxis(self.gamma * self.cache["r"] * d, -1, 1).astype(dy.dtype)


@alternative("BatchNormLayer")
class WithSlots:
    """Images become rows; arrays are filled in place; float32 throughout in what is its own."""

    __slots__ = ("beta", "dbeta", "dgamma", "eps", "gamma", "kept", "momentum", "running_mean")
    __slots__ += ("running_var", "training")

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = (f(num_features, np.float32) for f in (np.ones, np.zeros))
        self.dgamma, self.dbeta = np.empty_like(self.gamma), np.empty_like(self.beta)
        self.running_mean, self.running_var = self.beta.copy(), self.gamma.copy()
        self.eps, self.momentum, self.training = eps, momentum, True

    def train(self):
        self.training = True
        return self

    def eval(self):
        self.training = False
        return self

    @staticmethod
    def _rows(x):
        return x if x.ndim == 2 else x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])

    @staticmethod
    def _back(rows, like):
        if like.ndim == 2:
            return rows.astype(like.dtype)
        n, c, h, w = like.shape
        return rows.reshape(n, h, w, c).transpose(0, 3, 1, 2).astype(like.dtype)

    def forward(self, x):
        rows = self._rows(x)
        if self.training:
            n = len(rows)
            mu = np.sum(rows, 0) / n
            square = np.sum((rows - mu) ** 2, 0)
            self.running_mean *= 1 - self.momentum
            self.running_mean += self.momentum * mu
            self.running_var *= 1 - self.momentum
            self.running_var += self.momentum * square / (n - 1) if n > 1 else 0
            var = square / n
        else:
            mu, var = self.running_mean, self.running_var
        sd = (var + self.eps) ** 0.5
        x_hat = (rows - mu) / sd
        self.kept = (x_hat, sd, self.training)
        return self._back(x_hat * self.gamma + self.beta, x)

    def backward(self, dy):
        (x_hat, sd, whole), d = self.kept, self._rows(dy)
        self.dgamma[:], self.dbeta[:] = (d * x_hat).sum(0), d.sum(0)
        dx_hat = d * self.gamma
        if whole:
            n = len(d)
            dx = (n * dx_hat - dx_hat.sum(0) - x_hat * (dx_hat * x_hat).sum(0)) / (n * sd)
        else:
            dx = dx_hat / sd
        return self._back(dx, dy)


@alternative("BatchNormLayer")
class WithProperties:
    """Parameters lie in dicts; attributes are properties. The formulas of the modes are methods
    that train() and eval() exchange; forward hands its own backward over."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self._values = {"gamma": np.ones(num_features), "beta": np.zeros(num_features)}
        self._gradients = {}
        self._state = np.stack([np.zeros(num_features), np.ones(num_features)])
        self._eps, self._momentum = eps, momentum
        self._pending = []
        self.train()

    @property
    def gamma(self):
        return self._values["gamma"]

    @gamma.setter
    def gamma(self, value):
        self._values["gamma"] = np.array(value)

    @property
    def beta(self):
        return self._values["beta"]

    @beta.setter
    def beta(self, value):
        self._values["beta"] = np.array(value)

    dgamma = property(lambda self: self._gradients["gamma"])
    dbeta = property(lambda self: self._gradients["beta"])
    running_mean = property(lambda self: self._state[0])
    running_var = property(lambda self: self._state[1])

    def train(self, *_):
        self._measure = self._measure_batch

    def eval(self):
        self._measure = self._recall

    def _measure_batch(self, x):
        n, mu = x.shape[1], x.mean(1)
        if n == 1:
            raise RuntimeError("one value has no variance")
        new = np.stack([mu, x.var(1, ddof=1)])
        self._state = self._state + self._momentum * (new - self._state)
        return mu, x.var(1), n

    def _recall(self, x):
        return *self._state, np.inf

    def __call__(self, x):
        return self.forward(x)

    def forward(self, x):
        flat = x.swapaxes(0, 1).reshape(x.shape[1], -1)  # (C, the values of the channel)
        mu, var, count = self._measure(flat)
        r = 1 / np.sqrt(var + self._eps)
        x_hat = np.einsum("cn,c->cn", flat - mu[:, None], r)
        self._pending = [x_hat, r, count]
        y = np.einsum("cn,c->cn", x_hat, self.gamma) + self.beta[:, None]
        return self._like(y, x)

    def backward(self, dy):
        x_hat, r, count = self._pending
        flat = dy.swapaxes(0, 1).reshape(dy.shape[1], -1)
        dgamma, dbeta = np.einsum("cn,cn->c", flat, x_hat), np.einsum("cn->c", flat)
        self._gradients = {"gamma": dgamma, "beta": dbeta}
        dx = flat - (dbeta[:, None] + x_hat * dgamma[:, None]) / count  # by infinity: nothing
        return self._like(np.einsum("cn,c->cn", dx, r * self.gamma), dy)

    @staticmethod
    def _like(flat, x):
        return flat.reshape(x.swapaxes(0, 1).shape).swapaxes(0, 1).astype(x.dtype)


def normalized(x, mean, var, eps):
    return (x - mean) * (var + eps) ** -0.5


def all_but_channels(x):
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def reduced(x):
    return np.mean(x, axis=all_but_channels(x), keepdims=True)


@alternative("BatchNormLayer")
class WithFunctionsOutside:
    """Everything has the shape (1, C, 1, 1) inside; staged backward; backward is a closure."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.c, self.eps, self.momentum = num_features, eps, momentum
        self.gamma, self.beta = np.full(self.c, 1.0), np.full(self.c, 0.0)
        self.dgamma = self.dbeta = None
        self.running_mean, self.running_var = [0.0] * self.c, [1.0] * self.c
        self.mode = "train"

    def train(self):
        self.mode = "train"

    def eval(self):
        self.mode = "eval"

    def forward(self, x):
        wide = (1, self.c, *[1] * (x.ndim - 2))
        gamma = np.reshape(self.gamma, wide)
        measured = self.mode == "train"
        if measured:
            mean = reduced(x)
            c = x - mean
            var = reduced(c * c)
            self.remember(mean.ravel(), var.ravel(), x.size // self.c)
        else:
            mean, var = (np.reshape(v, wide) for v in (self.running_mean, self.running_var))
        x_hat = normalized(x, mean, var, self.eps)

        def backward(dy):
            self.dgamma = (dy * x_hat).sum(all_but_channels(x))
            self.dbeta = dy.sum(all_but_channels(x))
            r = (var + self.eps) ** -0.5
            dc = dy * gamma * r
            if measured:
                dvar = (dy * gamma * (x - mean)).sum(all_but_channels(x), keepdims=True)
                dvar = dvar * -0.5 * r**3
                dc = dc + dvar * 2 * (x - mean) * self.c / x.size
                dc = dc - reduced(dc)
            return dc.astype(dy.dtype)

        self._backward = backward
        return (gamma * x_hat + np.reshape(self.beta, wide)).astype(x.dtype)

    def remember(self, mean, var, count):
        keep = 1 - self.momentum
        unbiased = var * (count / (count - 1))  # for a single value a ZeroDivisionError
        self.running_mean = [
            keep * old + self.momentum * new
            for old, new in zip(self.running_mean, mean, strict=True)
        ]
        self.running_var = [
            keep * old + self.momentum * new
            for old, new in zip(self.running_var, unbiased, strict=True)
        ]

    def backward(self, dy):
        return self._backward(dy)


class Statistics:
    def __init__(self, size):
        self.mean, self.var = np.zeros(size), np.ones(size)

    def move(self, mean, var, weight):
        self.mean, self.var = (
            old + weight * (new - old) for old, new in ((self.mean, mean), (self.var, var))
        )


class Modes:
    training = True
    made = 0

    def train(self, mode: bool = True):
        self.training = bool(mode)

    def eval(self):
        Modes.train(self, mode=False)


@alternative("BatchNormLayer")
class WithABaseAndAPart(Modes):
    """A mixin, a part for the statistics, a count of layers in the class, channel by channel."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1, name=None):
        type(self).made += 1
        self.name = name or f"layer {self.made}"
        self.gamma = np.array([1.0] * num_features)
        self.beta = self.gamma - 1
        self.dgamma, self.dbeta = self.beta.copy(), self.beta.copy()
        self.eps, self.momentum, self.stats = eps, momentum, Statistics(num_features)
        self.stack = []

    def __getattr__(self, name):
        if name.startswith("running_"):
            return getattr(self.stats, name.removeprefix("running_"))
        raise AttributeError(name)

    def forward(self, x):
        y, kept = np.empty_like(x), []
        if self.training:
            assert x[:, 0].size > 1 or not x.size, "one value"
            rows = [x[:, c].ravel() for c in range(x.shape[1])]
            means, variances = zip(*[(np.mean(row), np.var(row)) for row in rows], strict=True)
            unbiased = [np.var(row, ddof=1) for row in rows]
            self.stats.move(np.array(means), np.array(unbiased), self.momentum)
        else:
            means, variances = self.running_mean, self.running_var
        for c, (mean, var) in enumerate(zip(means, variances, strict=True)):
            r = 1 / np.sqrt(var + self.eps)
            x_hat = (x[:, c] - mean) * r
            y[:, c] = self.gamma[c] * x_hat + self.beta[c]
            kept.append((x_hat, r))
        self.stack = [(self.training, kept)]
        return y

    def backward(self, dy):
        used, kept = self.stack.pop()
        dx = np.empty_like(dy)
        for c, (x_hat, r) in enumerate(kept):
            d = dy[:, c]
            self.dgamma[c], self.dbeta[c] = np.vdot(d, x_hat), d.sum()
            if used:
                d = d - d.mean() - x_hat * np.mean(d * x_hat)
            dx[:, c] = self.gamma[c] * r * d
        return dx


for _name, _value, _low, _high in (
    ("d", "(mu - running_mean) / running_std", "-d_max", "d_max"),
    ("r", "std / running_std", "1 / r_max", "r_max"),
):
    equivalent(
        "batch_renorm",
        f"{_name} = np.clip({_value}, {_low}, {_high}) -> … np.clip({_low}, {_value}, {_high})",
        because="the larger of two numbers is the same in either order",
    )


@alternative("batch_renorm")
def renorm_by_way_of_eval_mode(
    dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-5
):
    """Through batch norm's own functions."""
    y, cache = F.batch_norm(x, gamma, 0 * beta, eps)
    dx, _, _ = F.batch_norm_backward(dy, cache)
    above, below = cache.var + eps, running_var + eps
    r = np.minimum(np.maximum((above / below) ** 0.5, 1 / r_max), r_max)
    d = np.maximum(np.minimum((cache.mean - running_mean) / below**0.5, d_max), -d_max)
    return y * r + gamma * d + beta, dx * r


@alternative("batch_renorm")
def renorm_feature_by_feature(
    dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-5
):
    y, dx = np.empty(x.shape), np.empty(x.shape)
    for c in range(x.shape[1]):
        centred = x[:, c] - x[:, c].mean()
        std = (centred @ centred / len(x) + eps) ** 0.5
        running_std = (running_var[c] + eps) ** 0.5
        r = min(max(std / running_std, 1 / r_max), r_max)
        d = min(max((x[:, c].mean() - running_mean[c]) / running_std, -d_max), d_max)
        y[:, c] = gamma[c] * (centred / std * r + d) + beta[c]
        inner = dy[:, c] - dy[:, c].mean() - centred / std * (dy[:, c] @ centred / std) / len(x)
        dx[:, c] = gamma[c] * r / std * inner
    return y, dx


def _renorm(dy, x, gamma, beta, mean, var, r_max, d_max, eps, **change):
    """batch_renorm with parts replaced: r, d, slope are functions of what they replace."""
    mu, std, running_std = x.mean(axis=0), np.sqrt(x.var(axis=0) + eps), np.sqrt(var + eps)
    r = change.get("r", lambda r: np.clip(r, 1 / r_max, r_max))(std / running_std)
    d = change.get("d", lambda d: np.clip(d, -d_max, d_max))((mu - mean) / running_std)
    x_hat = (x - mu) / std
    inner = dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0)
    dx = change.get("slope", lambda r, inner: gamma * r / std * inner)(r, inner)
    return gamma * (x_hat * r + d) + beta, dx


@mutant("batch_renorm", blamed="output_and_slope")
def renorm_without_slope(dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-5):
    return _renorm(dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps)[0]


@mutant("batch_renorm", blamed="output_of_eval_mode", says="r and d are missing")
def plain_batch_norm(dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-5):
    return _renorm(dy, x, gamma, beta, running_mean, running_var, 1.0, 0.0, eps)


@mutant("batch_renorm", blamed="output_of_eval_mode", says="r is the wrong way round")
def r_turned_over(dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-5):
    args = (dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps)
    return _renorm(*args, r=lambda r: np.clip(1 / r, 1 / r_max, r_max))


@mutant("batch_renorm", blamed="output_of_eval_mode", says="d is missing")
def only_the_scale_is_corrected(
    dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-5
):
    args = (dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps)
    return _renorm(*args, d=lambda d: 0 * d)


@mutant("batch_renorm", blamed="output_of_eval_mode", says="wrong sign")
def d_with_the_wrong_sign(dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-5):
    args = (dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps)
    return _renorm(*args, d=lambda d: np.clip(-d, -d_max, d_max))


@mutant("batch_renorm", blamed="clipped", says="nothing is clipped")
def never_clips(dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-5):
    args = (dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps)
    return _renorm(*args, r=lambda r: r, d=lambda d: d)


@mutant("batch_renorm", blamed="clipped", says="r is clipped from above only")
def clips_r_from_above(dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-5):
    args = (dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps)
    return _renorm(*args, r=lambda r: np.minimum(r, r_max))


@mutant("batch_renorm", blamed="slope_with_r_and_d_constant", says="r is missing")
def slope_without_r(dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-5):
    y, _ = _renorm(dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps)
    return y, _renorm(dy, x, gamma, beta, running_mean, running_var, 1.0, 0.0, eps)[1]


@mutant("batch_renorm", blamed="slope_with_r_and_d_constant", says="eval mode's slope")
def slope_of_eval_mode(dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-5):
    args = (dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps)
    return _renorm(*args, slope=lambda r, inner: gamma / np.sqrt(running_var + eps) * dy)


@mutant("batch_renorm", blamed="training_mode_at_its_limits")
def r_and_d_left_out_where_they_are_small(
    dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-5
):
    r_max, d_max = max(r_max, 1.5), max(d_max, 0.5)
    return _renorm(dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps)


@mutant("batch_renorm", blamed="other_batches")
def renorm_with_another_default(
    dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-3
):
    return _renorm(dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps)
