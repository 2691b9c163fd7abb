"""The process inside the sandbox: it imports the exercises once, and forks for each answer.

A line of JSON comes in, a line goes out. This process never runs a learner's code: a fork does,
with limits, and is killed with whatever it has started. What a fork says is read only up to a
size, and only until its time is over.

    {"import": ["helpers.plotting"]}                           {"missing": []}
    {"read": ["import numpy as np", "def f(x): ..."]}          {"answers": {...}, "problems": []}
    {"judge": "batch_norm_forward"}                            {"status": "pass", ...}
"""

import argparse
import contextlib
import ctypes
import importlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable

MEMORY = 1 << 30  # bytes that an answer may take beyond what the judge has taken
PROCESSES = 16  # enough for threads of libraries; each may take MEMORY
LONGEST_REPLY = 64 << 10  # bytes
LONGEST_REASON = 500  # characters
NOBODY = 65534


def main() -> None:
    """Serve until the line of requests is closed."""
    options = argparse.ArgumentParser()
    options.add_argument("--alone", action="store_true", help="no process of others is in reach")
    options.add_argument("--seconds", type=float, required=True)
    options = options.parse_args()
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)  # for errors of this process alone
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    if options.alone:
        become_nobody()
    hide_memory()
    from helpers.classroom.grading import answering  # noqa: F401, once for all forks

    tempfile.gettempdir()  # found out by writing a file, which forks may not
    private = (requests.fileno(), replies.fileno(), sys.stderr.fileno())
    server = Server(Forks(private, options.seconds, alone=options.alone))
    for line in requests:
        reply = server.reply(json.loads(line))
        replies.write(json.dumps(reply).encode() + b"\n")
        replies.flush()


def become_nobody() -> None:
    """Root gives up its rights: limits do not hold for root."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def hide_memory() -> None:
    """Forks run as the same user; without this they could read and write this process's memory."""
    if sys.platform == "linux":
        pr_set_dumpable = 4
        ctypes.CDLL(None).prctl(pr_set_dumpable, 0, 0, 0, 0)


class Server:
    """What is asked, and the notebook that it is asked about."""

    def __init__(self, forks: "Forks"):
        self.forks = forks
        self.cells: list[str] = []

    def reply(self, request: dict) -> dict:
        """The reply to one request."""
        ((what, value),) = request.items()
        if what == "import":
            return {"missing": [module for module in value if not can_import(module)]}
        if what == "read":
            self.cells = value
            return self.forks.run(self.read)
        return self.forks.run(lambda: self.judge(value))

    def read(self) -> dict:
        """What stands in the notebook; nothing of it is executed."""
        from helpers.classroom.grading import reading

        notebook = reading.read(self.cells)
        found = {name: notebook.definition(name) for name in notebook.answers()}
        return {
            "answers": {
                name: {
                    "fingerprint": reading.fingerprint(definition),
                    "is_long": reading.is_long(definition),
                    "is_reference": reading.is_reference(definition, name),
                    "internals": reading.internals(definition),
                }
                for name, definition in found.items()
            },
            "problems": notebook.problems[:20],
        }

    def judge(self, name: str) -> dict:
        """The verdict on the notebook's answer to an exercise."""
        from helpers.classroom.grading import answering

        return answering.judged(self.cells, name)


def can_import(module: str) -> bool:
    """Import a module; whether that was possible."""
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


class Forks:
    """Processes for one piece of work each, with limits, and an end."""

    def __init__(self, private: tuple[int, ...], seconds: float, *, alone: bool):
        self.private, self.seconds, self.alone = private, seconds, alone

    def run(self, work: Callable[[], dict]) -> dict:
        """What `work` returns in a fork, or {"lost": why} if nothing comes back."""
        here, there = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(here)
            self.in_fork(work, there)
        os.close(there)
        try:
            said, why = hear(here, time.monotonic() + self.seconds)
        finally:
            os.close(here)
            ended = self.end(child)
        if why is None:
            try:
                reply = json.loads(said)
                if isinstance(reply, dict):
                    return reply
                why = "it sent something else than a verdict"
            except ValueError:
                why = how_it_ended(ended)
        return {"lost": why.format(seconds=self.seconds)}

    def in_fork(self, work: Callable[[], dict], there: int) -> None:
        """Do the work, say what it returns, and be gone; never returns."""
        try:
            os.setsid()
            for descriptor in self.private:
                os.close(descriptor)
            limit(self.seconds)
            try:
                reply = work()
            except BaseException as error:  # whatever an answer raises is part of its verdict
                reply = {"lost": f"{type(error).__name__}: {error}"[:LONGEST_REASON]}
            said = json.dumps(reply).encode() + b"\n"
            while said:
                said = said[os.write(there, said) :]
        finally:
            os._exit(0)

    def end(self, child: int) -> int:
        """Kill a fork and whatever it has started; returns how it ended, as `waitpid` says it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)  # it may not have come to a group of its own
        if self.alone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)  # all but this process and the first of the sandbox
        return os.waitpid(child, 0)[1]


def limit(seconds: float) -> None:
    """Limit this process: no files, little memory, few processes, no time after its time."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with contextlib.suppress(OSError), open("/proc/self/statm") as file:
        own = int(file.read().split()[0]) * resource.getpagesize()
    for what, most in {
        resource.RLIMIT_AS: own + MEMORY,
        resource.RLIMIT_CPU: int(seconds) + 1,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: PROCESSES,
        resource.RLIMIT_NOFILE: 64,
    }.items():
        resource.setrlimit(what, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing is an error one can read


def hear(descriptor: int, until: float) -> tuple[bytes, str | None]:
    """One line, and why there is none."""
    said = b""
    while not said.endswith(b"\n"):
        left = until - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return said, "it was not done after {seconds:g} seconds"
        part = os.read(descriptor, 1 << 16)
        if not part:
            break
        said += part
        if len(said) > LONGEST_REPLY:
            return said, "what it sent was too long"
    return said, None


def how_it_ended(status: int) -> str:
    """Why a fork said nothing."""
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSEGV:
        return "it crashed Python"
    return "it ended Python before it could be judged, or took too much memory"


if __name__ == "__main__":
    main()
