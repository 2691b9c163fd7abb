"""Set-ups that cannot be: each ends in one sentence, and the next run repairs."""

import contextlib
import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest
from clones import posix_only, sentence

import course
from helpers.launcher import installation, places
from helpers.launcher.reasons import Stop, why_pip_failed


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_no_network_is_one_sentence_and_the_next_run_repairs(empty):
    index = f"http://127.0.0.1:{closed_port()}/simple"
    offline = {"PIP_NO_INDEX": None, "PIP_FIND_LINKS": None, "PIP_INDEX_URL": index}
    done = empty.run("test", PIP_RETRIES="1", **offline)
    assert "cannot be reached" in sentence(done)
    assert not empty.stamp.exists()
    assert empty.run("test").returncode == 0
    assert empty.stamp.exists()


def test_a_package_that_does_not_exist_is_named(half_ready):
    (half_ready.root / "requirements.txt").write_text("nosuchpackage==1\n")
    assert "nosuchpackage==1" in sentence(half_ready.run("test"))


class Silence(http.server.BaseHTTPRequestHandler):
    """A package index that never answers."""

    def do_GET(self):
        self.server.asked.set()
        self.server.finished.wait(60)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def silent_index():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silence) as server:
        server.asked, server.finished = threading.Event(), threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.finished.set()
        server.shutdown()


@posix_only
def test_control_c_is_one_line_and_the_next_run_repairs(empty):
    with silent_index() as server:
        index = f"http://127.0.0.1:{server.server_port}/simple"
        process = empty.popen("test", PIP_NO_INDEX=None, PIP_FIND_LINKS=None, PIP_INDEX_URL=index)
        assert server.asked.wait(60)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "Stopped; run the command again to go on."
    assert empty.run("test").returncode == 0


def test_too_little_disk_space_is_one_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(places, "ROOT", tmp_path)
    monkeypatch.setattr(places, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(sys, "argv", ["course.py", "test"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 300_000_000))
    assert course.main() == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "needs about 2.5 GB, 0.3 GB are free" in captured.err
    assert not places.VENV.exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "The disk is full"),
        ("ERROR: Could not install: [WinError 112] There is not enough space", "The disk is full"),
        ("WARNING: Retrying after connection broken by 'X'\nERROR: none", "cannot be reached"),
        ("ERROR: No matching distribution found for torch==2.13.0", "torch==2.13.0"),
        ("", "no message"),
    ],
)
def test_what_pip_says_becomes_one_sentence(said, told):
    answer = why_pip_failed(said)
    assert told in answer
    assert "\n" not in answer


def test_a_python_that_cannot_make_environments_is_explained(monkeypatch, tmp_path):
    def refuse(command, **_):
        return subprocess.CompletedProcess(command, 1, "ensurepip is not available", "")

    monkeypatch.setattr(places, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(Stop, match="apt install python3-venv"):
        installation.make_venv()
