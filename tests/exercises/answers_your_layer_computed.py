"""Wrong layers for the exercise of the notebook `your_layer`: what they compute is wrong."""

import numpy as np
from registry import alternative, mutant


@alternative("BatchNormLayer")
class Layer:
    """A right layer in small pieces; every wrong one gets a piece wrong."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        self.dgamma, self.dbeta = np.zeros(num_features), np.zeros(num_features)
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)
        self.training = True

    def train(self):
        self.training = True

    def eval(self):
        self.training = False

    def axes(self, x):
        return (0, 2, 3)[: x.ndim - 1]

    def count(self, x):
        return x.size // x.shape[1]

    def mean(self, x):
        return x.mean(axis=self.axes(x), keepdims=True)

    def var(self, x):
        return x.var(axis=self.axes(x), keepdims=True)

    def unbiased(self, x):
        return self.var(x) * self.count(x) / (self.count(x) - 1)

    def wide(self, vector, x):
        return np.reshape(vector, (1, -1, 1, 1)[: x.ndim])

    def root(self, var):
        return np.sqrt(var + self.eps)

    def move(self, old, new):
        return (1 - self.momentum) * old + self.momentum * new.ravel()

    def remember(self, x):
        if self.count(x) == 1:
            raise ValueError("more than one value per channel, please")
        self.running_mean = self.move(self.running_mean, self.mean(x))
        self.running_var = self.move(self.running_var, self.unbiased(x))

    def recall(self, x):
        return self.wide(self.running_mean, x), self.wide(self.running_var, x)

    def statistics(self, x):
        if not self.training:
            return self.recall(x)
        self.remember(x)
        return self.mean(x), self.var(x)

    def affine(self, x_hat):
        return self.wide(self.gamma, x_hat) * x_hat + self.wide(self.beta, x_hat)

    def forward(self, x):
        mean, var = self.statistics(x)
        self.r = 1 / self.root(var)
        self.x_hat = (x - mean) * self.r
        self.of_batch = self.training
        return self.affine(self.x_hat).astype(x.dtype)

    def parameters(self, dy):
        axes = self.axes(dy)
        self.dgamma, self.dbeta = (dy * self.x_hat).sum(axis=axes), dy.sum(axis=axes)

    def measured(self):
        return self.of_batch

    def inner(self, dy):
        if not self.measured():
            return dy
        return dy - self.mean(dy) - self.x_hat * self.mean(dy * self.x_hat)

    def backward(self, dy):
        self.parameters(dy)
        dx = self.wide(self.gamma, dy) * self.r * self.inner(dy)
        return dx.astype(dy.dtype)


def wrong(blamed, says=""):
    return mutant("BatchNormLayer", blamed, says)


@wrong("a_new_layer", says="gamma multiplies: with 0 nothing of x comes through")
class GammaStartsAtZero(Layer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.gamma = 0 * self.gamma


@wrong("a_new_layer", says="the running variance starts with 1")
class RunningVarStartsAtZero(Layer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.running_var = 0 * self.running_var


@wrong("a_new_layer", says="gamma has shape (1, 4), expected (4,)")
class ParametersAreRows(Layer):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__((1, num_features), eps, momentum)


@wrong("a_new_layer", says="after `__init__` there is no `self.running_mean`")
class SelfForgotten(Layer):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.eps, self.momentum, self.training = eps, momentum, True
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        running_mean, running_var = np.zeros(num_features), np.ones(num_features)  # noqa: F841


@wrong("a_new_layer", says="gamma holds whole numbers (int64)")
class WholeNumbers(Layer):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.gamma, self.beta = np.full(num_features, 1), np.full(num_features, 0)


@wrong(
    "normalizes_a_batch",
    says="(it must take the arguments that the notebook gave it: (self, num",
)
class OtherArguments(Layer):
    def __init__(self, num_features):
        super().__init__(num_features)


@wrong("normalizes_a_batch", says="here var divides by N, not by N - 1")
class UnbiasedInForward(Layer):
    def statistics(self, x):
        if not self.training:
            return self.recall(x)
        self.remember(x)
        return self.mean(x), self.unbiased(x)


@wrong("normalizes_a_batch", says="eps belongs inside the root")
class EpsOutsideTheRoot(Layer):
    def root(self, var):
        return np.sqrt(var) + self.eps


@wrong("normalizes_a_batch", says="eps is missing")
class NoEps(Layer):
    def root(self, var):
        return np.sqrt(var)


@wrong("normalizes_a_batch", says="you use 1e-5 whatever eps the layer was made with")
class FixedEps(Layer):
    def root(self, var):
        return np.sqrt(var + 1e-5)


@wrong("normalizes_a_batch", says="take the root of var + eps")
class NoRoot(Layer):
    def root(self, var):
        return var + self.eps


@wrong("normalizes_a_batch", says="each channel has a mean and a variance of its own")
class OneStatisticForAllChannels(Layer):
    def mean(self, x):
        return x.mean()

    def var(self, x):
        return np.full((1, x.shape[1]), x.var())


@wrong("normalizes_a_batch", says="you average over the channels")
class LayerNorm(Layer):
    def forward(self, x):
        mu, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
        return self.affine((x - mu) / self.root(var))


@wrong("normalizes_a_batch", says="in training mode the batch's own mean and variance normalize")
class RunningStatisticsInTraining(Layer):
    def statistics(self, x):
        self.remember(x)
        return self.recall(x)


@wrong("normalizes_a_batch", says="in training mode the batch's own mean and variance normalize")
class NewLayerInEvalMode(Layer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.training = False


@wrong("normalizes_a_batch", says="Your forward changed its arguments in place, here x")
class CentersInPlace(Layer):
    def forward(self, x):
        y = super().forward(x)
        x -= x.mean(axis=0)
        return y


@wrong("normalizes_a_batch", says="Your forward raised ValueError: operands could not be broadcast")
class ShapesDoNotFit(Layer):
    def forward(self, x):
        mu = x.mean(axis=1)
        return x - mu


@wrong("normalizes_a_batch", says="(line 3 of your forward; shapes there: mu (6,), x (6, 4))")
class ShapesDoNotFitEither(Layer):
    def forward(self, x):
        mu = x.mean(axis=1)
        return mu - x


@wrong("gamma_and_beta_count", says="set from outside play no part")
class GammaAndBetaIgnored(Layer):
    def affine(self, x_hat):
        return x_hat


@wrong("gamma_and_beta_count", says="what __init__ has put elsewhere stays as it was")
class GammaCapturedAtConstruction(Layer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.parts = self.gamma.copy(), self.beta.copy()

    def affine(self, x_hat):
        gamma, beta = self.parts
        return self.wide(gamma, x_hat) * x_hat + self.wide(beta, x_hat)


@wrong("gamma_and_beta_count", says="scale by gamma first, then add beta")
class GammaTimesBeta(Layer):
    def affine(self, x_hat):
        return self.wide(self.gamma, x_hat) * (x_hat + self.wide(self.beta, x_hat))


@wrong("normalizes_a_batch", says="gamma and beta changed places")
class GammaAndBetaSwapped(Layer):
    def affine(self, x_hat):
        return self.wide(self.beta, x_hat) * x_hat + self.wide(self.gamma, x_hat)


@wrong("slopes_of_gamma_and_beta", says="dx is a tuple of 3, expected one array alone")
class ReturnsAllGradients(Layer):
    def backward(self, dy):
        return super().backward(dy), self.dgamma, self.dbeta


@wrong("slopes_of_gamma_and_beta", says="after `backward` there is no `self.dgamma`")
class GradientsUnderOtherNames(Layer):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grad_gamma, self.grad_beta = self.dgamma, self.dbeta
        del self.dgamma, self.dbeta
        return dx


@wrong("slopes_of_gamma_and_beta", says="dbeta stays 0: backward has to set self.dbeta")
class GradientsInVariables(Layer):
    def backward(self, dy):
        dgamma, dbeta = self.dgamma, self.dbeta
        dx = super().backward(dy)
        self.dgamma, self.dbeta = dgamma, dbeta
        return dx


@wrong("slopes_of_gamma_and_beta", says="sum over the batch, no mean")
class GradientsAveraged(Layer):
    def parameters(self, dy):
        self.dgamma, self.dbeta = self.mean(dy * self.x_hat)[0], self.mean(dy)[0]


@wrong("slopes_of_gamma_and_beta", says="multiply dy with x_hat, not with x")
class GradientOfGammaFromX(Layer):
    def forward(self, x):
        self.x = x
        return super().forward(x)

    def parameters(self, dy):
        self.dgamma, self.dbeta = (dy * self.x).sum(axis=0), dy.sum(axis=0)


@wrong("slopes_of_gamma_and_beta", says="Your backward changed its arguments in place, here dy")
class ScalesDyInPlace(Layer):
    def backward(self, dy):
        dx = super().backward(dy)
        dy *= self.wide(self.gamma, dy)
        return dx


@wrong(
    "slopes_of_gamma_and_beta", says="`backward` changed in place the x that `forward` was given"
)
class CentersXInBackward(Layer):
    def forward(self, x):
        self.x = x
        return super().forward(x)

    def backward(self, dy):
        self.x -= self.mean(self.x)
        return super().backward(dy)


@wrong("slopes_of_gamma_and_beta", says="This step is next: `backward` is still blank")
class BackwardStillBlank(Layer):
    def backward(self, dy):
        """Return dx."""
        ...


@wrong("slopes_of_gamma_and_beta", says="For dy of shape (6, 4) your backward returns nothing")
class BackwardWithoutReturn(Layer):
    def backward(self, dy):
        super().backward(dy)


@wrong("slopes_of_gamma_and_beta", says="after backward, which has to leave it alone, gamma[1] is")
class BackwardTakesTheStep(Layer):
    def backward(self, dy):
        dx = super().backward(dy)
        self.gamma = self.gamma - 0.01 * self.dgamma
        return dx


@wrong("slopes_of_gamma_and_beta", says="which has to leave it alone, running_mean[")
class BackwardMovesTheStatistics(Layer):
    def backward(self, dy):
        self.running_mean = self.move(self.running_mean, self.x_hat.mean(axis=0) + 1)
        return super().backward(dy)


@wrong("slope_of_a_training_batch", says="mu and var depend on x too: two terms are missing")
class StatisticsAreConstants(Layer):
    def inner(self, dy):
        return dy


@wrong("slope_of_a_training_batch", says="x_hat * mean(dy * x_hat) is missing")
class VarianceIsConstant(Layer):
    def inner(self, dy):
        return dy - self.mean(dy)


@wrong("slope_of_a_training_batch", says="the last two terms hold means, not sums")
class SumsInsteadOfMeans(Layer):
    def inner(self, dy):
        return dy - len(dy) * (self.mean(dy) + self.x_hat * self.mean(dy * self.x_hat))


@wrong("slope_of_a_training_batch", says="gamma is missing")
class GammaMissingInBackward(Layer):
    def backward(self, dy):
        return super().backward(dy) / self.wide(self.gamma, dy)


@wrong("slopes_of_gamma_and_beta", says="dx has shape (4,), expected (6, 4)")
class GradientOfTheMean(Layer):
    def backward(self, dy):
        return super().backward(dy).mean(axis=0)


@wrong("the_running_mean_moves", says="momentum is the weight of the new batch")
class MomentumTheWrongWayRound(Layer):
    def move(self, old, new):
        return self.momentum * old + (1 - self.momentum) * new.ravel()


@wrong("the_running_mean_moves", says="the first batch counts like every other")
class FirstBatchInitializes(Layer):
    first = True

    def remember(self, x):
        if not self.first:
            return super().remember(x)
        self.running_mean, self.running_var = self.mean(x)[0], self.unbiased(x)[0]
        self.first = False


@wrong("the_running_mean_moves", says="you use 0.1 whatever momentum the layer was made with")
class FixedMomentum(Layer):
    def move(self, old, new):
        return 0.9 * old + 0.1 * new.ravel()


@wrong("the_running_mean_moves", says="the old mean must fade")
class OldMeanStays(Layer):
    def move(self, old, new):
        return old + self.momentum * new.ravel()


@wrong("the_running_mean_moves", says="running_mean has not moved")
class NothingRemembered(Layer):
    def remember(self, x):
        pass


@wrong("the_running_variance_moves", says="this is the biased variance")
class BiasedRunningVariance(Layer):
    def unbiased(self, x):
        return self.var(x)


@wrong("the_running_variance_moves", says="running_var has not moved")
class RunningVarianceNeverUpdated(Layer):
    def remember(self, x):
        before = self.running_var
        super().remember(x)
        self.running_var = before


@wrong("the_running_variance_moves", says="this is the deviation")
class RunningDeviation(Layer):
    def unbiased(self, x):
        return np.sqrt(super().unbiased(x))


@wrong("the_running_variance_moves", says="to the batch's variance alone, not to the old one")
class FactorOnEverything(Layer):
    def remember(self, x):
        n, before = self.count(x), self.running_var
        super().remember(x)
        self.running_var = self.running_var + (1 - self.momentum) * before / (n - 1)


@wrong("images", says="(0, 2, 3); you average over N alone")
class AveragesOverNOnly(Layer):
    def mean(self, x):
        return x.mean(axis=0, keepdims=True)

    def var(self, x):
        return x.var(axis=0, keepdims=True)

    def remember(self, x):
        if x.ndim == 2:
            super().remember(x)


class Rows(Layer):
    """Images become rows (values, C), and return. Both ways can go wrong."""

    def turn(self, x):
        return x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])

    def turn_back(self, rows, shape):
        n, c, h, w = shape
        return rows.reshape(n, h, w, c).transpose(0, 3, 1, 2)

    def forward(self, x):
        if x.ndim == 2:
            return super().forward(x)
        return self.turn_back(super().forward(self.turn(x)), x.shape)

    def backward(self, dy):
        if dy.ndim == 2:
            return super().backward(dy)
        return self.turn_back(super().backward(self.turn(dy)), dy.shape)


alternative("BatchNormLayer")(Rows)


@wrong("images", says="reshape(-1, C) mixes the channels. Move them to the end first")
class ReshapeAlone(Rows):
    def turn(self, x):
        return x.reshape(-1, x.shape[1])

    def turn_back(self, rows, shape):
        return rows.reshape(shape)


@wrong("images", says="reshape does not move the channels back")
class ReshapeBackAlone(Rows):
    def turn_back(self, rows, shape):
        return rows.reshape(shape)


@wrong("backward_of_images", says="reshape(-1, C) mixes the channels of dy")
class ReshapeAloneInBackward(Rows):
    def backward(self, dy):
        if dy.ndim == 2:
            return super().backward(dy)
        return Layer.backward(self, dy.reshape(-1, dy.shape[1])).reshape(dy.shape)


@wrong("images", says="each image by itself")
class InstanceNorm(Layer):
    def forward(self, x):
        if x.ndim == 2:
            return super().forward(x)
        mu, var = x.mean(axis=(2, 3), keepdims=True), x.var(axis=(2, 3), keepdims=True)
        return self.affine((x - mu) / self.root(var))


@wrong("images", says="Your forward raised ValueError: operands could not be broadcast together")
class OnlyVectors(Layer):
    def forward(self, x):
        if x.ndim == 2:
            return super().forward(x)
        return self.gamma * x + self.beta


@wrong("statistics_of_images", says="a channel has N * H * W values here; you count N")
class CountsOnlyImages(Layer):
    def unbiased(self, x):
        return self.var(x) * len(x) / (len(x) - 1)


@wrong("statistics_of_images", says="take one variance over N, H, W")
class MeanOfVariances(Layer):
    def unbiased(self, x):
        if x.ndim == 2:
            return super().unbiased(x)
        return x.var(axis=(2, 3), ddof=1).mean(axis=0)


@wrong("backward_of_images", says="count is N * H * W for images; you divide by N")
class DividesByN(Layer):
    def inner(self, dy):
        terms = dy - super().inner(dy)
        return dy - terms * self.count(dy) / len(dy)


@wrong("backward_of_images", says="not over N alone")
class BackwardAveragesOverN(Layer):
    def inner(self, dy):
        return dy - dy.mean(axis=0) - self.x_hat * (dy * self.x_hat).mean(axis=0)


@wrong("backward_of_images", says="dgamma has shape (4, 2, 5), expected (4,)")
class ParametersOfPixels(Layer):
    def parameters(self, dy):
        self.dgamma, self.dbeta = (dy * self.x_hat).sum(axis=0), dy.sum(axis=0)


@wrong("float32", says="y is float64 in training mode")
class Float64FromFloat32(Layer):
    def forward(self, x):
        return super().forward(np.asarray(x, float))

    def backward(self, dy):
        return super().backward(np.asarray(dy, float))


@wrong("float32", says="y is float64 in eval mode")
class Float64InEvalMode(Layer):
    def forward(self, x):
        y = super().forward(x)
        return y if self.training else y.astype(float)


@wrong("float32", says="dx is float64 in training mode")
class Float64Backward(Layer):
    def backward(self, dy):
        return super().backward(dy.astype(float))


@wrong("any_size", says="y (x of shape (2, 1)) has shape (2,), expected (2, 1)")
class SqueezesSingleChannels(Layer):
    def forward(self, x):
        y = super().forward(x)
        return y.squeeze(axis=1) if x.shape[1] == 1 else y


@wrong("any_size")
class ChannelsLastIfTheyFit(Layer):
    def forward(self, x):
        self.turned = x.ndim == 4 and x.shape[-1] == len(self.gamma)
        return (
            np.moveaxis(super().forward(np.moveaxis(x, -1, 1)), 1, -1)
            if (self.turned)
            else super().forward(x)
        )


@wrong("the_defaults", says="the default of eps is 0.001 in your class (that is Keras' own)")
class DefaultsOfKeras(Layer):
    def __init__(self, num_features, eps=1e-3, momentum=0.1):
        super().__init__(num_features, eps, momentum)


@wrong("the_defaults", says="the default of momentum is 0.9 in your class (Keras writes it so")
class MomentumOfKeras(Layer):
    def __init__(self, num_features, eps=1e-5, momentum=0.9):
        super().__init__(num_features, eps, momentum)


@wrong("momentum_zero_and_one", says="`momentum or 0.1` makes 0.1 of it")
class MomentumOrATenth(Layer):
    def __init__(self, num_features, eps=1e-5, momentum=None):
        super().__init__(num_features, eps, momentum or 0.1)


@wrong("a_constant_channel", says="the constant channel of y[0] is 7, expected 0.25")
class ConstantChannelLeftAsItWas(Layer):
    def forward(self, x):
        y, constant = super().forward(x), self.var(x) == 0
        return np.where(constant, x, y) if self.training else y


@wrong("a_constant_channel", says="the constant channel of dx")
class ConstantChannelHasNoSlope(Layer):
    def backward(self, dy):
        return super().backward(dy) * (np.abs(self.x_hat).max(axis=0) > 0)


@wrong("far_from_zero")
class DifferenceOfSquares(Layer):
    def var(self, x):
        return np.maximum(self.mean(x**2) - self.mean(x) ** 2, 0)


@wrong("one_value_per_channel", says="Raise a ValueError")
class NaNFromOneValue(Layer):
    def remember(self, x):
        self.running_mean = self.move(self.running_mean, self.mean(x))
        self.running_var = self.move(self.running_var, self.unbiased(x))
