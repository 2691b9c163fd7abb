"""Make digits.npz: `python data/make_digits.py`, with scikit-learn installed.

The course never runs this; digits.npz is committed. The script is kept so that anybody can see, and
repeat byte for byte, how the file came from the public data set.
"""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

SEED = 0
TEST_PER_CLASS = 50


def split(labels):
    """Draw the test images, equally many of each class, and the training images: all the others.

    labels: (N,) integers. Returns (index_train, index_test), two shuffled uint16 arrays of
    positions in `labels`: 50 positions of each class in index_test, the rest in index_train.
    """
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(labels))
    drawn = [np.flatnonzero(labels[order] == c)[:TEST_PER_CLASS] for c in np.unique(labels)]
    chosen = np.concatenate(drawn)
    # Shuffled again: what precedes the last draw of a class would otherwise hold few of it, and
    # the first images of the training set would be a skewed sample.
    index_train = rng.permutation(np.delete(order, chosen))
    return index_train.astype(np.uint16), rng.permutation(order[chosen]).astype(np.uint16)


def pack(images, labels):
    """The content of digits.npz as bytes.

    images: (N, 8, 8), integers from 0 to 16 in any dtype. labels: (N,), from 0 to 9.
    The arrays x_train, y_train, x_test and y_test are uint8; index_train and index_test (uint16)
    say where in `images` each one stood.
    """
    index_train, index_test = split(labels)
    arrays = {
        "x_train": images[index_train].astype(np.uint8),
        "y_train": labels[index_train].astype(np.uint8),
        "x_test": images[index_test].astype(np.uint8),
        "y_test": labels[index_test].astype(np.uint8),
        "index_train": index_train,
        "index_test": index_test,
    }
    # np.savez would record the operating system, and compressed bytes differ between versions of
    # zlib: written like this, the file is the same everywhere.
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3
            npy = io.BytesIO()
            np.lib.format.write_array(npy, array, version=(1, 0), allow_pickle=False)
            archive.writestr(member, npy.getvalue())
    return content.getvalue()


def main():
    """Write digits.npz beside this script and print its SHA-256."""
    from sklearn.datasets import load_digits  # needed here alone, and not by the course

    digits = load_digits()
    content = pack(digits.images, digits.target)
    path = Path(__file__).with_name("digits.npz")
    path.write_bytes(content)
    print(f"{path}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
