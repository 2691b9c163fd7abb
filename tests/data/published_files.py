"""Small files in the formats of the published ones, and what is left in a folder."""

import gzip
import hashlib
import io
import tarfile

import numpy as np

from helpers.data import official

IMAGES = "train-images-idx3-ubyte.gz"
NAMES = [IMAGES, *(f"{n}-ubyte.gz" for n in ("train-labels-idx1", "t10k-images-idx3"))]
NAMES.append("t10k-labels-idx1-ubyte.gz")


RECORDS = 4
BATCHES = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
TAR = "cifar-10-binary.tar.gz"
FOLDER = "cifar-10-batches-bin"


def tree(folder):
    """Every file below a folder with its content, every folder with None."""
    return {p: p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.tobytes()


class Small:
    """Six training and four test images in MNIST's files, on two mirrors."""

    def __init__(self, server):
        rng = np.random.default_rng(0)
        self.server = server
        self.arrays = {
            "x_train": rng.integers(0, 256, (6, 28, 28), np.uint8),
            "y_train": rng.integers(0, 10, 6, np.uint8),
            "x_test": rng.integers(0, 256, (4, 28, 28), np.uint8),
            "y_test": rng.integers(0, 10, 4, np.uint8),
        }
        self.files, self.spec = {}, {}
        for part, file in official.MNIST.items():
            self.set(part, file.name, idx(self.arrays[part]))

    def set(self, part, name, content):
        self.files[name] = gzip.compress(content)
        urls = tuple(f"{self.server.address}/{mirror}/{name}" for mirror in "ab")
        digest = hashlib.sha256(content).hexdigest()
        self.spec[part] = official.OfficialFile(name, urls, len(content), digest, gunzip=True)

    def serve(self, *mirrors):
        for mirror in mirrors:
            for name, body in self.files.items():
                self.server.routes[f"/{mirror}/{name}"] = body

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, body in self.files.items():
            (folder / name).write_bytes(body)

    def check(self, d):
        assert (d.name, d.num_classes, d.verified) == ("mnist", 10, True)
        for part, stored in self.arrays.items():
            loaded = getattr(d, part)
            assert not loaded.flags.writeable
            if part.startswith("x"):
                assert loaded.dtype == np.float32
                expected = (stored[:, np.newaxis] / 255).astype(np.float32)
            else:
                assert loaded.dtype == np.int64
                expected = stored
            np.testing.assert_array_equal(loaded, expected)


def pack(members):
    """A tar.gz of CIFAR-10's folder and then [(name or TarInfo, content)]."""
    packed = io.BytesIO()
    folder = tarfile.TarInfo(f"{FOLDER}/")
    folder.type = tarfile.DIRTYPE
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.addfile(folder)
        for name, content in members:
            member = tarfile.TarInfo(name) if isinstance(name, str) else name
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def flipped(content):
    return bytes([content[0] ^ 1]) + content[1:]
