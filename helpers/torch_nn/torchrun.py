"""Run a function in several processes, as torchrun does, and never longer than it may.

`launch` starts torchrun, PyTorch's launcher, as a child of this process. It returns what the
function returned in each process, or raises an error that shows what went wrong where. In neither
case does a process stay behind, also not when this process is interrupted or killed.
"""

import contextlib
import importlib.util
import inspect
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

# What a function from a notebook finds already imported.
IMPORTS = """\
import numpy as np
import torch
import torch.distributed as dist
from torch import nn
"""
GRACE = 10  # seconds that torchrun has to end by itself once its workers are gone


class LaunchError(RuntimeError):
    """A process failed, or did not finish in time; the message shows where."""


def launch(
    worker: Callable,
    processes: int = 2,
    *,
    arguments: Sequence = (),
    uses: Sequence[Callable] = (),
    timeout: float = 100.0,
) -> list:
    """Call `worker(*arguments)` in each of `processes` processes; return its results by rank.

    worker: a function of a module, or one defined in a notebook. The latter is sent as source text:
        it finds np, torch, dist (torch.distributed) and nn imported, and the functions in `uses`;
        nothing else of the notebook exists there.
    arguments, results: anything that pickle can send.
    timeout: seconds for everything, the start included (two processes need about 5).

    What the processes print is printed here at the end, rank by rank. Each has one thread, and
    finds the variables that torchrun sets: RANK, LOCAL_RANK, WORLD_SIZE, the address of rank 0.
    Raises LaunchError if a process fails (with the traceback of the one that failed first) or the
    time is over (with the place where each process was).
    """
    with tempfile.TemporaryDirectory(prefix="launch-") as name:
        folder = Path(name)
        _write_job(folder, worker, arguments, uses)
        code = _run(folder, processes, timeout)
        for rank in range(processes):
            for line in _log(folder, rank, "stdout").splitlines():
                print(f"[rank {rank}] {line}")
        if code is None:
            raise LaunchError(_late(folder, processes, timeout))
        if code != 0:
            raise LaunchError(_failed(folder, processes))
        return [_result(folder, rank) for rank in range(processes)]


def _write_job(folder: Path, worker: Callable, arguments: Sequence, uses: Sequence) -> None:
    """Leave in `folder` what every process has to call."""
    if worker.__module__ == "__main__":
        sources = [textwrap.dedent(inspect.getsource(function)) for function in (*uses, worker)]
        (folder / "notebook.py").write_text("\n\n".join([IMPORTS, *sources]), encoding="utf-8")
        worker = worker.__name__
    (folder / "job").write_bytes(pickle.dumps((worker, tuple(arguments))))


def _run(folder: Path, processes: int, timeout: float) -> int | None:
    """Start torchrun and wait; its exit code, or None if it had to be ended."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", "--local-addr=127.0.0.1", "--shutdown-timeout=2"]
    command += ["--redirects=3", f"--log-dir={folder / 'logs'}", "-m", __name__, str(folder)]
    with open(folder / "torchrun.log", "wb") as log:
        # The workers inherit standard input, a pipe: it ends when this process closes it or dies.
        # A session of its own keeps Ctrl-C from reaching half of the processes first.
        torchrun = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=_environment(),
            start_new_session=True,
        )
    try:
        return torchrun.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(torchrun)


def _end(torchrun: subprocess.Popen) -> None:
    """End the workers by closing their standard input, then torchrun, more and more firmly."""
    torchrun.stdin.close()
    for stop in (lambda: None, torchrun.terminate, torchrun.kill):
        stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            torchrun.wait(GRACE)
            return


def _environment() -> dict[str, str]:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    variables = os.environ | one_thread | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    variables["PYTHONUNBUFFERED"] = "1"  # what was printed before a process ends is not lost
    # Otherwise a process that has little to do can be gone before the others have met it.
    variables["TORCH_DIST_INIT_BARRIER"] = "1"
    # gloo would look up the name of this machine, which takes a network or an entry in /etc/hosts.
    for _, interface in socket.if_nameindex():
        if interface in ("lo", "lo0"):
            variables["GLOO_SOCKET_IFNAME"] = interface
    return variables


def _log(folder: Path, rank: int, stream: str) -> str:
    found = [*folder.glob(f"logs/*/attempt_0/{rank}/{stream}.log")]
    return found[0].read_text(encoding="utf-8", errors="replace") if found else ""


def _result(folder: Path, rank: int):
    path = folder / f"{rank}.result"
    if not path.exists():
        raise LaunchError(f"rank {rank} ended without returning from the function")
    return pickle.loads(path.read_bytes())


def _late(folder: Path, processes: int, timeout: float) -> str:
    message = f"after {timeout:g} s, {processes} processes had not finished; they were ended."
    for rank in range(processes):
        place = folder / f"{rank}.place"
        where = place.read_text(encoding="utf-8") if place.exists() else "unknown\n"
        message += f"\n\nRank {rank} was here:\n{where.rstrip()}"
    return message


def _failed(folder: Path, processes: int) -> str:
    """The story of the process that failed first; the others fail because they miss it."""
    log = (folder / "torchrun.log").read_text(encoding="utf-8", errors="replace")
    # A process that a signal ended could not say so; SIGTERM is how torchrun ends the others.
    killed = re.findall(r"rank\s*: (\d+) .*\n\s*exitcode\s*: -(\d+)", log)
    for rank, number in killed:
        if int(number) != signal.SIGTERM:
            name = signal.Signals(int(number)).name
            return f"rank {rank} was ended by {name}.\n{_log(folder, int(rank), 'stderr')}".rstrip()
    failures = [path for rank in range(processes) if (path := folder / f"{rank}.failure").exists()]
    if not failures:
        return f"torchrun failed:\n{log[-3000:]}"
    first = min(failures, key=lambda path: path.stat().st_mtime_ns)
    return f"rank {first.stem} failed:\n{first.read_text(encoding='utf-8').rstrip()}"


# ------------------------------------------------------------------ inside a worker


def _work(folder: Path) -> None:
    """What each of the processes does: call the function, leave its result or its traceback."""
    rank = os.environ["RANK"]
    threading.Thread(target=_watch, args=(folder / f"{rank}.place",), daemon=True).start()
    try:
        result = _job(folder)
        (folder / f"{rank}.result").write_bytes(pickle.dumps(result))
    except BaseException as error:
        story = traceback.TracebackException.from_exception(error)
        story.stack = _below_this_file(story.stack)
        (folder / f"{rank}.failure").write_text("".join(story.format()), encoding="utf-8")
        os._exit(1)  # the usual way out would wait for the other processes
    # While Python shuts down, PyTorch's threads are destroyed, and at times one that still runs:
    # the process would end by SIGABRT, its work done.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _job(folder: Path):
    worker, arguments = pickle.loads((folder / "job").read_bytes())
    if isinstance(worker, str):
        spec = importlib.util.spec_from_file_location("notebook", folder / "notebook.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        worker = getattr(module, worker)
    import torch.distributed as dist  # the parent has no use for PyTorch

    try:
        return worker(*arguments)
    finally:
        if sys.exception() is None and dist.is_initialized():
            dist.destroy_process_group()


def _watch(place: Path) -> None:
    """Wait for the end of standard input, note where the main thread is, and end the process."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    # Nothing may keep the process from ending: the parent may be gone, and the folder with it.
    with contextlib.suppress(Exception):
        frame = sys._current_frames().get(threading.main_thread().ident)
        stack = _below_this_file(traceback.extract_stack(frame))
        place.write_text("".join(stack.format()), encoding="utf-8")
    os._exit(1)


def _below_this_file(stack: traceback.StackSummary) -> traceback.StackSummary:
    """The part of a stack that the reader wrote or called; all of it if there is none."""
    here = [depth for depth, frame in enumerate(stack) if frame.filename == __file__]
    return traceback.StackSummary.from_list(stack[here[-1] + 1 :] or stack) if here else stack


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
