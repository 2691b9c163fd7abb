"""The course's data sets: `load("digits" | "mnist" | "cifar10")` returns a `Dataset` of arrays.

The digits lie in the repository. MNIST and CIFAR-10 are read from the folder that the environment
variable BN_COURSE_DATA names, or else downloaded once into a cache folder (BN_COURSE_CACHE, by
default the user's own). Every official file is verified each time it is read. See data/README.md.
"""

import contextlib
import dataclasses
import gzip
import hashlib
import http.client
import io
import math
import os
import sys
import tarfile
import urllib.request
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from tqdm.auto import tqdm

TIMEOUT = 20  # seconds that a server may stay silent
CHUNK = 1 << 18  # bytes read from a server at once
# Room for what stands around the data: gzip's own headers, or the small text files in a tar.
OVERHEAD = 1 << 20


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

        For images (N, C, H, W): notebook 01's standardization, with a channel for a feature.
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


DIGITS = Path(__file__).resolve().parent.parent / "data" / "digits.npz"
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
    content = _read(DIGITS)
    if hashlib.sha256(content).hexdigest() != DIGITS_SHA256:
        raise DataError(
            f"{DIGITS} is not the course's digits.npz (its SHA-256 differs from "
            f"{DIGITS_SHA256}): restore it from the repository with "
            "`git checkout -- data/digits.npz`"
        )
    with np.load(io.BytesIO(content)) as file:
        arrays = {part: file[part] for part in ("x_train", "y_train", "x_test", "y_test")}
    source = "UCI Optical Recognition of Handwritten Digits, 8x8"
    return _dataset("digits", arrays, 16, np.float64, True, source)


def _load_mnist():
    contents = _obtain("mnist", MNIST.values())
    arrays = {
        part: _parse_idx(contents[file.name], 3 if part.startswith("x") else 1, file.name)
        for part, file in MNIST.items()
    }
    return _dataset("mnist", arrays, 255, np.float32, True, "MNIST, official files")


def _load_cifar10():
    folder = _in_data_folder("cifar10", CIFAR10_FOLDER)
    if folder and not _in_data_folder("cifar10", CIFAR10_ARCHIVE.name):
        size = CIFAR10_RECORDS * CIFAR10_RECORD_BYTES
        batches = {name: _read(folder / name, size + 1) for name in (*CIFAR10_TRAIN, CIFAR10_TEST)}
        verified, source = False, f"CIFAR-10, {_variant(folder)}"
    else:
        folder = CIFAR10_ARCHIVE.name
        batches = _unpack_cifar10(_obtain("cifar10", [CIFAR10_ARCHIVE]).pop(folder))
        verified, source = True, "CIFAR-10, official archive"

    parts = {name: _parse_cifar10(content, name, folder) for name, content in batches.items()}
    arrays = {
        "x_train": np.concatenate([parts[name][0] for name in CIFAR10_TRAIN]),
        "y_train": np.concatenate([parts[name][1] for name in CIFAR10_TRAIN]),
        "x_test": parts[CIFAR10_TEST][0],
        "y_test": parts[CIFAR10_TEST][1],
    }
    return _dataset("cifar10", arrays, 255, np.float32, verified, source)


def _variant(folder):
    """What the owner of an unpacked copy calls it; the content cannot tell."""
    path = folder / CIFAR10_VARIANT
    if not path.exists():
        return "unverified copy"
    words = _read(path, 100).decode("utf-8", errors="replace").strip()
    if not 0 < len(words) <= 40 or not words.isprintable():
        raise DataError(
            f"{path} should name the kind of copy in one line of at most 40 characters, such as "
            f"`JPEG copy`; it begins with {words[:40]!r}: mend or remove it"
        )
    return words


def _dataset(name, arrays, white, dtype, verified, source):
    """Scale uint8 images (white is their largest value), widen the labels, freeze the arrays."""
    ready = {}
    for part, array in arrays.items():
        if part.startswith("x"):
            images = array if array.ndim == 4 else array[:, np.newaxis]
            ready[part] = np.divide(images, white, dtype=dtype)
        else:
            ready[part] = array.astype(np.int64)
        ready[part].setflags(write=False)
    return Dataset(name, **ready, num_classes=10, verified=verified, source=source)


# --- formats ---------------------------------------------------------------------------------


def _parse_idx(content, ndim, name):
    """The uint8 array in an IDX file: 0, 0, 8 (uint8), ndim, the big-endian sizes, the values."""
    start = 4 + 4 * ndim
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    if content[:4] != bytes([0, 0, 8, ndim]) or len(content) != start + math.prod(shape):
        raise DataError(
            f"{name} is not an IDX file of unsigned bytes with {ndim} dimensions: it begins with "
            f"{content[:start].hex(' ')} and has {len(content)} bytes; replace it with the "
            "official file"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _parse_cifar10(content, name, folder):
    """Images (N, 3, 32, 32) and labels (N,), uint8, of one of CIFAR-10's binary batches."""
    size = CIFAR10_RECORDS * CIFAR10_RECORD_BYTES
    if len(content) != size:
        found = f"{len(content)}" if len(content) < size else f"more than {size}"
        raise DataError(
            f"{name} in {folder} has {found} bytes, expected {size} ({CIFAR10_RECORDS} records of "
            f"{CIFAR10_RECORD_BYTES}): replace it with the official file"
        )
    records = np.frombuffer(content, np.uint8).reshape(CIFAR10_RECORDS, CIFAR10_RECORD_BYTES)
    labels = records[:, 0]
    if labels.max() > 9:
        raise DataError(
            f"{name} in {folder} holds the label {labels.max()}, expected 0 to 9: it is not in "
            "CIFAR-10's binary format; replace it with the official file"
        )
    return records[:, 1:].reshape(-1, 3, 32, 32), labels


def _unpack_cifar10(archive):
    """The six batches {name: bytes} in the tar, read in memory: nothing is written to the disk."""
    wanted = {f"{CIFAR10_FOLDER}/{name}": name for name in (*CIFAR10_TRAIN, CIFAR10_TEST)}
    size = CIFAR10_RECORDS * CIFAR10_RECORD_BYTES
    limit = len(wanted) * size + OVERHEAD
    batches = {}
    try:
        content = _gunzip(archive, limit + 1)
        if len(content) > limit:
            raise DataError(
                f"{CIFAR10_ARCHIVE.name} unpacks to more than {limit} bytes, the most that "
                "CIFAR-10 needs: replace it with the official file"
            )
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            for member in tar:
                _refuse_unsafe(member)
                if member.name in wanted and member.isreg():
                    # A sparse entry claims any size: one byte too many is enough to refuse it.
                    batches[wanted[member.name]] = tar.extractfile(member).read(size + 1)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DataError(
            f"{CIFAR10_ARCHIVE.name} is damaged ({error}): replace it with the official file"
        ) from error
    missing = sorted(set(wanted.values()) - set(batches))
    if missing:
        raise DataError(
            f"{CIFAR10_ARCHIVE.name} lacks {', '.join(missing)} in the folder {CIFAR10_FOLDER}: "
            "replace it with the official file"
        )
    return batches


def _refuse_unsafe(member):
    path = PurePosixPath(member.name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not (member.isreg() or member.isdir()):
        raise DataError(
            f"{CIFAR10_ARCHIVE.name} holds the entry {member.name!r}, expected only plain files "
            "and folders below its own folder: do not trust it, replace it with the official file"
        )


# --- finding, downloading, verifying -----------------------------------------------------------


class _Unfit(Exception):
    """Why a file is not the official one, as the predicate of a sentence about it."""


def _data_folder():
    folder = os.environ.get("BN_COURSE_DATA")
    return Path(folder).expanduser().absolute() if folder else None


def _cache_folder():
    """BN_COURSE_CACHE, or else where programs of this platform keep what they can fetch again."""
    chosen = os.environ.get("BN_COURSE_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "batch-norm-course"


def _in_data_folder(dataset, name):
    """Where BN_COURSE_DATA holds `name`, at its top or in the folder `dataset`; None if nowhere."""
    folder = _data_folder()
    places = (folder / name, folder / dataset / name) if folder else ()
    return next((place for place in places if place.exists()), None)


def _obtain(dataset, files):
    """Verified contents {name: bytes}, from BN_COURSE_DATA, the cache or the network."""
    contents, absent = {}, []
    for file in files:
        path = _in_data_folder(dataset, file.name)
        content = _from_data_folder(path, file) if path else _from_cache(file)
        if content is None:
            absent.append(file)
        else:
            contents[file.name] = content
    for i, file in enumerate(absent):
        contents[file.name] = _download(file, _advice(absent[i:]))
    return contents


def _from_data_folder(path, file):
    try:
        return _verify(_read(path, file.most_bytes + 1), file)
    except _Unfit as reason:
        raise DataError(f"{path} {reason}: replace it with the official file") from None


def _from_cache(file):
    """The content, or None: a damaged file is removed, so that it is fetched again."""
    path = _cache_folder() / file.name
    if not path.exists():
        return None
    try:
        return _verify(_read(path, file.most_bytes + 1), file)
    except _Unfit:
        with contextlib.suppress(OSError):  # _store says so if nothing can be written there
            path.unlink()
        return None


def _read(path, limit=-1):
    try:
        with path.open("rb") as stream:
            return stream.read(limit)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): it should be a readable file, put the "
            "official one there"
        ) from error


def _gunzip(packed, limit):
    # Never more than `limit` bytes, whatever a hostile file would unpack to.
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
        return stream.read(limit)


def _verify(raw, file):
    """The content of the official `file`, unpacked from the bytes `raw`; _Unfit if they differ."""
    content, unpacked = raw, ""
    if file.gunzip:
        unpacked = " when unpacked"
        try:
            content = _gunzip(raw, file.size + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise _Unfit(f"cannot be unpacked ({error})") from error
    if len(content) != file.size:
        found = f"{len(content)}" if len(content) < file.size else f"more than {file.size}"
        raise _Unfit(f"has {found} bytes{unpacked}, expected {file.size}")
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise _Unfit(f"has the SHA-256 {digest}{unpacked}, expected {file.sha256}")
    return content


def _download(file, advice):
    """Fetch `file` from the first mirror that has it, keep it in the cache, return its content.

    `advice` ends the message if every mirror fails.
    """
    cache = _cache_folder()
    problems = []
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for url in file.urls:
            try:
                raw = _fetch(url, file)
                content = _verify(raw, file)
            except (OSError, http.client.HTTPException, _Unfit) as problem:
                problems.append(f"{url}: {problem}")
            else:
                _store(raw, cache / file.name)
                return content
    except OSError as error:
        raise DataError(
            f"the cache folder {cache} cannot be written to ({error.strerror}): make room there, "
            "or set the environment variable BN_COURSE_CACHE to another folder"
        ) from error
    raise DataError(f"{file.name} could not be downloaded ({'; '.join(problems)}): {advice}")


def _fetch(url, file):
    """What `url` sends, with a progress bar; never more than `file` can have."""
    received = bytearray()
    with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
        promised = response.headers.get("Content-Length", "")
        total = int(promised) if promised.isdecimal() else None
        bar = tqdm(desc=file.name, total=total, unit="B", unit_scale=True, leave=False)
        with bar:
            while chunk := response.read(CHUNK):
                received += chunk
                bar.update(len(chunk))
                if len(received) > file.most_bytes:
                    raise _Unfit(f"sends more than {file.most_bytes} bytes")
    if total is not None and len(received) != total:
        raise _Unfit(f"ended after {len(received)} of {total} bytes")
    return bytes(received)


def _store(raw, path):
    # A file takes its final name only when it is whole: an interrupt leaves nothing behind.
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(raw)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _advice(files):
    names = ", ".join(file.name for file in files)
    addresses = " and ".join({file.urls[0].removesuffix(file.name): None for file in files})
    folder = _data_folder()
    if folder:
        where = f"into {folder}, the folder that BN_COURSE_DATA names"
    else:
        where = "into a folder and set the environment variable BN_COURSE_DATA to its path"
    return (
        f"try again with a working network, or fetch {names} from {addresses} on another machine "
        f"and put {'it' if len(files) == 1 else 'them'} {where}"
    )
