"""What submissions may try: each gets its verdict, and everybody else theirs."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.classroom.grading import judge
from helpers.classroom.grading.submissions import Learner, Notebook

RIGHT = "return x.mean(axis=0), x.var(axis=0)"
SECRET = Path(__file__)  # stands for whatever a teacher has

# What an answer does before it answers rightly; and what the verdict is.
TRIES = {
    "endless": ("while True: pass", "not done after 2 seconds"),
    "sleep": ("import time; time.sleep(1000)", "not done after 2 seconds"),
    "fork_bomb": (
        "import os\n    while True:\n        try: os.fork()\n        except OSError: pass",
        "",
    ),
    "ten_gigabytes": ("import numpy as np; np.ones(10 * 2**27)", "MemoryError"),
    "prints": ("while True: print('x' * 10**6)", "not done after 2 seconds"),
    "error_text": ("raise ValueError('x' * 10**6)", "ValueError"),
    "endless_error_text": ("raise ValueError('x' * 10**9)", ""),
    "exit": ("import os; os._exit(0)", "ended Python"),
    "system_exit": ("raise SystemExit", "SystemExit"),
    "keyboard_interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "base_exception": ("class Mine(BaseException): pass\n    raise Mine", "Mine"),
    "generator_exit": ("raise GeneratorExit", "GeneratorExit"),
    "crash": ("import ctypes; ctypes.string_at(0)", "crashed Python"),
    "stack": ("f = lambda: f()\n    return f()", "RecursionError"),
    "kills_the_judge": ("import os; os.kill(os.getppid(), 9)", "no verdict"),
    "kills_everything": ("import os; os.kill(-1, 9)", "no verdict"),
    "numpy": ("import numpy as np; np.mean = np.var = None", "replaces numpy"),
    "reads_home": (
        "import os; print(open(os.path.expanduser('~/.bashrc')).read())",
        "FileNotFound",
    ),
    "reads_tests": (f"open({str(SECRET)!r})", "FileNotFoundError"),
    "reads_passwords": ("open('/etc/shadow')", "FileNotFoundError"),
    "writes": ("open('/tmp/x', 'w').write('x' * 9000)", "File too large"),
    "writes_course": ("open('/course/helpers/x', 'w')", "Read-only"),
    "socket": ("import socket; socket.create_connection(('127.0.0.1', PORT), 1)", "Connection"),
    "memory_of_the_judge": ("import os; open(f'/proc/{os.getppid()}/mem', 'rb')", "Permission"),
    "words_of_the_judge": ("import os; os.listdir(f'/proc/{os.getppid()}/fd')", "Permission"),
    "leaves_a_process": (
        "import os, time\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(1000)",
        None,
    ),
}
# What code does where it is defined.
CELLS = {
    "registries": "from helpers.exercises.engine import EXERCISES\nclass A: EXERCISES.clear()",
    "exit": "import sys\nclass A: sys.exit()",
    "hard_exit": "import os\nclass A: os._exit(3)",
    "gradients": "import torch\nclass A: torch.set_grad_enabled(False)",
    "endless": "class A:\n    while True: pass",
    "too_deep": "x = " + "(" * 100_000,
    "no_python": "def f(:",
    "null": "x = '\0'",
    "stolen_verdict": "import os, json\nclass A:\n    for d in range(3, 60):\n"
    "        try: os.write(d, b'[' * 10**5)\n        except OSError: pass",
    "false_verdict": "import os\nclass A:\n    for d in range(3, 60):\n"
    "        try: os.write(d, b'{\"status\": 7}\\n')\n        except OSError: pass",
}


def handed_in(*cells):
    """A learner with one notebook."""
    made = Notebook("02_forward.ipynb", "forward", list(cells), (0, 0.0, ""))
    return Learner("Ada", "", [made])


def graded(own, *cells):
    return judge.grade(handed_in(*cells), own, lambda: None).answers


def answer(before):
    return f"def batch_statistics(x):\n    {before}\n    {RIGHT}\n\ncheck(batch_statistics)"


OTHER = """\
def batch_norm_forward(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / (x.var(axis=0) + eps) ** 0.5 + beta

check(batch_norm_forward)"""


@pytest.fixture(scope="module")
def port():
    """Somebody who would answer on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


@pytest.mark.parametrize("name", TRIES)
def test_an_answer_that_tries_something_gets_its_verdict_and_the_next_one_its_own(name, own, port):
    before, says = TRIES[name]
    answers = graded(own, answer(before.replace("PORT", port)), OTHER)
    tried = answers["batch_statistics"]
    if says is None:
        assert tried.status == "pass"
    else:
        assert tried.status == "fail"
        assert says in tried.message
        assert len(tried.message) < 5000
    assert answers["batch_norm_forward"].status == "pass"


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_that_tries_something_harms_nobody_else(name, own):
    graded(own, CELLS[name], answer("pass"))
    assert graded(own, answer("pass"))["batch_statistics"].status == "pass"


def test_no_process_of_an_answer_outlives_it(own):
    leaves, counts = (
        "import os, time\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(1000)",
        "import os\n    raise ValueError(sorted(p for p in os.listdir('/proc') if p.isdigit()))",
    )
    assert graded(own, answer(leaves))["batch_statistics"].status == "pass"
    said = graded(own, answer(counts))["batch_statistics"].message
    assert len(re.findall(r"'\d+'", said)) == 3, said  # the first, the judge and this one


def test_as_root_the_code_is_nobodys(own):
    asks = "import os\n    assert os.getuid() and os.geteuid() and os.getgid()"
    assert graded(own, answer(asks))["batch_statistics"].status == "pass"


def test_the_sandbox_ends_with_whoever_started_it(isolated):
    started = subprocess.run(
        [sys.executable, "-c", STARTS],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    process = int(started.stdout)
    assert not Path(f"/proc/{process}").exists() or is_zombie(process)


STARTS = """
from helpers.classroom.grading.sandbox import Sandbox
sandbox = Sandbox(trusted=False, seconds=2)
sandbox.ask({"read": []})
print(sandbox.process.pid)
sandbox.process.kill()
sandbox.process.wait()
"""


def is_zombie(process):
    return ") Z " in Path(f"/proc/{process}/stat").read_text()
