"""Wrong layers for the exercise of the notebook `your_layer`: what they keep is wrong, or when."""

import numpy as np
from answers_your_layer_computed import Layer, wrong

from helpers.exercises import faulty_layers


@wrong("eval_mode", says="these are the mean and the variance of the batch")
class BatchStatisticsInEvalMode(Layer):
    def recall(self, x):
        return self.mean(x), self.var(x)


@wrong("eval_mode", says="this is the variance of the batch")
class OnlyTheMeanIsRecalled(Layer):
    def recall(self, x):
        return super().recall(x)[0], self.var(x)


@wrong("eval_mode", says="eps is missing in eval mode")
class NoEpsInEvalMode(Layer):
    def root(self, var):
        return super().root(var) if self.training else np.sqrt(var)


@wrong("eval_mode", says="gamma and beta are missing in eval mode")
class NoParametersInEvalMode(Layer):
    def affine(self, x_hat):
        return super().affine(x_hat) if self.training else x_hat


@wrong("eval_mode", says="of the last training batch")
class RecallsTheLastBatch(Layer):
    def statistics(self, x):
        if self.training:
            self.last = super().statistics(x)
        return self.last


@wrong("eval_mode_before_training", says="these are the mean and the variance of the batch")
class FirstEvalBatchInitializes(Layer):
    seen = False

    def remember(self, x):
        super().remember(x)
        self.seen = True

    def recall(self, x):
        return super().recall(x) if self.seen else (self.mean(x), self.var(x))


@wrong("eval_mode", says="This step is next: `eval` is still blank")
class EvalStillBlank(Layer):
    def eval(self): ...


_without_eval = {name: value for name, value in vars(Layer).items() if name != "eval"}
for _name in ("__dict__", "__weakref__"):
    del _without_eval[_name]
wrong("eval_mode", says="This step is next: there is no method `eval` yet")(
    type("NoEval", (), _without_eval)
)


@wrong("eval_mode", says="`self.eval = ...` hides the method of this name")
class FlagHidesTheMethod(Layer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.eval = False


@wrong("eval_mode", says="Your eval raised NameError: name 'training' is not defined (line 2 of")
class ErrorInEval(Layer):
    def eval(self):
        self.training = not training  # noqa: F821


@wrong("eval_mode_remembers_nothing", says="a batch in eval mode has moved it")
class EvalMovesRunningStatistics(Layer):
    def statistics(self, x):
        statistics = super().statistics(x)
        if not self.training:
            self.remember(x)
        return statistics


@wrong("a_sample_alone", says="the sample was normalized with its own mean")
class OneSampleByItself(Layer):
    def recall(self, x):
        return super().recall(x) if len(x) > 1 else (self.mean(x), self.var(x))


@wrong("a_sample_alone", says="y has shape (4,), expected (1, 4)")
class OneSampleLosesItsAxis(Layer):
    def forward(self, x):
        return super().forward(x).squeeze()


@wrong("back_in_training_mode", says="train() has to switch back")
class TrainForgetsToSwitchBack(Layer):
    def train(self):
        return self


@wrong("back_in_training_mode", says="running_mean after eval() and train()")
class FrozenForGood(Layer):
    frozen = False

    def eval(self):
        super().eval()
        self.frozen = True

    def remember(self, x):
        if not self.frozen:
            super().remember(x)


@wrong("asked_twice", says="eval() switches to the other mode when it is called again")
class EvalToggles(Layer):
    def eval(self):
        self.training = not self.training


@wrong("images_in_eval_mode", says="these are the mean and the variance of the batch")
class ImagesKnowNoModes(Layer):
    def recall(self, x):
        return super().recall(x) if x.ndim == 2 else (self.mean(x), self.var(x))


@wrong("gradients_are_replaced", says="dgamma adds up")
class GradientsAccumulate(Layer):
    def parameters(self, dy):
        before = self.dgamma, self.dbeta
        super().parameters(dy)
        self.dgamma, self.dbeta = self.dgamma + before[0], self.dbeta + before[1]


@wrong("gradients_are_replaced", says="leaves dgamma as the first one made it")
class GradientsOnlyOnce(Layer):
    done = False

    def parameters(self, dy):
        if not self.done:
            super().parameters(dy)
        self.done = True


@wrong("the_last_forward")
class OldestForwardFirst(Layer):
    def forward(self, x):
        y = super().forward(x)
        vars(self).setdefault("queue", []).append((self.x_hat, self.r))
        return y

    def backward(self, dy):
        while len(self.queue) > 1 and self.queue[0][0].shape != dy.shape:
            self.queue.pop(0)
        self.x_hat, self.r = self.queue.pop(0)
        return super().backward(dy)


@wrong("the_last_forward")
class FirstBatchIsKept(Layer):
    def forward(self, x):
        y = super().forward(x)
        self.known = vars(self).get("known", {})
        self.known.setdefault((x.shape, self.training), (self.x_hat, self.r))
        return y

    def backward(self, dy):
        self.x_hat, self.r = self.known[dy.shape, self.of_batch]
        return super().backward(dy)


@wrong("backward_in_eval_mode", says="this is the formula of training mode")
class OneBackwardForBothModes(Layer):
    def measured(self):
        return True


@wrong("backward_in_eval_mode", says="this x_hat has the mean and the variance of the batch")
class SlopeOfGammaFromTheBatch(Layer):
    def forward(self, x):
        y = super().forward(x)
        self.own = (x - self.mean(x)) / self.root(self.var(x))
        return y

    def parameters(self, dy):
        running, self.x_hat = self.x_hat, self.own
        super().parameters(dy)
        self.x_hat = running


@wrong("backward_in_eval_mode", says="this is the variance of the batch: take running_var")
class BackwardMeasuresAgain(Layer):
    def forward(self, x):
        y = super().forward(x)
        self.own = 1 / self.root(self.var(x))
        return y

    def inner(self, dy):
        return super().inner(dy) * self.own / self.r


@wrong("backward_in_eval_mode", says="gamma has a slope in eval mode, too")
class NoSlopesInEvalMode(Layer):
    def parameters(self, dy):
        super().parameters(dy)
        if not self.of_batch:
            self.dgamma, self.dbeta = 0 * self.gamma, 0 * self.gamma


@wrong("the_mode_of_the_forward", says="forward ran in training mode, but this dx is that of eval")
class ModeAtTheTimeOfBackward(Layer):
    def measured(self):
        return self.training


@wrong("the_mode_of_the_forward", says="forward ran in eval mode, but this dx is that of training")
class TrainChangesTheLastForward(Layer):
    def measured(self):
        return self.training or self.of_batch


@wrong("steps_of_an_optimizer", says="plays no part: y is made of the gamma and beta of before")
class GammaCapturedAtTheFirstForward(Layer):
    def affine(self, x_hat):
        if "first" not in vars(self) or self.first[0] is not self.gamma:
            self.first = self.gamma, self.gamma.copy(), self.beta.copy()
        _, gamma, beta = self.first
        return self.wide(gamma, x_hat) * x_hat + self.wide(beta, x_hat)


@wrong("steps_of_an_optimizer", says="running_mean")
class BetaIsTheRunningMean(Layer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.running_mean = self.beta


@wrong("two_layers", says="what lies in the class")
class RunningStatisticsInTheClass(Layer):
    running_mean = running_var = None

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        del self.running_mean, self.running_var
        RunningStatisticsInTheClass.running_mean = np.zeros(num_features)
        RunningStatisticsInTheClass.running_var = np.ones(num_features)

    def remember(self, x):
        mean = self.move(self.running_mean, self.mean(x))
        var = self.move(self.running_var, self.unbiased(x))
        RunningStatisticsInTheClass.running_mean = mean
        RunningStatisticsInTheClass.running_var = var


@wrong("two_layers", says="running_mean was changed in one layer, and has changed in the other")
class MutableDefault(Layer):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, state={}):  # noqa: B006
        super().__init__(num_features, eps, momentum)
        self.state = state
        state.setdefault(num_features, (np.zeros(num_features), np.ones(num_features)))
        self.running_mean, self.running_var = state[num_features]

    def remember(self, x):
        for old, new in ((self.running_mean, self.mean(x)), (self.running_var, self.unbiased(x))):
            old[:] = self.move(old, new)


CACHE = {}


@wrong("two_layers", says="of the first of two layers, after the second's forward")
class CacheInAGlobal(Layer):
    def forward(self, x):
        y = super().forward(x)
        CACHE["x_hat"], CACHE["r"] = self.x_hat, self.r
        return y

    def backward(self, dy):
        self.x_hat, self.r = CACHE["x_hat"], CACHE["r"]
        return super().backward(dy)


@wrong("two_layers", says="y of the first of two layers")
class ModeInTheClass(Layer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        del self.training
        type(self).training = True

    def train(self):
        type(self).training = True

    def eval(self):
        type(self).training = False


INITIAL = {}


@wrong("two_layers", says="gamma was changed in one layer, and has changed in the other")
class GammaMadeOnce(Layer):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.gamma = INITIAL.setdefault(num_features, self.gamma)


@wrong("two_layers", says="dgamma was changed in one layer, and has changed in the other")
class GradientsInAList(Layer):
    gradients = [None, None]  # noqa: RUF012

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.eps, self.momentum, self.training = eps, momentum, True
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)

    dgamma = property(lambda self: self.gradients[0], lambda self, new: self.put(0, new))
    dbeta = property(lambda self: self.gradients[1], lambda self, new: self.put(1, new))

    def put(self, place, new):
        self.gradients[place] = new


@wrong("normalizes_a_batch", says="Your forward must not do this: it switches gradients off")
class SwitchesGradientsOff(Layer):
    def forward(self, x):
        import torch

        torch.set_grad_enabled(False)
        return super().forward(x)


# What the notebook's gallery shows must not pass either.
for _fault, _blamed in {
    faulty_layers.NeverUpdates: "the_running_mean_moves",
    faulty_layers.TurnedMomentum: "the_running_mean_moves",
    faulty_layers.EvalDoesNothing: "eval_mode",
    faulty_layers.ConstantStatistics: "slope_of_a_training_batch",
    faulty_layers.SumsForMeans: "slope_of_a_training_batch",
}.items():
    wrong(_blamed)(_fault)
