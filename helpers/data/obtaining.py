"""Find the published files, in BN_COURSE_DATA, in the cache or on the network; verify each."""

import contextlib
import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
import uuid
import zlib
from pathlib import Path

from tqdm.auto import tqdm

from helpers.data.dataset import DataError
from helpers.data.formats import gunzip

TIMEOUT = 20  # seconds that a server may stay silent
CHUNK = 1 << 18  # bytes read from a server at once


class _Unfit(Exception):
    """Why a file is not the official one, as the predicate of a sentence about it."""


def data_folder():
    """The folder that BN_COURSE_DATA names, or None."""
    folder = os.environ.get("BN_COURSE_DATA")
    return _named(folder, "BN_COURSE_DATA") if folder else None


def cache_folder():
    """BN_COURSE_CACHE, or else where programs of this platform keep what they can fetch again."""
    chosen = os.environ.get("BN_COURSE_CACHE")
    if chosen:
        return _named(chosen, "BN_COURSE_CACHE")
    if sys.platform == "win32":
        base, usual = os.environ.get("LOCALAPPDATA"), "~/AppData/Local"
    elif sys.platform == "darwin":
        base, usual = None, "~/Library/Caches"
    else:
        base, usual = os.environ.get("XDG_CACHE_HOME"), "~/.cache"
    try:
        return Path(base or Path(usual).expanduser()) / "batch-norm-course"
    except RuntimeError as error:  # a container that runs as a number, without a home
        raise DataError(
            "there is no home folder to keep downloads in: set the environment variable "
            "BN_COURSE_CACHE to a folder that can be written to"
        ) from error


def _named(folder, variable):
    try:
        return Path(folder).expanduser().absolute()
    except RuntimeError as error:
        raise DataError(
            f"{variable} is {folder!r}, but this user has no such home folder: set it to a path "
            "without `~`"
        ) from error


def in_data_folder(dataset, name):
    """Where BN_COURSE_DATA holds `name`, at its top or in the folder `dataset`; None if nowhere."""
    folder = data_folder()
    places = (folder / name, folder / dataset / name) if folder else ()
    return next((place for place in places if _is_there(place)), None)


def _is_there(path):
    """Whether something lies there, readable or not: reading it then says why it cannot be read."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def obtain(dataset, files):
    """Verified contents {name: bytes}, from BN_COURSE_DATA, the cache or the network."""
    contents, absent = {}, []
    for file in files:
        path = in_data_folder(dataset, file.name)
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
        return _verify(read(path, file.most_bytes + 1), file)
    except _Unfit as reason:
        raise DataError(f"{path} {reason}: replace it with the official file") from None


def _from_cache(file):
    """The content, or None: a damaged file is removed, so that it is fetched again."""
    path = cache_folder() / file.name
    if not _is_there(path):
        return None
    try:
        return _verify(read(path, file.most_bytes + 1), file)
    except _Unfit:
        with contextlib.suppress(OSError):  # _store says so if nothing can be written there
            path.unlink()
        return None


def read(path, limit=-1):
    """The first `limit` bytes of a file, all of it by default; DataError if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(limit)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): it should be a readable file, put the "
            "official one there"
        ) from error


def _verify(raw, file):
    """The content of the official `file`, unpacked from the bytes `raw`; _Unfit if they differ."""
    content, unpacked = raw, ""
    if file.gunzip:
        unpacked = " when unpacked"
        try:
            content = gunzip(raw, file.size + 1)
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
    cache = cache_folder()
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
    with _reply(url) as response:
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


def _reply(url):
    try:
        return urllib.request.urlopen(url, timeout=TIMEOUT)
    except urllib.error.HTTPError as refused:
        refused.close()  # it is a reply as well, with a connection of its own
        raise


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
    folder = data_folder()
    if folder:
        where = f"into {folder}, the folder that BN_COURSE_DATA names"
    else:
        where = "into a folder and set the environment variable BN_COURSE_DATA to its path"
    return (
        f"try again with a working network, or fetch {names} from {addresses} on another machine "
        f"and put {'it' if len(files) == 1 else 'them'} {where}"
    )
