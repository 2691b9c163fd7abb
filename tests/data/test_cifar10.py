"""CIFAR-10, through small files in the same formats."""

import gzip
import tarfile
import tracemalloc

import numpy as np
import pytest
from published_files import BATCHES, FOLDER, RECORDS, TAR, flipped, pack, tree

from helpers import data
from helpers.data import official


def check_cifar10(d, batches, verified):
    assert (d.name, d.num_classes, d.verified) == ("cifar10", 10, verified)
    assert d.x_train.shape == (5 * RECORDS, 3, 32, 32)
    assert d.x_test.shape == (RECORDS, 3, 32, 32)
    assert d.x_train.dtype == d.x_test.dtype == np.float32
    assert d.y_train.dtype == d.y_test.dtype == np.int64
    assert not d.x_train.flags.writeable
    for image in range(5 * RECORDS):
        record = batches[BATCHES[image // RECORDS]][image % RECORDS * 3073 :]
        assert d.y_train[image] == record[0]
        # Red, green, blue; rows from top to bottom.
        for c, h, w in [(0, 0, 0), (0, 1, 0), (1, 0, 0), (2, 31, 30)]:
            value = record[1 + c * 1024 + h * 32 + w]
            assert d.x_train[image, c, h, w] == np.float32(value / 255)
    assert d.y_test[1] == batches["test_batch.bin"][3073]
    assert d.x_test[1, 0, 0, 0] == np.float32(batches["test_batch.bin"][3074] / 255)


@pytest.mark.parametrize("below", ["", "cifar10"])
def test_cifar10_archive_comes_from_the_data_folder(cifar10, data_folder, cache, below):
    (data_folder / below).mkdir(exist_ok=True)
    (data_folder / below / TAR).write_bytes(pack(cifar10.members))
    before = tree(data_folder)
    cifar10.publish((data_folder / below / TAR).read_bytes())
    check_cifar10(data.load("cifar10"), cifar10.batches, verified=True)
    assert tree(data_folder) == before
    assert not cache.exists()


def test_cifar10_archive_is_downloaded_once(cifar10, server, cache):
    server.routes[f"/{TAR}"] = cifar10.publish(pack(cifar10.members))
    for _ in range(2):
        check_cifar10(data.load("cifar10"), cifar10.batches, verified=True)
    assert server.asked == [f"/{TAR}"]
    assert tree(cache) == {cache / TAR: server.routes[f"/{TAR}"]}


def test_cifar10_archive_with_another_checksum_is_refused(cifar10, server, cache):
    tar = pack(cifar10.members)
    cifar10.publish(tar)
    server.routes[f"/{TAR}"] = tar[:-1] + flipped(tar[-1:])
    with pytest.raises(data.DataError, match=r"has the SHA-256 [0-9a-f]{64}, expected"):
        data.load("cifar10")
    assert tree(cache) == {}


def write_batches(folder, batches):
    folder.mkdir(parents=True)
    for name, content in batches.items():
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("below", ["", "cifar10"])
def test_unpacked_cifar10_is_loaded_as_unverified(cifar10, data_folder, below):
    folder = data_folder / below / FOLDER
    write_batches(folder, cifar10.batches)
    d = data.load("cifar10")
    check_cifar10(d, cifar10.batches, verified=False)
    assert d.source == "CIFAR-10, unverified copy"


def test_a_copy_is_called_what_the_file_beside_it_says(cifar10, data_folder):
    write_batches(data_folder / FOLDER, cifar10.batches | {"variant.txt": b"JPEG copy\n"})
    d = data.load("cifar10")
    check_cifar10(d, cifar10.batches, verified=False)
    assert d.source == "CIFAR-10, JPEG copy"


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * 41, b"JPEG\ncopy", b"a" * 50_000])
def test_a_variant_that_is_no_short_line_is_an_error(cifar10, data_folder, content):
    write_batches(data_folder / FOLDER, cifar10.batches | {"variant.txt": content})
    with pytest.raises(data.DataError, match=r"variant\.txt should name the kind of copy in one"):
        data.load("cifar10")


def test_the_archive_goes_before_an_unpacked_copy(cifar10, data_folder):
    write_batches(data_folder / FOLDER, {})
    (data_folder / TAR).write_bytes(cifar10.publish(pack(cifar10.members)))
    check_cifar10(data.load("cifar10"), cifar10.batches, verified=True)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda batch: batch[:-1], r"has 12291 bytes, expected 12292 \(4 records of 3073\)"),
        (lambda batch: batch + b"\x00", "has more than 12292 bytes"),
        (lambda batch: b"\x0a" + batch[1:], "holds the label 10, expected 0 to 9"),
    ],
)
def test_bad_unpacked_batch_is_an_error(cifar10, data_folder, damage, problem):
    bad = damage(cifar10.batches["data_batch_3.bin"])
    write_batches(data_folder / FOLDER, cifar10.batches | {"data_batch_3.bin": bad})
    with pytest.raises(data.DataError, match=rf"data_batch_3\.bin in .*{problem}"):
        data.load("cifar10")


def test_absent_unpacked_batch_is_an_error(cifar10, data_folder):
    write_batches(data_folder / FOLDER, cifar10.batches)
    (data_folder / FOLDER / "test_batch.bin").unlink()
    with pytest.raises(data.DataError, match=r"test_batch\.bin cannot be read \(No such file"):
        data.load("cifar10")


def special(name, kind, linkname=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, linkname
    return member, b""


@pytest.mark.parametrize(
    "entry",
    [
        ("../evil", b"evil"),
        (f"{FOLDER}/../../evil", b"evil"),
        ("..\\evil", b"evil"),
        ("/tmp/evil", b"evil"),
        special(f"{FOLDER}/evil", tarfile.SYMTYPE, "/etc/passwd"),
        special(f"{FOLDER}/evil", tarfile.LNKTYPE, "../evil"),
        special(f"{FOLDER}/evil", tarfile.FIFOTYPE),
        special(f"{FOLDER}/evil", tarfile.CHRTYPE),
    ],
)
def test_unsafe_entry_in_the_archive_is_refused(cifar10, data_folder, tmp_path, entry):
    """Even if its checksum were right. Nothing is written, neither there nor elsewhere."""
    (data_folder / TAR).write_bytes(cifar10.publish(pack([*cifar10.members, entry])))
    before = tree(tmp_path)
    with pytest.raises(data.DataError, match=r"holds the entry .*evil"):
        data.load("cifar10")
    assert tree(tmp_path) == before


def test_damaged_archive_is_an_error(cifar10, data_folder, subtests):
    good = gzip.decompress(pack(cifar10.members))
    batch = cifar10.batches["data_batch_1.bin"]
    big = ("big", bytes(6 * len(batch) + official.OVERHEAD))
    longer = (f"{FOLDER}/data_batch_1.bin", batch + b"\x00")
    cases = {
        "is damaged": gzip.compress(good[:20_000]),
        "is damaged .Not a gzipped": good,
        "is damaged .Compressed file ended": gzip.compress(good)[:-20],
        "unpacks to more than": pack([*cifar10.members, big]),
        "lacks data_batch_5.bin, test_batch.bin in": pack(
            [m for m in cifar10.members if "5" not in m[0] and "test" not in m[0]]
        ),
        "data_batch_1.bin in .*tar.gz has more than 12292": pack([*cifar10.members, longer]),
    }
    for problem, tar in cases.items():
        with subtests.test(problem):
            (data_folder / TAR).write_bytes(cifar10.publish(tar))
            with pytest.raises(data.DataError, match=problem):
                data.load("cifar10")


def sparse(name, content, claimed):
    """A GNU sparse tar entry: `content` (512 bytes), then a hole up to `claimed` bytes."""
    member = tarfile.TarInfo(name)
    member.type, member.size = tarfile.GNUTYPE_SPARSE, len(content)
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (0, len(content))  # where the content lies
    header[483:495] = b"%011o\0" % claimed
    header[148:156] = b" " * 8  # the checksum counts itself as blanks
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + content


def test_sparse_entry_is_not_inflated(cifar10, data_folder):
    name = f"{FOLDER}/data_batch_1.bin"
    others = [member for member in cifar10.members if member[0] != name]
    bomb = sparse(name, cifar10.batches["data_batch_1.bin"][:512], claimed=1 << 26)
    tar = gzip.compress(bomb + gzip.decompress(pack(others)))
    (data_folder / TAR).write_bytes(cifar10.publish(tar))
    tracemalloc.start()
    try:
        with pytest.raises(data.DataError, match=r"data_batch_1\.bin in .* more than 12292"):
            data.load("cifar10")
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()
