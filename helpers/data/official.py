"""The published files: their names, mirrors, sizes and checksums."""

from dataclasses import dataclass
from pathlib import Path

# Room for what stands around the data: gzip's own headers, or the small text files in a tar.
OVERHEAD = 1 << 20


@dataclass(frozen=True)
class OfficialFile:
    """A published file: `size` (bytes) and `sha256` hold after gunzip, where `gunzip` is True."""

    name: str
    urls: tuple[str, ...]  # mirrors, tried in this order
    size: int
    sha256: str
    gunzip: bool

    @property
    def most_bytes(self):
        """No file that is whole has more, packed or not."""
        return self.size + OVERHEAD


DIGITS = Path(__file__).resolve().parents[2] / "data" / "digits.npz"
DIGITS_SHA256 = "8efe4dd32eb6ec467644ec9ecf79641c6b922ed99b575b5414637093c942ef2b"


def _mnist_file(name, size, sha256):
    mirrors = (
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    )
    return OfficialFile(name, tuple(url + name for url in mirrors), size, sha256, gunzip=True)


MNIST = {
    "x_train": _mnist_file(
        "train-images-idx3-ubyte.gz",
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "y_train": _mnist_file(
        "train-labels-idx1-ubyte.gz",
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "x_test": _mnist_file(
        "t10k-images-idx3-ubyte.gz",
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "y_test": _mnist_file(
        "t10k-labels-idx1-ubyte.gz",
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}

CIFAR10_ARCHIVE = OfficialFile(
    "cifar-10-binary.tar.gz",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
    170_052_171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    gunzip=False,
)
CIFAR10_FOLDER = "cifar-10-batches-bin"
CIFAR10_TRAIN = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
CIFAR10_TEST = "test_batch.bin"
CIFAR10_VARIANT = "variant.txt"  # beside the batches of a copy: what kind of copy it is
CIFAR10_RECORDS = 10_000  # in each of these six files
CIFAR10_RECORD_BYTES = 1 + 3 * 32 * 32  # a label, then the pixels channel by channel
