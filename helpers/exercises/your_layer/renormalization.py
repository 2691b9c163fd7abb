"""A layer between the two modes: batch renormalization.

Source: Ioffe 2017, "Batch Renormalization", Algorithm 1.
"""

import numpy as np

from helpers.exercises.engine import array_like, exercise, parts, same, slip

_rng = np.random.default_rng(71)
X = _rng.normal(size=(6, 4)) * [1.0, 4.0, 0.5, 2.0] + [5.0, -2.0, 0.3, 1.0]
DY = _rng.normal(size=(6, 4))
GAMMA, BETA = np.array([2.0, 0.5, -1.5, 3.0]), np.array([1.0, -3.0, 0.25, 10.0])
EPS = 0.3  # large enough that every misplaced eps shows
# Statistics near those of X in the first feature; far on one side or the other in the rest.
MEAN = np.array([4.9, 3.0, -2.0, 1.5])
VAR = np.array([0.9, 1.5, 2.5, 60.0])
WIDE = {"r_max": 100.0, "d_max": 100.0}  # nothing is clipped
NARROW = {"r_max": 1.5, "d_max": 0.5}
ARGS = (DY, X, GAMMA, BETA, MEAN, VAR)


@exercise(
    "Write the output of eval mode, (x - running_mean) / running_std, and put x = mu + std * x_hat "
    "into it. What is multiplied with x_hat, and what is added?",
    "r = std / running_std and d = (mu - running_mean) / running_std, with eps in both roots.",
    "np.clip(r, 1 / r_max, r_max) and np.clip(d, -d_max, d_max), one number per feature each.",
    "r and d count as constants: dx is batch norm's, times r. y = gamma * (x_hat * r + d) + beta.",
)
def batch_renorm(dy, x, gamma, beta, running_mean, running_var, r_max, d_max, eps=1e-5):
    mu = x.mean(axis=0)
    std = np.sqrt(x.var(axis=0) + eps)
    running_std = np.sqrt(running_var + eps)
    r = np.clip(std / running_std, 1 / r_max, r_max)
    d = np.clip((mu - running_mean) / running_std, -d_max, d_max)
    x_hat = (x - mu) / std
    y = gamma * (x_hat * r + d) + beta
    dx = gamma * r / std * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return y, dx


@batch_renorm.expect
def output_and_slope():
    """Return (y, dx), both with the shape of x."""
    y, dx = parts((yield ARGS, {**WIDE, "eps": EPS}), "y", "dx")
    array_like(y, "y", shape=X.shape)
    array_like(dx, "dx", shape=X.shape)


@batch_renorm.expect
def output_of_eval_mode():
    """Where nothing is clipped, y is what eval mode gives for the same x."""
    y, _ = yield ARGS, {**WIDE, "eps": EPS}
    root = np.sqrt(VAR + EPS)
    x_hat = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + EPS)
    r, d = np.sqrt(X.var(axis=0) + EPS) / root, (X.mean(axis=0) - MEAN) / root
    slip(y, GAMMA * x_hat + BETA, "this is batch norm in training mode: r and d are missing")
    slip(y, GAMMA * (x_hat * r) + BETA, "d is missing")
    slip(y, GAMMA * (x_hat + d) + BETA, "r is missing")
    slip(y, GAMMA * (x_hat / r + d) + BETA, "r is the wrong way round: the batch's root is above")
    slip(y, GAMMA * (x_hat * r - d) + BETA, "d has the wrong sign")
    slip(y, GAMMA * (x_hat * r + d * root) + BETA, "d is measured in running_std: divide by it")
    slip(y, GAMMA * (x_hat + d) * r + BETA, "d is added after r has been multiplied")
    slip(y, GAMMA * x_hat * r + d + BETA, "gamma scales d, too")
    slip(y, GAMMA * (x_hat * r**2 + d) + BETA, "r is the ratio of the roots, not of the variances")
    own = np.sqrt(X.var(axis=0) + EPS)
    slip(y, GAMMA * (x_hat * r + d * root / own) + BETA, "d is measured in running_std, not in std")
    bare = np.sqrt(X.var(axis=0) + EPS) / np.sqrt(VAR), (X.mean(axis=0) - MEAN) / np.sqrt(VAR)
    slip(y, GAMMA * (x_hat * bare[0] + bare[1]) + BETA, "eps belongs under running_var's root, too")
    same(y, GAMMA * (X - MEAN) / root + BETA, "y")


@batch_renorm.expect
def clipped():
    """r stays between 1 / r_max and r_max, d between -d_max and d_max; here 1.5 and 0.5."""
    y, _ = yield ARGS, {**NARROW, "eps": EPS}
    root = np.sqrt(VAR + EPS)
    x_hat = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + EPS)
    r, d = np.sqrt(X.var(axis=0) + EPS) / root, (X.mean(axis=0) - MEAN) / root
    clip_r, clip_d = np.clip(r, 1 / 1.5, 1.5), np.clip(d, -0.5, 0.5)
    unbiased = np.sqrt(X.var(axis=0, ddof=1) + EPS)
    wrong = (X - X.mean(axis=0)) / unbiased * np.clip(unbiased / root, 1 / 1.5, 1.5)
    slip(y, GAMMA * (wrong + clip_d) + BETA, "var divides by N, not by N - 1")
    slip(y, GAMMA * (x_hat * r + d) + BETA, "nothing is clipped")
    slip(y, GAMMA * (x_hat * clip_r + d) + BETA, "d is not clipped")
    slip(y, GAMMA * (x_hat * r + clip_d) + BETA, "r is not clipped")
    low = np.minimum(r, 1.5)
    slip(y, GAMMA * (x_hat * low + clip_d) + BETA, "r is clipped from above only")
    slip(y, GAMMA * (x_hat * clip_r + np.minimum(d, 0.5)) + BETA, "d is clipped from above only")
    same(y, GAMMA * (x_hat * clip_r + clip_d) + BETA, "y")


@batch_renorm.expect
def slope_with_r_and_d_constant():
    """dx is the slope of sum(dy * y), with r and d taken for constants."""
    _, dx = yield ARGS, {**NARROW, "eps": EPS}
    std = np.sqrt(X.var(axis=0) + EPS)
    x_hat = (X - X.mean(axis=0)) / std
    r = np.clip(std / np.sqrt(VAR + EPS), 1 / 1.5, 1.5)
    inner = DY - DY.mean(axis=0) - x_hat * (DY * x_hat).mean(axis=0)
    slip(dx, GAMMA / std * inner, "r is missing: it multiplies x_hat, and so its slope")
    slip(dx, GAMMA * r / std * DY, "mu and std of the batch depend on x: two terms are missing")
    slip(dx, GAMMA / np.sqrt(VAR + EPS) * inner, "the r of the slope is clipped like that of y")
    straight = GAMMA / np.sqrt(VAR + EPS) * DY
    slip(dx, straight, "this is eval mode's slope; here only r and d are constants")
    slip(dx, r / std * inner, "gamma is missing")
    same(dx, GAMMA * r / std * inner, "dx")


@batch_renorm.expect
def training_mode_at_its_limits():
    """With r_max = 1 and d_max = 0 it is batch norm in training mode."""
    y, dx = yield ARGS, {"r_max": 1.0, "d_max": 0.0, "eps": EPS}
    want_y, want_dx = batch_renorm(*ARGS, 1.0, 0.0, EPS)
    same(y, want_y, "y")
    same(dx, want_dx, "dx")


@batch_renorm.expect
def other_batches():
    """It works for a batch of any size. Without an eps it uses 1e-5."""
    for n in (3, 4):
        small = (DY[:n], 1e-3 * X[:n], GAMMA, BETA, 1e-3 * MEAN, 1e-6 * VAR)
        y, dx = yield small, WIDE
        want_y, want_dx = batch_renorm(*small, **WIDE)
        same(y, want_y, f"y (N = {n})")
        same(dx, want_dx, f"dx (N = {n})")
