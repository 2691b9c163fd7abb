"""`launch` returns what processes computed, or says what went wrong, and leaves none behind."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from helpers.torch_nn.torchrun import LaunchError, launch
from torch_nn import distributed_workers, failing_workers

LONG = 120  # seconds that nothing here should take


class Reports:
    """Where the processes of a launch report which they are."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(LONG)
        self.port = self.listener.getsockname()[1]

    def processes(self):
        """Two workers and their torchrun, once both workers have reported."""
        pids = set()
        for _ in range(2):
            line, _ = self.listener.accept()
            with line, line.makefile() as text:
                pids |= set(map(int, text.readline().split()))
        return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]


def attempt(worker, timeout):
    """Launch a worker that cannot succeed; the error and the processes that took part."""
    reports = Reports()
    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(reports.processes)
        with pytest.raises(LaunchError) as caught:
            launch(worker, 2, arguments=[reports.port], timeout=timeout)
        left = seen.result()
    reports.listener.close()
    return str(caught.value), left


def assert_gone(processes):
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []


@pytest.fixture(scope="module")
def failures():
    """Three launches that fail, at the same time: they must not get into each other's way.

    The one that hangs has the time in which the other tests run.
    """
    timeouts = {
        failing_workers.dies: LONG,
        failing_workers.crashes: LONG,
        failing_workers.hangs: 45,
    }
    with ThreadPoolExecutor(3) as pool:
        yield {worker: pool.submit(attempt, worker, time) for worker, time in timeouts.items()}


def test_a_process_that_dies_is_named_with_its_traceback(failures):
    message, processes = failures[failing_workers.dies].result()
    assert message.startswith("rank 1 failed:\nTraceback")
    assert message.endswith("ValueError: a mistake in rank 1")
    assert "in dies" in message
    assert "torchrun.py" not in message
    assert_gone(processes)


def test_a_process_that_a_signal_ends_is_named(failures):
    message, processes = failures[failing_workers.crashes].result()
    assert message.startswith("rank 1 was ended by SIGSEGV")
    assert_gone(processes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_stays_when_the_process_that_launched_is_interrupted_or_killed(number):
    reports = Reports()
    code = (
        "from torch_nn.failing_workers import hangs\n"
        "from helpers.torch_nn.torchrun import launch\n"
        f"launch(hangs, arguments=[{reports.port}])"
    )
    path = os.pathsep.join(filter(None, sys.path))
    with subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, stderr=subprocess.PIPE
    ) as caller:
        processes = reports.processes()
        caller.send_signal(number)
        _, said = caller.communicate(timeout=LONG)
    reports.listener.close()
    assert len(processes) == 3
    assert_gone(processes)
    assert (b"KeyboardInterrupt" in said) == (number == signal.SIGINT)


def test_results_come_by_rank_and_what_was_printed_too(capsys):
    histories = launch(distributed_workers.command_line, 2)
    assert [history.loss.shape for history in histories] == [(20,), (20,)]
    assert (histories[0].loss == histories[1].loss).all()
    printed = capsys.readouterr()
    assert printed.out.startswith("[rank 0] 2 processes, sync: test accuracy ")
    assert printed.err == ""


def test_a_process_that_leaves_early_is_missed_and_what_it_printed_is_not_lost(capsys):
    with pytest.raises(LaunchError, match="rank 0 ended without returning"):
        launch(failing_workers.leaves, 1)
    assert capsys.readouterr().out == "[rank 0] goodbye\n"


def test_processes_that_hang_are_ended_and_tell_where_they_were(failures):
    message, processes = failures[failing_workers.hangs].result()
    assert message.startswith("after 45 s, 2 processes had not finished")
    first, second = message.split("Rank 0 was here:")[1].split("Rank 1 was here:")
    assert "dist.all_reduce(torch.ones(1))" in first
    assert "threading.Event().wait()" in second
    assert len(processes) == 3
    assert_gone(processes)
