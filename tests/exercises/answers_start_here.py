"""Answers to the exercise of the notebook `start_here`."""

import numpy as np
import torch
from registry import alternative, mutant


@alternative("double_the_spread")
def simplified(x):
    return 2 * x - np.mean(x)


@alternative("double_the_spread")
def value_by_value(x):
    mean = sum(map(float, x.flat)) / x.size
    return np.array([v + (v - mean) for v in x.flat]).reshape(x.shape)


@mutant("double_the_spread", blamed="same_shape")
def works_in_place(x):
    x *= 2
    x -= x.mean() / 2
    return x


@mutant("double_the_spread", blamed="same_shape")
def returns_the_spread(x):
    return 2 * x.std()


@mutant("double_the_spread", blamed="mean_stays")
def doubles_every_value(x):
    return 2 * x


@mutant("double_the_spread", blamed="mean_stays")
def forgets_to_add_the_mean(x):
    return 2 * (x - x.mean())


@mutant("double_the_spread", blamed="mean_stays")
def around_the_middle_of_the_range(x):
    middle = (x.min() + x.max()) / 2
    return middle + 2 * (x - middle)


@mutant("double_the_spread", blamed="twice_as_far")
def each_column_by_itself(x):
    return x.mean(axis=0) + 2 * (x - x.mean(axis=0))


@mutant("double_the_spread", blamed="twice_as_far")
def each_row_by_itself(x):
    mean = x.mean(axis=1, keepdims=True)
    return mean + 2 * (x - mean)


@mutant("double_the_spread", blamed="twice_as_far")
def mirrors_the_values(x):
    return x.mean() - 2 * (x - x.mean())


@mutant("double_the_spread", blamed="twice_as_far")
def doubles_the_variance(x):
    return x.mean() + np.sqrt(2) * (x - x.mean())


@mutant("double_the_spread", blamed="twice_as_far")
def changes_nothing(x):
    return x.copy()


@mutant("double_the_spread", blamed="twice_as_far")
def starts_from_the_value(x):
    return x + 2 * (x - x.mean())


@mutant("double_the_spread", blamed="any_shape")
def always_fifteen_values(x):
    mu = x.sum() / 15
    return mu + 2 * (x - mu)


@mutant("double_the_spread", blamed="any_shape")
def rows_and_columns_only(x):
    rows, columns = x.shape
    return 2 * x - x.sum() / (rows * columns)


@alternative("double_the_spread")
def on_a_copy_of_floats(x):
    y = np.array(x, dtype=float)
    y -= y.mean()
    y *= 2
    y += x.mean()
    return y


@alternative("double_the_spread")
def a_point_twice_as_far_on_the_line(x):
    return np.interp(x, [x.mean() - 1e3, x.mean() + 1e3], [x.mean() - 2e3, x.mean() + 2e3])


@alternative("double_the_spread")
def nested_lists(x):
    if x.ndim == 0:
        return float(x)
    mean = x.mean()
    return [nested_lists_around(row, mean) for row in x]


@alternative("double_the_spread")
def with_torch(x):
    x = torch.as_tensor(x, dtype=torch.float64)
    return torch.lerp(x.mean(), x, 2.0)


@alternative("double_the_spread")
def a_tensor_that_refuses_whole_numbers(x):
    x = torch.from_numpy(x)
    return x.mean() + 2 * (x - x.mean())


def nested_lists_around(x, mean):
    return mean + 2 * (x - mean) if x.ndim == 0 else [nested_lists_around(row, mean) for row in x]


@mutant("double_the_spread", blamed="any_shape")
def counts_two_axes(x):
    count = x.shape[0] * x.shape[1] if x.ndim > 1 else len(x)
    mu = x.ravel()[:count].sum() / count
    return mu + 2 * (x - mu)


@mutant("double_the_spread", blamed="any_shape")
def averages_the_last_two_axes(x):
    mu = x.mean(axis=(-2, -1), keepdims=True) if x.ndim > 1 else x.mean()
    return mu + 2 * (x - mu)


@mutant("double_the_spread", blamed="any_shape")
def flattens_the_result(x):
    return (2 * x - x.mean()).reshape(len(x), -1) if x.ndim > 1 else 2 * x - x.mean()


@mutant("double_the_spread", blamed="whole_numbers", says="whole numbers only")
def keeps_the_type_of_x(x):
    y = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        y[index] = x.mean() + 2 * (x[index] - x.mean())
    return y


@mutant("double_the_spread", blamed="whole_numbers", says="// cuts")
def divides_whole(x):
    mu = x.sum() // x.size if x.dtype.kind == "i" else x.mean()
    return mu + 2 * (x - mu)


@mutant("double_the_spread", blamed="mean_stays")
def only_distances(x):
    return x.mean() + 2 * np.abs(x - x.mean())


@mutant("double_the_spread", blamed="mean_stays")
def around_the_median(x):
    return np.median(x) + 2 * (x - np.median(x))


@mutant("double_the_spread", blamed="mean_stays")
def around_the_first_value(x):
    return x.ravel()[0] + 2 * (x - x.ravel()[0])


@mutant("double_the_spread", blamed="twice_as_far")
def halves_the_distance(x):
    return x.mean() + (x - x.mean()) / 2


@mutant("double_the_spread", blamed="mean_stays")
def squares_the_distance(x):
    return x.mean() + (x - x.mean()) ** 2


@mutant("double_the_spread", blamed="mean_stays")
def one_deviation_further(x):
    return x + np.sign(x - x.mean()) * x.std()


@mutant("double_the_spread", blamed="mean_stays")
def adds_the_mean_to_doubled_values(x):
    return x.mean() + 2 * x


@mutant("double_the_spread", blamed="mean_stays")
def rounds_to_two_digits(x):
    return np.round(x.mean() + 2 * (x - x.mean()), 2)


@mutant("double_the_spread", blamed="twice_as_far")
def sorts_the_values(x):
    return np.sort(x.mean() + 2 * (x - x.mean()), axis=None).reshape(x.shape)


@mutant("double_the_spread", blamed="mean_stays")
def clips_at_zero(x):
    return np.maximum(x.mean() + 2 * (x - x.mean()), 0)
