"""Which PyTorch set-up takes, seen with an index that stands in for PyTorch's own."""

import functools
import http.server
import threading

import pytest
from clones import make_wheel, posix_only

pytestmark = posix_only

# Behind packages.py of the clone: the stand-in's address, and no NVIDIA driver on any machine.
STAND_IN = """

CPU_INDEX = {address!r}


def has_nvidia_driver():
    return False
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def index(tmp_path_factory):
    """A server with the CPU build of a small PyTorch; ``asked`` are the paths it was asked for."""
    folder = tmp_path_factory.mktemp("index")
    (folder / "torch").mkdir()
    make_wheel(folder / "torch", "torch", "2.13.0+cpu", {"torch.py": "cpu = True\n"})
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.asked = []
        server.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def learner(half_ready, index, tmp_path_factory):
    """A clone that asks for PyTorch and has all else; ``wheels`` holds the default build."""
    with open(half_ready.root / "helpers" / "launcher" / "packages.py", "a") as file:
        file.write(STAND_IN.format(address=index.address))
    for name in ("requirements.txt", "constraints.txt"):
        with open(half_ready.root / name, "a") as file:
            file.write("torch==2.13.0\n")
    half_ready.wheels = tmp_path_factory.mktemp("default")
    make_wheel(half_ready.wheels, "torch", "2.13.0", {"torch.py": "cpu = False\n"})
    return half_ready


def builds(clone):
    return [path.name.removesuffix(".dist-info") for path in clone.site.glob("torch-*")]


def test_the_small_build_is_taken_from_its_own_index_and_nothing_else_is(learner, index):
    done = learner.run("setup", PIP_NO_INDEX=None, PIP_FIND_LINKS=None)
    assert done.returncode == 0, done.stderr
    assert "no NVIDIA driver here, so PyTorch's small CPU build is taken" in done.stdout
    assert builds(learner) == ["torch-2.13.0+cpu"]
    assert {path.split("/")[1] for path in index.asked} == {"torch"}


def test_pips_own_settings_are_left_to_decide(learner, index):
    done = learner.run("setup", PIP_FIND_LINKS=str(learner.wheels))
    assert done.returncode == 0, done.stderr
    assert "PyTorch" not in done.stdout
    assert builds(learner) == ["torch-2.13.0"]
    assert index.asked == []


def test_the_user_may_name_the_index(learner, index):
    settings = {"PIP_NO_INDEX": None, "PIP_FIND_LINKS": str(learner.wheels)}
    done = learner.run("setup", BN_COURSE_TORCH=index.address, **settings)
    assert done.returncode == 0, done.stderr
    assert f"PyTorch comes from {index.address}" in done.stdout
    assert builds(learner) == ["torch-2.13.0+cpu"]


def test_an_index_that_cannot_be_reached_is_one_sentence_with_a_way_out(learner, index):
    index.shutdown()
    index.server_close()
    done = learner.run("setup", PIP_NO_INDEX=None, PIP_FIND_LINKS=None, PIP_RETRIES="0")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be reached" in done.stderr
    assert "BN_COURSE_TORCH=default" in done.stdout
