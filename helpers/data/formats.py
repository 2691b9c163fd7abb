"""Read what the published files hold: IDX, CIFAR-10's binary batches, a tar of them, gzip."""

import gzip
import io
import math
import tarfile
import zlib
from pathlib import PurePosixPath

import numpy as np

from helpers.data import official
from helpers.data.dataset import DataError


def parse_idx(content, ndim, name):
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


def parse_cifar10(content, name, folder):
    """Images (N, 3, 32, 32) and labels (N,), uint8, of one of CIFAR-10's binary batches."""
    size = official.CIFAR10_RECORDS * official.CIFAR10_RECORD_BYTES
    if len(content) != size:
        found = f"{len(content)}" if len(content) < size else f"more than {size}"
        raise DataError(
            f"{name} in {folder} has {found} bytes, expected {size} "
            f"({official.CIFAR10_RECORDS} records of {official.CIFAR10_RECORD_BYTES}): replace it "
            "with the official file"
        )
    records = np.frombuffer(content, np.uint8).reshape(
        official.CIFAR10_RECORDS, official.CIFAR10_RECORD_BYTES
    )
    labels = records[:, 0]
    if labels.max() > 9:
        raise DataError(
            f"{name} in {folder} holds the label {labels.max()}, expected 0 to 9: it is not in "
            "CIFAR-10's binary format; replace it with the official file"
        )
    return records[:, 1:].reshape(-1, 3, 32, 32), labels


def unpack_cifar10(archive):
    """The six batches {name: bytes} in the tar, read in memory: nothing is written to the disk."""
    wanted = {
        f"{official.CIFAR10_FOLDER}/{name}": name
        for name in (*official.CIFAR10_TRAIN, official.CIFAR10_TEST)
    }
    size = official.CIFAR10_RECORDS * official.CIFAR10_RECORD_BYTES
    limit = len(wanted) * size + official.OVERHEAD
    batches = {}
    try:
        content = gunzip(archive, limit + 1)
        if len(content) > limit:
            raise DataError(
                f"{official.CIFAR10_ARCHIVE.name} unpacks to more than {limit} bytes, the most "
                "that CIFAR-10 needs: replace it with the official file"
            )
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            for member in tar:
                _refuse_unsafe(member)
                if member.name in wanted and member.isreg():
                    # A sparse entry claims any size: one byte too many is enough to refuse it.
                    batches[wanted[member.name]] = tar.extractfile(member).read(size + 1)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DataError(
            f"{official.CIFAR10_ARCHIVE.name} is damaged ({error}): replace it with the official "
            "file"
        ) from error
    missing = sorted(set(wanted.values()) - set(batches))
    if missing:
        raise DataError(
            f"{official.CIFAR10_ARCHIVE.name} lacks {', '.join(missing)} in the folder "
            f"{official.CIFAR10_FOLDER}: replace it with the official file"
        )
    return batches


def _refuse_unsafe(member):
    path = PurePosixPath(member.name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not (member.isreg() or member.isdir()):
        raise DataError(
            f"{official.CIFAR10_ARCHIVE.name} holds the entry {member.name!r}, expected only plain "
            "files and folders below its own folder: do not trust it, replace it with the official "
            "file"
        )


def gunzip(packed, limit):
    """The first `limit` bytes of what is packed, whatever a hostile file would unpack to."""
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
        return stream.read(limit)
