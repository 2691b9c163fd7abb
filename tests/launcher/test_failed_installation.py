"""Set-ups that cannot be: each ends in one sentence, and the next run repairs."""

import contextlib
import http.server
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from clones import posix_only, sentence

import course
from helpers.launcher import downloads, places, venv
from helpers.launcher.reasons import Stop


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_no_network_is_one_sentence_and_the_next_run_repairs(empty):
    index = f"http://127.0.0.1:{closed_port()}/simple"
    offline = {"PIP_NO_INDEX": None, "PIP_FIND_LINKS": None, "PIP_INDEX_URL": index}
    done = empty.run("test", PIP_RETRIES="0", **offline)
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
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(places.ROOT / name, tmp_path)
    monkeypatch.setattr(places, "ROOT", tmp_path)
    monkeypatch.setattr(places, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(sys, "argv", ["course.py", "test"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 300_000_000))
    assert course.main() == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "needs about 2.5 GB, 0.3 GB are free" in captured.err
    assert not places.VENV.exists()


@pytest.fixture
def pip(ready, monkeypatch):
    """pip as set-up calls it, in a clone that is set up; it must not change anything there."""
    monkeypatch.setattr(places, "ROOT", ready.root)
    monkeypatch.setattr(places, "VENV", ready.root / ".venv")
    for name in list(os.environ):
        if name.upper().endswith("_PROXY") or name.startswith("PIP_"):
            monkeypatch.delenv(name)

    def refuse(arguments=("standins==3.0",), **settings):
        settings = {"retries": "0", "no-cache-dir": "1"} | settings
        with pytest.raises(Stop) as stopped:
            downloads.install(
                list(arguments), {k.replace("_", "-"): v for k, v in settings.items()}
            )
        return str(stopped.value)

    return refuse


class Index(http.server.BaseHTTPRequestHandler):
    """A package index with one wheel that arrives damaged, or one that answers with an error."""

    def do_GET(self):
        wheel = "standins-3.0-py3-none-any.whl"
        page = f'<a href="/{wheel}#sha256={64 * "0"}">{wheel}</a>'.encode()
        body = b"damaged" if self.path.endswith(".whl") else page
        self.send_response(self.server.answer)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_CONNECT = do_GET

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def index(answer, certificate=None):
    """The address of an index that gives one answer to everything."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        server.answer = answer
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (403, "refuses you (403)"),
        (401, "refuses you (401)"),
        (200, "standins==3.0 arrived damaged"),
    ],
)
def test_what_an_index_answers_is_told(pip, answer, told):
    with index(answer) as address:
        assert told in pip(index_url=address)


def test_a_proxy_that_wants_a_password_is_told(pip):
    with index(407) as proxy:
        said = pip(index_url="https://index.example/simple", proxy=proxy.removesuffix("/simple"))
    assert "proxy wants a name and a password" in said


def test_a_proxy_that_is_not_there_is_told(pip, monkeypatch):
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed_port()}")
    assert "correct HTTPS_PROXY" in pip(index_url="https://index.example/simple")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_certificate_that_is_not_trusted_is_told(pip, tmp_path):
    both = tmp_path / "both.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext"
    command = [*command.split(), "subjectAltName=DNS:localhost", "-keyout", both, "-out"]
    subprocess.run([*command, tmp_path / "certificate.pem"], check=True, capture_output=True)
    both.write_text(both.read_text() + (tmp_path / "certificate.pem").read_text())
    with index(200, certificate=both) as address:
        # By its name: pip 25.1 fails at any address of four numbers before it sees a certificate.
        said = pip(index_url=address.replace("127.0.0.1", "localhost"))
    assert "certificate that is not trusted" in said
    assert "PIP_CERT" in said


def python_of_another_user():
    """A Python that an ordinary user can run, and how to run as one."""
    if os.geteuid() != 0:
        return sys.executable, {}
    user = {"user": 65534, "group": 65534, "extra_groups": []}
    for python in filter(None, (sys.executable, shutil.which("python3", path="/usr/bin"))):
        supported = "import sys; sys.exit(sys.version_info < (3, 11))"
        with contextlib.suppress(OSError):
            if subprocess.run([python, "-c", supported], cwd="/", **user).returncode == 0:
                return python, user
    pytest.skip("no Python that another user can run")


@posix_only
def test_a_folder_that_belongs_to_someone_else_is_one_sentence(clone):
    python, user = python_of_another_user()
    for folder in clone.root.parents:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)  # pytest makes them private
    clone.root.chmod(0o555)
    command = [python, "-B", "course.py", "lab"]
    done = subprocess.run(
        command, cwd=clone.root, env=clone.env, capture_output=True, text=True, **user
    )
    clone.root.chmod(0o755)
    assert "You may not write in" in sentence(done)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIP_USER", "1"),
        ("PIP_TARGET", "elsewhere"),
        ("PIP_PREFIX", "elsewhere"),
        ("PIP_CONSTRAINT", "nowhere.txt"),
        ("PIP_REQUIRE_HASHES", "1"),
    ],
)
def test_settings_of_pip_say_where_packages_come_from_and_nothing_else(
    ready, monkeypatch, tmp_path, name, value
):
    monkeypatch.setattr(places, "VENV", ready.root / ".venv")
    section = f"[global]\n{name[4:].lower().replace('_', '-')} = {value}\ntimeout = 7\n"
    (tmp_path / "pip.conf").write_text(section)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_FIND_LINKS", "one\ntwo")
    monkeypatch.setenv(name, value)
    settings = downloads.pip_settings(places.venv_python())
    assert settings["timeout"] == "7"
    assert settings["find-links"] == "one\ntwo"
    variables = downloads.pip_environment(settings)
    assert variables["PIP_TIMEOUT"] == "7"
    assert variables["PIP_CONFIG_FILE"] == os.devnull
    assert name not in variables


def test_set_up_succeeds_where_pip_is_set_to_install_elsewhere(empty, tmp_path_factory):
    folder = tmp_path_factory.mktemp("settings")
    (folder / "pip.conf").write_text("[install]\nuser = true\n[global]\nprefix = /nowhere\n")
    done = empty.run("lab", PIP_CONFIG_FILE=str(folder / "pip.conf"), PIP_TARGET=str(folder / "x"))
    assert done.returncode == 0, done.stderr
    assert (empty.site / "standins-1.0.dist-info").is_dir()
    assert not (folder / "x").exists()


def test_settings_of_pip_that_cannot_be_read_are_one_sentence(half_ready, tmp_path_factory):
    broken = tmp_path_factory.mktemp("settings") / "pip.conf"
    broken.write_text("[global\nuser = true\n")
    told = sentence(half_ready.run("lab", PIP_CONFIG_FILE=str(broken)))
    assert told.startswith("pip cannot read its own settings")
    assert str(broken) in told


def test_a_python_that_cannot_make_environments_is_explained(monkeypatch, tmp_path):
    def refuse(command, **_):
        return subprocess.CompletedProcess(command, 1, "No module named ensurepip", "")

    monkeypatch.setattr(places, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(Stop, match="apt install python3-venv"):
        venv.make()
    assert not places.VENV.exists()
