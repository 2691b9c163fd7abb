"""Answers to the exercise of 00_start_here."""

import numpy as np
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
