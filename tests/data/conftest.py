"""No test here reads or writes the folders of whoever runs it, or asks a far server."""

import contextlib
import hashlib
import http.server
import threading
import types
import urllib.error

import numpy as np
import pytest
from published_files import BATCHES, FOLDER, RECORDS, TAR, Small, pack

from helpers.data import obtaining, official


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """No test reads or writes the folders of whoever runs it. The cache does not exist yet."""
    monkeypatch.delenv("BN_COURSE_DATA", raising=False)
    monkeypatch.setenv("BN_COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache"


@pytest.fixture
def data_folder(monkeypatch, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("BN_COURSE_DATA", str(folder))
    return folder


@pytest.fixture
def offline(monkeypatch):
    def refuse(url, timeout):
        raise urllib.error.URLError("no network in this test")

    monkeypatch.setattr(obtaining.urllib.request, "urlopen", refuse)


@pytest.fixture
def server():
    """A server on this machine: `routes[path] = body` or (body, promised length); `asked` paths."""
    routes, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path not in routes:
                self.send_error(404)
                return
            body = routes[self.path]
            body, promised = body if isinstance(body, tuple) else (body, len(body))
            self.send_response(200)
            if promised is not None:
                self.send_header("Content-Length", str(promised))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # the client may have had enough
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{httpd.server_port}"
        yield types.SimpleNamespace(address=address, routes=routes, asked=asked)
        httpd.shutdown()
        thread.join()


@pytest.fixture
def mnist(monkeypatch, server):
    small = Small(server)
    monkeypatch.setattr(official, "MNIST", small.spec)
    return small


@pytest.fixture
def cifar10(monkeypatch, server):
    """Six batches of four random records: `batches`, `members` of the tar, and `publish(tar)`."""
    rng = np.random.default_rng(1)
    batches = {}
    for name in BATCHES:
        labels = rng.integers(0, 10, (RECORDS, 1), np.uint8)
        pixels = rng.integers(0, 256, (RECORDS, 3072), np.uint8)
        batches[name] = np.hstack([labels, pixels]).tobytes()
    members = [
        *((f"{FOLDER}/{name}", content) for name, content in reversed(batches.items())),
        (f"{FOLDER}/readme.html", b"<html></html>"),
    ]

    def publish(tar):
        digest = hashlib.sha256(tar).hexdigest()
        urls = (f"{server.address}/{TAR}",)
        published = official.OfficialFile(TAR, urls, len(tar), digest, gunzip=False)
        monkeypatch.setattr(official, "CIFAR10_ARCHIVE", published)
        return tar

    monkeypatch.setattr(official, "CIFAR10_RECORDS", RECORDS)
    publish(pack(members))
    return types.SimpleNamespace(batches=batches, members=members, publish=publish)
