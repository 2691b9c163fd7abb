"""Answers to the exercises of the notebook `smoothing`."""

import numpy as np
from registry import alternative, equivalent, mutant


@alternative("loss_along_gradient")
def in_a_loop(f, gradient, w, lr, steps):
    losses, g = [], gradient(w)
    for step in steps:
        losses.append(f(w - lr * step * g))
    return losses


@alternative("loss_along_gradient")
def gradient_every_time(f, gradient, w, lr, steps):
    losses = np.zeros(len(steps))
    for i in range(len(steps)):
        losses[i] = f(w + steps[i] * (-lr * gradient(w)))
    return losses


@mutant("loss_along_gradient", blamed="one_loss_per_step")
def only_the_range(f, gradient, w, lr, steps):
    return np.ptp([f(w - c * lr * gradient(w)) for c in steps])


@mutant("loss_along_gradient", blamed="one_loss_per_step")
def with_the_start(f, gradient, w, lr, steps):
    return np.array([f(w - c * lr * gradient(w)) for c in [0, *steps]])


@mutant("loss_along_gradient", blamed="of_a_quadratic")
def uphill(f, gradient, w, lr, steps):
    return np.array([f(w + c * lr * gradient(w)) for c in steps])


@mutant("loss_along_gradient", blamed="of_a_quadratic")
def forgets_the_rate(f, gradient, w, lr, steps):
    return np.array([f(w - c * gradient(w)) for c in steps])


@mutant("loss_along_gradient", blamed="of_a_quadratic")
def unit_gradient(f, gradient, w, lr, steps):
    g = gradient(w) / np.linalg.norm(gradient(w))
    return np.array([f(w - c * lr * g) for c in steps])


@mutant("loss_along_gradient", blamed="of_a_quadratic")
def steps_add_up(f, gradient, w, lr, steps):
    g, losses = gradient(w), []
    for c in steps:
        w = w - c * lr * g
        losses.append(f(w))
    return np.array(losses)


@mutant("loss_along_gradient", blamed="of_a_quadratic")
def gradient_descent(f, gradient, w, lr, steps):
    losses = []
    for c in steps:
        w = w - c * lr * gradient(w)
        losses.append(f(w))
    return np.array(losses)


@mutant("loss_along_gradient", blamed="of_a_quadratic")
def changes_of_the_loss(f, gradient, w, lr, steps):
    return np.array([f(w - c * lr * gradient(w)) - f(w) for c in steps])


@mutant("loss_along_gradient", blamed="of_a_quadratic")
def relative_to_the_start(f, gradient, w, lr, steps):
    return np.array([f(w - c * lr * gradient(w)) / f(w) for c in steps])


@mutant("loss_along_gradient", blamed="of_a_quadratic")
def sorted_losses(f, gradient, w, lr, steps):
    return np.sort([f(w - c * lr * gradient(w)) for c in steps])


@mutant("loss_along_gradient", blamed="of_a_quadratic")
def ignores_the_sizes_of_the_steps(f, gradient, w, lr, steps):
    return np.array([f(w - lr * gradient(w)) for _ in steps])


@mutant("loss_along_gradient", blamed="weights_of_any_shape")
def one_row_of_weights(f, gradient, w, lr, steps):
    w = np.atleast_2d(w)[0]
    return np.array([f(w - c * lr * gradient(w)) for c in steps])


@mutant("loss_along_gradient", blamed="weights_of_any_shape")
def all_points_at_once(f, gradient, w, lr, steps):
    return np.array([f(point) for point in w - np.outer(steps, lr * gradient(w)).reshape(-1, 3)])


@mutant("loss_along_gradient", blamed="weights_of_any_shape")
def flattened_weights(f, gradient, w, lr, steps):
    return np.array([f(w.ravel() - c * lr * gradient(w).ravel()) for c in steps])


@mutant("loss_along_gradient", blamed="weights_of_any_shape")
def always_four_steps(f, gradient, w, lr, steps):
    return np.array([f(w - steps[i] * lr * gradient(w)) for i in range(4)])


@alternative("loss_along_gradient")
def points_of_any_shape_at_once(f, gradient, w, lr, steps):
    walks = np.multiply.outer(steps, lr * gradient(w))
    return np.array([f(point) for point in w - walks])


@alternative("effective_smoothness")
def with_arrays(gradient, w, lr, steps):
    g = gradient(w)
    changes = np.array([np.sqrt(np.sum((gradient(w - c * lr * g) - g) ** 2)) for c in steps])
    return np.max(changes / (np.asarray(steps) * lr * np.sqrt(np.sum(g**2))))


@alternative("effective_smoothness")
def flattened(gradient, w, lr, steps):
    g, largest = gradient(w).ravel(), 0.0
    for c in steps:
        change = gradient(w - (c * lr * g).reshape(w.shape)).ravel() - g
        largest = max(largest, np.sqrt(change @ change / (g @ g)) / (c * lr))
    return largest


@mutant("effective_smoothness", blamed="one_number")
def one_per_step(gradient, w, lr, steps):
    g = gradient(w)
    return [
        np.linalg.norm(gradient(w - c * lr * g) - g) / (c * lr * np.linalg.norm(g)) for c in steps
    ]


@mutant("effective_smoothness", blamed="largest_eigenvalue")
def change_alone(gradient, w, lr, steps):
    g = gradient(w)
    return max(np.linalg.norm(gradient(w - c * lr * g) - g) for c in steps)


@mutant("effective_smoothness", blamed="largest_eigenvalue")
def per_rate(gradient, w, lr, steps):
    g = gradient(w)
    return max(np.linalg.norm(gradient(w - c * lr * g) - g) / (c * lr) for c in steps)


@mutant("effective_smoothness", blamed="largest_eigenvalue")
def relative_change(gradient, w, lr, steps):
    g = gradient(w)
    return max(np.linalg.norm(gradient(w - c * lr * g) - g) / np.linalg.norm(g) for c in steps)


@mutant("effective_smoothness", blamed="largest_eigenvalue")
def way_without_the_rate(gradient, w, lr, steps):
    g = gradient(w)
    return max(
        np.linalg.norm(gradient(w - c * lr * g) - g) / (c * np.linalg.norm(g)) for c in steps
    )


@mutant("effective_smoothness", blamed="largest_eigenvalue")
def difference_of_lengths(gradient, w, lr, steps):
    g = gradient(w)
    n = np.linalg.norm
    return max((n(gradient(w - c * lr * g)) - n(g)) / (c * lr * n(g)) for c in steps)


@mutant("effective_smoothness", blamed="largest_of_all_steps")
def mean_quotient(gradient, w, lr, steps):
    return np.mean(one_per_step(gradient, w, lr, steps))


@mutant("effective_smoothness", blamed="largest_of_all_steps")
def smallest_quotient(gradient, w, lr, steps):
    return np.min(one_per_step(gradient, w, lr, steps))


@mutant("effective_smoothness", blamed="largest_of_all_steps")
def first_quotient(gradient, w, lr, steps):
    return one_per_step(gradient, w, lr, steps)[0]


@mutant("effective_smoothness", blamed="largest_of_all_steps")
def only_the_step_of_training(gradient, w, lr, steps):
    return one_per_step(gradient, w, lr, [1.0])[0]


@mutant("effective_smoothness", blamed="largest_of_all_steps")
def always_the_same_steps(gradient, w, lr, steps):
    return max(one_per_step(gradient, w, lr, [0.5, 1.0, 2.5, 4.0]))


@mutant("effective_smoothness", blamed="largest_of_all_steps")
def along_gradient_descent(gradient, w, lr, steps):
    here, g, quotients = w, gradient(w), []
    for c in steps:
        here = here - c * lr * gradient(here)
        quotients.append(np.linalg.norm(gradient(here) - g) / np.linalg.norm(here - w))
    return max(quotients)


@mutant("effective_smoothness", blamed="largest_of_all_steps")
def absolute_difference_of_lengths(gradient, w, lr, steps):
    g = gradient(w)
    n = np.linalg.norm
    return max(abs(n(gradient(w - c * lr * g)) - n(g)) / (c * lr * n(g)) for c in steps)


@mutant("effective_smoothness", blamed="largest_of_all_steps")
def last_quotient(gradient, w, lr, steps):
    return one_per_step(gradient, w, lr, steps)[-1]


@mutant("effective_smoothness", blamed="largest_of_all_steps")
def largest_change_over_longest_way(gradient, w, lr, steps):
    g = gradient(w)
    change = max(np.linalg.norm(gradient(w - c * lr * g) - g) for c in steps)
    return change / (max(steps) * lr * np.linalg.norm(g))


@mutant("effective_smoothness", blamed="gradients_of_any_shape")
def spectral_norm(gradient, w, lr, steps):
    g = gradient(w)
    norms = [
        (np.linalg.norm(gradient(w - c * lr * g) - g, 2), c * lr * np.linalg.norm(g, 2))
        for c in steps
    ]
    return max(change / way for change, way in norms)


@mutant("effective_smoothness", blamed="gradients_of_any_shape")
def largest_entry_of_a_matrix(gradient, w, lr, steps):
    g = gradient(w)
    length = np.linalg.norm if w.ndim == 1 else lambda a: np.abs(a).max()
    return max(length(gradient(w - c * lr * g) - g) / (c * lr * length(g)) for c in steps)


@mutant("effective_smoothness", blamed="gradients_of_any_shape")
def gradient_of_flattened_weights(gradient, w, lr, steps):
    return with_arrays(gradient, w.ravel(), lr, steps)


@alternative("squared_dx")
def through_dx(dy, x, gamma, eps=1e-5):
    r = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * r
    dx = gamma * r * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return np.sum(dx**2, axis=0)


@alternative("squared_dx")
def with_means(dy, x, gamma, eps=1e-5):
    var, centred = x.var(axis=0), x - x.mean(axis=0)
    v = var / (var + eps)
    covariance = np.mean(dy * centred, axis=0) ** 2 / (var + eps)
    bracket = np.mean(dy**2, axis=0) - np.mean(dy, axis=0) ** 2 - (2 - v) * covariance
    return len(x) * gamma**2 / (var + eps) * bracket


def variant(dy, x, gamma, eps, *, ones=1.0, hats=lambda v: 2 - v, ddof=0):
    """The right answer, with other coefficients of the two inner products squared over N."""
    var = x.var(axis=0, ddof=ddof)
    x_hat = (x - x.mean(axis=0)) / np.sqrt(var + eps)
    along_one = np.sum(dy, axis=0) ** 2 / len(x)
    along_x_hat = np.sum(dy * x_hat, axis=0) ** 2 / len(x)
    bracket = (
        np.sum(dy**2, axis=0) - ones * along_one - hats(np.mean(x_hat**2, axis=0)) * along_x_hat
    )
    return gamma**2 / (var + eps) * bracket


@mutant("squared_dx", blamed="one_per_feature")
def over_all_features(dy, x, gamma, eps=1e-5):
    return through_dx(dy, x, gamma, eps).sum()


@mutant("squared_dx", blamed="one_per_feature")
def returns_dx(dy, x, gamma, eps=1e-5):
    r = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * r
    return gamma * r * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))


@mutant("squared_dx", blamed="theorem")
def misprint(dy, x, gamma, eps=1e-5):
    return variant(dy, x, gamma, eps, hats=lambda v: (2 - v) * np.sqrt(len(x)))


@mutant("squared_dx", blamed="theorem")
def sums_without_n(dy, x, gamma, eps=1e-5):
    return variant(dy, x, gamma, eps, ones=len(x), hats=lambda v: (2 - v) * len(x))


@mutant("squared_dx", blamed="theorem")
def means_squared_without_n(dy, x, gamma, eps=1e-5):
    return variant(dy, x, gamma, eps, ones=1 / len(x), hats=lambda v: (2 - v) / len(x))


@mutant("squared_dx", blamed="theorem")
def statistics_as_constants(dy, x, gamma, eps=1e-5):
    return variant(dy, x, gamma, eps, ones=0, hats=lambda v: 0)


@mutant("squared_dx", blamed="theorem")
def without_the_x_hat_term(dy, x, gamma, eps=1e-5):
    return variant(dy, x, gamma, eps, hats=lambda v: 0)


@mutant("squared_dx", blamed="theorem")
def without_the_mean_term(dy, x, gamma, eps=1e-5):
    return variant(dy, x, gamma, eps, ones=0)


@mutant("squared_dx", blamed="theorem")
def gamma_not_squared(dy, x, gamma, eps=1e-5):
    return through_dx(dy, x, gamma, eps) / gamma


@mutant("squared_dx", blamed="theorem")
def without_gamma(dy, x, gamma, eps=1e-5):
    return through_dx(dy, x, np.ones_like(gamma), eps)


@mutant("squared_dx", blamed="theorem")
def sigma_not_squared(dy, x, gamma, eps=1e-5):
    return through_dx(dy, x, gamma, eps) * np.sqrt(x.var(axis=0) + eps)


@mutant("squared_dx", blamed="theorem")
def the_length_itself(dy, x, gamma, eps=1e-5):
    return np.sqrt(through_dx(dy, x, gamma, eps))


@mutant("squared_dx", blamed="theorem")
def mean_of_the_squares(dy, x, gamma, eps=1e-5):
    return through_dx(dy, x, gamma, eps) / len(x)


@mutant("squared_dx", blamed="theorem")
def unbiased_variance(dy, x, gamma, eps=1e-5):
    return variant(dy, x, gamma, eps, ddof=1)


@mutant("squared_dx", blamed="theorem")
def sums_of_squares(dy, x, gamma, eps=1e-5):
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    v, length = np.mean(x_hat**2, axis=0), np.sum(dy**2, axis=0)
    last = (2 - v) * np.sum((dy * x_hat) ** 2, axis=0) / len(x)
    return gamma**2 / (x.var(axis=0) + eps) * (length - length / len(x) - last)


@mutant("squared_dx", blamed="exact_with_eps")
def the_theorem_with_eps_in_sigma(dy, x, gamma, eps=1e-5):
    return variant(dy, x, gamma, eps, hats=lambda v: 1)


@mutant("squared_dx", blamed="exact_with_eps")
def full_projection(dy, x, gamma, eps=1e-5):
    return variant(dy, x, gamma, eps, hats=lambda v: 1 / v)


@mutant("squared_dx", blamed="exact_with_eps")
def v_for_two_minus_v(dy, x, gamma, eps=1e-5):
    return variant(dy, x, gamma, eps, hats=lambda v: v)


@mutant("squared_dx", blamed="exact_with_eps")
def ignores_eps(dy, x, gamma, eps=1e-5):
    return through_dx(dy, x, gamma, 0.0)


@mutant("squared_dx", blamed="default_eps")
def another_default(dy, x, gamma, eps=1e-3):
    return through_dx(dy, x, gamma, eps)


@mutant("squared_dx", blamed="default_eps")
def divides_by_the_variance_alone(dy, x, gamma, eps=1e-5):
    var, centred = x.var(axis=0), x - x.mean(axis=0)
    with np.errstate(invalid="ignore"):
        unit = centred / np.sqrt(var)
    v = var / (var + eps)
    along_x_hat = v * (2 - v) * np.sum(dy * unit, axis=0) ** 2 / len(x)
    along_one = np.sum(dy, axis=0) ** 2 / len(x)
    return gamma**2 / (var + eps) * (np.sum(dy**2, axis=0) - along_one - along_x_hat)


@mutant("squared_dx", blamed="other_sizes")
def batches_of_six(dy, x, gamma, eps=1e-5):
    return variant(dy, x, gamma, eps, ones=len(x) / 6, hats=lambda v: (2 - v) * len(x) / 6)


@mutant("squared_dx", blamed="other_sizes")
def squeezes_one_feature_away(dy, x, gamma, eps=1e-5):
    return through_dx(dy, x, gamma, eps).squeeze()


@mutant("effective_smoothness", blamed="largest_of_all_steps")
def median_quotient(gradient, w, lr, steps):
    g = gradient(w)
    return np.median(
        [np.linalg.norm(gradient(w - c * lr * g) - g) / np.linalg.norm(c * lr * g) for c in steps]
    )


@mutant("effective_smoothness", blamed="largest_of_all_steps")
def of_the_longest_step(gradient, w, lr, steps):
    g, c = gradient(w), np.max(steps)
    return np.linalg.norm(gradient(w - c * lr * g) - g) / np.linalg.norm(c * lr * g)


equivalent(
    "loss_along_gradient",
    "return np.array([f(w - c * lr * g) for c in steps]) -> … [f(w - c * lr * g) for c in steps]",
    "a list of losses is taken for an array of them",
)


@alternative("loss_along_gradient")
def from_one_point_to_the_next(f, gradient, w, lr, steps):
    g, here, done, losses = gradient(w), w.copy(), 0, []
    for c in steps:
        here -= (c - done) * lr * g
        done = c
        losses.append(f(here))
    return tuple(losses)


@mutant("loss_along_gradient", blamed="whole_steps", says="hold fractions")
def losses_of_the_type_of_the_steps(f, gradient, w, lr, steps):
    losses, g = np.zeros_like(steps), gradient(w)
    for i, c in enumerate(steps):
        losses[i] = f(w - c * lr * g)
    return losses


@mutant("loss_along_gradient", blamed="weights_of_any_shape")
def never_above_the_start(f, gradient, w, lr, steps):
    g = gradient(w)
    return np.array([min(f(w), f(w - c * lr * g)) for c in steps])


def quotients(gradient, w, lr, steps):
    g = gradient(w)
    return [
        np.linalg.norm(gradient(w - c * lr * g) - g) / np.linalg.norm(c * lr * g) for c in steps
    ]


@mutant("effective_smoothness", blamed="largest_of_all_steps", says="that of the first step")
def begins_with_the_second_step(gradient, w, lr, steps):
    return max(quotients(gradient, w, lr, steps[1:]))


@mutant("effective_smoothness", blamed="largest_of_all_steps", says="that of the last step")
def stops_before_the_last_step(gradient, w, lr, steps):
    return max(quotients(gradient, w, lr, steps[:-1]))


def length_by(dy, x, gamma, root):
    x_hat = (x - x.mean(axis=0)) / root
    dx = gamma / root * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return (dx**2).sum(axis=0)


@alternative("squared_dx")
def matrix_of_derivatives(dy, x, gamma, eps=1e-5):
    result, centre = [], np.eye(len(x)) - 1 / len(x)
    for c in range(x.shape[1]):
        u = centre @ x[:, c]
        s = u @ u / len(x) + eps
        derivative = gamma[c] / np.sqrt(s) * (centre - np.outer(u, u) / len(x) / s)
        result.append(np.sum((derivative @ dy[:, c]) ** 2))
    return result


@mutant("squared_dx", blamed="theorem", says="divides by N")
def sample_variance(dy, x, gamma, eps=1e-5):
    return length_by(dy, x, gamma, np.sqrt(x.var(axis=0, ddof=1) + eps))


@mutant("squared_dx", blamed="exact_with_eps", says="inside the root")
def eps_outside_the_root(dy, x, gamma, eps=1e-5):
    return length_by(dy, x, gamma, x.std(axis=0) + eps)


@mutant("squared_dx", blamed="theorem")
def one_gamma_for_all(dy, x, gamma, eps=1e-5):
    return length_by(dy, x, gamma.mean(), np.sqrt(x.var(axis=0) + eps))


@mutant("squared_dx", blamed="single_sample")
def one_sample_passes_unchanged(dy, x, gamma, eps=1e-5):
    if len(x) < 2:
        return (dy**2).sum(axis=0)
    return length_by(dy, x, gamma, np.sqrt(x.var(axis=0) + eps))


@alternative("squared_dx")
def refuses_what_pytorch_refuses(dy, x, gamma, eps=1e-5):
    if eps <= 0 or len(x) < 2:
        raise ValueError("eps must be positive, and more than one value per channel is expected")
    return length_by(dy, x, gamma, np.sqrt(x.var(axis=0) + eps))


def fades(curvature, lr, momentum, nesterov):
    shrink = 1 - lr * curvature
    if nesterov:
        roots = np.roots([1, -(1 + momentum) * shrink, momentum * shrink])
    else:
        roots = np.roots([1, -(momentum + shrink), momentum])
    return np.abs(roots).max() <= 1 + 1e-12


@alternative("edge_of_stability")
def edge_by_bisection(lr, momentum=0.0, nesterov=False):
    low, high = 1e-9 / lr, 8 / lr
    for _ in range(50):
        middle = (low + high) / 2
        if fades(middle, lr, momentum, nesterov):
            low = middle
        else:
            high = middle
    return low


@alternative("edge_of_stability")
def edge_as_a_quotient(lr, momentum=0.0, nesterov=False):
    return np.divide(2 + 2 * momentum, lr + 2 * lr * momentum * nesterov)


@mutant("edge_of_stability", blamed="one_curvature")
def both_edges(lr, momentum=0.0, nesterov=False):
    return edge_as_a_quotient(lr, momentum), edge_as_a_quotient(lr, momentum, True)


@mutant("edge_of_stability", blamed="without_momentum", says="upside down")
def rate_for_a_curvature(lr, momentum=0.0, nesterov=False):
    return 1 / edge_as_a_quotient(lr, momentum, nesterov)


@mutant("edge_of_stability", blamed="without_momentum", says="into the minimum")
def best_curvature(lr, momentum=0.0, nesterov=False):
    return edge_as_a_quotient(lr, momentum, nesterov) / 2


@mutant("edge_of_stability", blamed="with_momentum", says="without momentum")
def momentum_changes_nothing(lr, momentum=0.0, nesterov=False):
    return 2 / lr


@mutant("edge_of_stability", blamed="with_momentum", says="velocities cancel")
def rate_grown_by_momentum(lr, momentum=0.0, nesterov=False):
    return 2 * (1 - momentum) / lr


@mutant("edge_of_stability", blamed="with_momentum", says="with signs")
def rate_shrunk_by_momentum(lr, momentum=0.0, nesterov=False):
    return 2 / (1 - momentum) / lr


@mutant("edge_of_stability", blamed="with_momentum", says="still fades")
def where_the_roots_are_real(lr, momentum=0.0, nesterov=False):
    return (1 + np.sqrt(momentum)) ** 2 / lr if momentum else 2 / lr


@mutant("edge_of_stability", blamed="with_momentum", says="nesterov=True")
def always_nesterov(lr, momentum=0.0, nesterov=False):
    return edge_as_a_quotient(lr, momentum, True)


@mutant("edge_of_stability", blamed="with_nesterov", says="without nesterov")
def never_nesterov(lr, momentum=0.0, nesterov=False):
    return edge_as_a_quotient(lr, momentum)


@mutant("edge_of_stability", blamed="with_nesterov", says="stands already")
def nesterov_with_the_old_velocity(lr, momentum=0.0, nesterov=False):
    return edge_as_a_quotient(lr, momentum) / (1 + momentum * nesterov)


@mutant("edge_of_stability", blamed="any_rate_and_momentum")
def tried_up_to_a_hundred(lr, momentum=0.0, nesterov=False):
    return min(edge_by_bisection(lr, momentum, nesterov), 100.0)
