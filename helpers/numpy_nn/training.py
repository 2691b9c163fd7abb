"""Train and measure classifiers."""

import time
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from helpers.numpy_nn import functional as F
from helpers.numpy_nn.modules import BatchNorm
from helpers.numpy_nn.optim import SGD
from helpers.numpy_nn.own_layer import OwnLayer
from helpers.numpy_nn.state import (
    NORMALIZES_BATCHES,
    frozen_statistics,
    require_modes,
    saved_state,
)


@contextmanager
def _mode(model, training):
    """Set `training(module)` as every module's mode, and put the old modes back afterwards."""
    before = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in before:
            module.training = training(module)
        yield
    finally:
        for module, mode in before:
            module.training = mode


@contextmanager
def batch_statistics_only(model):
    """Normalize with the statistics of the batch at hand and leave no trace in `model`.

    BatchNorm and OwnLayer are in training mode with frozen running statistics, all others
    (dropout) in eval mode; afterwards every layer is in its old mode again.
    """
    with _mode(model, lambda m: isinstance(m, NORMALIZES_BATCHES)), frozen_statistics(model):
        yield model


def _share_correct(model, x, y):
    if not len(x) or len(x) != len(y):
        raise ValueError(
            f"to evaluate takes images and as many labels, not {len(x)} images and {len(y)} labels"
        )
    with np.errstate(over="ignore", invalid="ignore"):  # of a network that has diverged
        try:
            logits = model(x)
        except OverflowError:
            return 0.0
    # argmax calls a row of NaN class 0; a network that answers NaN is not right by chance.
    answered = ~np.isnan(logits.max(axis=1))
    return float(((logits.argmax(axis=1) == y) & answered).mean())


def accuracy(model, x, y):
    """Return the share of x classified as y in eval mode (running statistics, no dropout).

    Raises ValueError without images and for another number of labels.
    """
    with _mode(model, lambda _: False):
        return _share_correct(model, x, y)


def batch_accuracy(model, x, y):
    """Return the share of x classified as y when x, as one batch, provides the statistics."""
    with batch_statistics_only(model):
        return _share_correct(model, x, y)


def precise_statistics(model, batches):
    """Set the running statistics of every BatchNorm from many batches, weights fixed.

    PreciseBN (Wu & Johnson 2021, section 3): mean = E[mean_B], var = E[mean_B^2 + var_B] -
    E[mean_B]^2, each batch counted with its size. While measuring, layers normalize with the
    batch's own statistics, so every layer sees the inputs it saw in training.

    Raises ValueError without batches and TypeError for an OwnLayer, whose statistics of a batch
    nobody else can read.
    """
    if any(isinstance(module, OwnLayer) for module in model.modules()):
        raise TypeError("precise_statistics reads the batch statistics of BatchNorm layers only")
    layers = [module for module in model.modules() if isinstance(module, BatchNorm)]
    statistics, sizes = [], []
    with batch_statistics_only(model):
        for x in batches:
            model(x)
            statistics.append([(layer.cache.mean, layer.cache.var) for layer in layers])
            sizes.append(len(x))
    if not sizes:
        raise ValueError("batches is empty: give at least one batch of inputs")
    for i, layer in enumerate(layers):
        mean, var = np.array([batch[i] for batch in statistics]).swapaxes(0, 1)
        layer.running_mean = np.average(mean, axis=0, weights=sizes)
        spread = np.square(mean - layer.running_mean)
        layer.running_var = np.average(var + spread, axis=0, weights=sizes)


@dataclass(frozen=True)
class History:
    """What happened in a call of `fit`.

    loss: (steps,) loss of each minibatch, before its step. eval_steps: steps after which the model
    was evaluated; scores, probes: the results, one per evaluation. seconds: time spent training,
    without evaluations and probes. diverged: stopped by a loss that was not finite (the last one).
    """

    loss: np.ndarray
    eval_steps: np.ndarray
    scores: np.ndarray
    probes: list
    seconds: float
    diverged: bool

    def steps_to(self, target):
        """Return the first evaluated step whose score reaches target, None if there is none."""
        reached = np.flatnonzero(self.scores >= target)
        return int(self.eval_steps[reached[0]]) if len(reached) else None


def fit(
    model,
    dataset,
    *,
    steps,
    batch_size,
    lr,
    seed,
    momentum=0.0,
    weight_decay=0.0,
    optimizer=SGD,
    evaluate=accuracy,
    eval_every=50,
    eval_at=None,
    stop_at=None,
    probe=None,
    transform=None,
    progress=None,
):
    """Train `model` on the softmax cross-entropy of minibatches; returns a `History`.

    Minibatches are drawn with replacement by numpy.random.default_rng(seed), so an epoch has no
    meaning here. `optimizer` is SGD, or Adam, which has no such momentum to set. Every `eval_every`
    steps, or after the steps that `eval_at` lists, and after the last one:
    evaluate(model, x_test, y_test) -> score and probe(model, step) -> anything. Training stops once
    a score reaches `stop_at`, or when the loss is not finite. transform(x, rng) -> x changes each
    batch, with a generator of its own so that the same seed draws the same batches. `progress` is
    the label of a progress bar that appears after a second; False for none. Modes that evaluate and
    probe change are restored, and running statistics stay as they are meanwhile: whatever is
    measured, training is the same.

    Each module trains in the mode that it is in: a BatchNorm or Dropout that you have put into eval
    mode stays there (running statistics normalize and do not move, nothing is dropped), during the
    training and afterwards. A model that is in eval mode as a whole is trained as a whole.

    Raises ValueError for counts below one, a data set without training images, a model without
    parameters, and one that is in eval mode while a part of it is not.
    If anything raises, Ctrl-C included, the model gets back the parameters and running statistics
    it came with.
    """
    for name, value in (("steps", steps), ("batch_size", batch_size), ("eval_every", eval_every)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    if not len(dataset.x_train) or len(dataset.x_train) != len(dataset.y_train):
        raise ValueError(
            f"to train takes images and as many labels, not {len(dataset.x_train)} images and "
            f"{len(dataset.y_train)} labels"
        )
    if not model.parameters():
        raise ValueError("there is nothing to train: the model has no parameters")
    require_modes(model)
    rng = np.random.default_rng(seed)
    transform_rng = rng.spawn(1)[0]
    settings = {"momentum": momentum} if momentum else {}
    optimizer = optimizer(model.parameters(), lr, weight_decay=weight_decay, **settings)
    evaluated = range(eval_every, steps, eval_every) if eval_at is None else set(eval_at)
    losses, eval_steps, scores, probes = [], [], [], []
    seconds, diverged = 0.0, False
    bar = tqdm(range(1, steps + 1), desc=progress, disable=progress is False, leave=False, delay=1)
    with _undone_on_error(model), bar, np.errstate(all="ignore"):
        if not model.training:
            model.train()
        for step in bar:
            start = time.perf_counter()
            index = rng.integers(len(dataset.x_train), size=batch_size)
            x = dataset.x_train[index]
            if transform is not None:
                x = transform(x, transform_rng)
            try:
                loss, cache = F.softmax_cross_entropy(model(x), dataset.y_train[index])
            except OverflowError:  # statistics that float64 cannot hold
                loss = np.inf
            losses.append(loss)
            diverged = not np.isfinite(loss)
            if not diverged:
                model.backward(F.softmax_cross_entropy_backward(1.0, cache))
                optimizer.step()
            seconds += time.perf_counter() - start
            if step in evaluated or step == steps or diverged:
                eval_steps.append(step)
                with _mode(model, lambda module: module.training), frozen_statistics(model):
                    scores.append(evaluate(model, dataset.x_test, dataset.y_test))
                    if probe is not None:
                        probes.append(probe(model, step))
                if diverged or (stop_at is not None and scores[-1] >= stop_at):
                    break
    return History(
        np.array(losses), np.array(eval_steps), np.array(scores), probes, seconds, diverged
    )


@contextmanager
def _undone_on_error(model):
    """Put the model's state back if the body raises."""
    restore = saved_state(model)
    try:
        yield
    except BaseException:
        restore()
        raise
