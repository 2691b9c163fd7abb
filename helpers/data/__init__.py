"""The course's data sets: `load("digits" | "mnist" | "cifar10")` returns a `Dataset` of arrays.

The digits lie in the repository. MNIST and CIFAR-10 are read from the folder that the environment
variable BN_COURSE_DATA names, or else downloaded once into a cache folder (BN_COURSE_CACHE, by
default the user's own). Every official file is verified each time it is read. See data/README.md.
"""

import hashlib
import io

import numpy as np

from helpers.data import official
from helpers.data.dataset import DataError, Dataset, from_arrays
from helpers.data.formats import parse_cifar10, parse_idx, unpack_cifar10
from helpers.data.obtaining import in_data_folder, obtain, read

__all__ = ["DataError", "Dataset", "load"]


def load(name):
    """Load the data set "digits", "mnist" or "cifar10" as a `Dataset`.

    Raises ValueError for another name, DataError if the data cannot be had or is damaged.
    """
    loaders = {"digits": _load_digits, "mnist": _load_mnist, "cifar10": _load_cifar10}
    if name not in loaders:
        known = ", ".join(repr(known) for known in loaders)
        raise ValueError(f"unknown data set {name!r}, expected one of {known}")
    return loaders[name]()


def _load_digits():
    content = read(official.DIGITS)
    if hashlib.sha256(content).hexdigest() != official.DIGITS_SHA256:
        raise DataError(
            f"{official.DIGITS} is not the course's digits.npz (its SHA-256 differs from "
            f"{official.DIGITS_SHA256}): restore it from the repository with "
            "`git checkout -- data/digits.npz`"
        )
    with np.load(io.BytesIO(content)) as file:
        arrays = {part: file[part] for part in ("x_train", "y_train", "x_test", "y_test")}
    source = "UCI Optical Recognition of Handwritten Digits, 8x8"
    return from_arrays("digits", arrays, 16, np.float64, True, source)


def _load_mnist():
    contents = obtain("mnist", official.MNIST.values())
    arrays = {
        part: parse_idx(contents[file.name], 3 if part.startswith("x") else 1, file.name)
        for part, file in official.MNIST.items()
    }
    return from_arrays("mnist", arrays, 255, np.float32, True, "MNIST, official files")


def _load_cifar10():
    folder = in_data_folder("cifar10", official.CIFAR10_FOLDER)
    if folder and not in_data_folder("cifar10", official.CIFAR10_ARCHIVE.name):
        size = official.CIFAR10_RECORDS * official.CIFAR10_RECORD_BYTES
        batches = {
            name: read(folder / name, size + 1)
            for name in (*official.CIFAR10_TRAIN, official.CIFAR10_TEST)
        }
        verified, source = False, f"CIFAR-10, {_variant(folder)}"
    else:
        folder = official.CIFAR10_ARCHIVE.name
        batches = unpack_cifar10(obtain("cifar10", [official.CIFAR10_ARCHIVE]).pop(folder))
        verified, source = True, "CIFAR-10, official archive"

    parts = {name: parse_cifar10(content, name, folder) for name, content in batches.items()}
    arrays = {
        "x_train": np.concatenate([parts[name][0] for name in official.CIFAR10_TRAIN]),
        "y_train": np.concatenate([parts[name][1] for name in official.CIFAR10_TRAIN]),
        "x_test": parts[official.CIFAR10_TEST][0],
        "y_test": parts[official.CIFAR10_TEST][1],
    }
    return from_arrays("cifar10", arrays, 255, np.float32, verified, source)


def _variant(folder):
    """What the owner of an unpacked copy calls it; the content cannot tell."""
    path = folder / official.CIFAR10_VARIANT
    if not path.exists():
        return "unverified copy"
    words = read(path, 100).decode("utf-8", errors="replace").strip()
    if not 0 < len(words) <= 40 or not words.isprintable():
        raise DataError(
            f"{path} should name the kind of copy in one line of at most 40 characters, such as "
            f"`JPEG copy`; it begins with {words[:40]!r}: mend or remove it"
        )
    return words
