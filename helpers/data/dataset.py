"""What a data set is once it is loaded: arrays that nobody changes by accident."""

import dataclasses
from dataclasses import dataclass

import numpy as np


class DataError(RuntimeError):
    """A data set is missing, damaged or not the official one; the message says what to do."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels, split into a training and a test set. The arrays are read-only.

    x_train, x_test: images, (N, C, H, W), from 0 to 1; float64 for the digits (the lessons are
        computed in it), float32 for MNIST and CIFAR-10 (they are large).
    y_train, y_test: class labels, (N,), int64, from 0 to num_classes - 1.
    verified: False if nothing proves that these are the official pixels; figures made from them
        say so.
    source: where the data comes from, for people.

    Copy what you want to change: `x_train.copy()`, or `torch.tensor(x_train)` for PyTorch
    (`torch.from_numpy` warns about read-only arrays).
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    num_classes: int
    verified: bool
    source: str

    def __repr__(self):
        shape, dtype = self.x_train.shape[1:], self.x_train.dtype
        return (
            f"Dataset({self.name!r}: {len(self.x_train)} training and {len(self.x_test)} test "
            f"images, {shape} {dtype}, {self.num_classes} classes; {self.source})"
        )

    def flattened(self):
        """The same data with every image as one row: x_train and x_test are (N, C*H*W)."""
        return dataclasses.replace(
            self,
            x_train=self.x_train.reshape(len(self.x_train), -1),
            x_test=self.x_test.reshape(len(self.x_test), -1),
        )

    def standardized(self):
        """The same data with mean 0 and variance 1 per channel, by the training set's statistics.

        For images (N, C, H, W): like the exercise `standardize`, with a channel for a feature.
        """
        axes, shape = (0, 2, 3), (1, -1, 1, 1)
        mean, std = (
            statistic(self.x_train, axes, dtype=np.float64).reshape(shape)
            for statistic in (np.mean, np.std)
        )
        x_train, x_test = (
            (x - mean.astype(x.dtype)) / std.astype(x.dtype) for x in (self.x_train, self.x_test)
        )
        for x in (x_train, x_test):
            x.setflags(write=False)
        return dataclasses.replace(self, x_train=x_train, x_test=x_test)


def from_arrays(name, arrays, white, dtype, verified, source):
    """Return a `Dataset` of stored arrays: images scaled, labels widened, all of them frozen.

    arrays: x_train, y_train, x_test, y_test, uint8; images with or without a channel axis. white:
    the largest value that a pixel can have. dtype: of the images.
    """
    ready = {}
    for part, array in arrays.items():
        if part.startswith("x"):
            images = array if array.ndim == 4 else array[:, np.newaxis]
            ready[part] = np.divide(images, white, dtype=dtype)
        else:
            ready[part] = array.astype(np.int64)
        ready[part].setflags(write=False)
    return Dataset(name, **ready, num_classes=10, verified=verified, source=source)
