"""Starts the process that judges, isolated by bubblewrap, and talks with it.

Inside there is no network, no home, no other process, nothing that can be written, and of files
only Python, its packages, `helpers` and `data`.
"""

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
INSIDE = "/course"
LONGEST_REPLY = 1 << 20  # bytes
PATIENCE = 60.0  # seconds to start, and beyond what an answer may take

HOW_TO_GET_IT = (
    "install bubblewrap (Debian and Ubuntu: apt install bubblewrap; Fedora: dnf install "
    "bubblewrap) and allow user namespaces, or grade in a virtual machine that has both"
)


class LostError(Exception):
    """The process that judges is gone or does not answer; the message says why."""


class NoSandboxError(Exception):
    """Submissions cannot be isolated here; the message says why and what to do."""


def bubblewrap(root: bool) -> list[str]:
    """bwrap with its arguments, up to the command to run inside."""
    program = shutil.which("bwrap")
    if program is None:
        raise NoSandboxError(f"there is no bwrap: {HOW_TO_GET_IT}")
    command = [program, "--die-with-parent", "--new-session", "--unshare-ipc", "--unshare-pid"]
    command += ["--unshare-net", "--unshare-uts", "--unshare-cgroup-try", "--clearenv"]
    if root:  # the process inside gives up root by itself, which needs these two
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user", "--cap-drop", "ALL"]
    for folder in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"):
        if os.path.islink(folder):
            command += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            command += ["--ro-bind", folder, folder]
    if os.path.exists("/etc/ld.so.cache"):
        command += shown("/etc/ld.so.cache", "/etc/ld.so.cache")
    command += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    # Matplotlib insists on it. Answers write nothing: no file of theirs may have a byte.
    command += [*tmpfs_size(program), "--perms", "1777", "--tmpfs", "/tmp"]
    for prefix in {sys.base_prefix, os.path.realpath(sys.base_prefix)}:
        if not prefix.startswith("/usr/"):
            command += shown(prefix, prefix)
    command += shown(sys.prefix, f"{INSIDE}/environment")
    for name in ("helpers", "data"):
        command += shown(str(ROOT / name), f"{INSIDE}/{name}")
    for name, value in (variables(INSIDE) | {"MPLCONFIGDIR": "/tmp"}).items():
        command += ["--setenv", name, value]
    return [*command, "--remount-ro", "/", "--chdir", INSIDE, "--"]


@cache
def tmpfs_size(program: str) -> list[str]:
    """The option that bounds what files in memory take, where this bwrap has it."""
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    return ["--size", str(64 << 20)] if "--size" in said.stdout + said.stderr else []


def shown(folder: str, inside: str) -> list[str]:
    """Arguments that show a folder inside, read-only, below folders that everybody may enter."""
    above = [str(parent) for parent in reversed(Path(inside).parents) if parent != Path("/")]
    made = [argument for parent in above for argument in ("--perms", "0755", "--dir", parent)]
    return [*made, "--ro-bind", folder, inside]


def variables(course: str) -> dict[str, str]:
    """The environment of the process that judges."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return dict.fromkeys(threads, "1") | {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": course,
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "MPLBACKEND": "agg",
        "BN_COURSE_PROGRESS": "/nowhere",
    }


def command(*, trusted: bool, seconds: float) -> tuple[list[str], dict[str, str] | None]:
    """What to start, and its environment."""
    arguments = ["-m", "helpers.classroom.grading.warm", "--seconds", str(seconds)]
    if trusted:
        return [sys.executable, *arguments], variables(str(ROOT))
    inside = str(Path(INSIDE, "environment", "bin", Path(sys.executable).name))
    return [*bubblewrap(os.getuid() == 0), inside, *arguments, "--alone"], None


@cache
def why_not() -> str | None:
    """Why submissions cannot be isolated here; None if they can."""
    if sys.platform != "linux":
        return f"{sys.platform} has no bubblewrap: grade on Linux"
    try:
        with Sandbox(trusted=False, seconds=10) as sandbox:
            sandbox.ask({"read": ["x = 1"]})
    except (NoSandboxError, LostError) as error:
        return str(error)
    return None


class Sandbox:
    """One process that judges, started when it is first asked, and again after it was lost."""

    def __init__(self, *, trusted: bool, seconds: float):
        self.trusted, self.seconds = trusted, seconds
        self.process: subprocess.Popen | None = None
        self.heard = b""

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def start(self) -> None:
        """Start the process."""
        line, env = command(trusted=self.trusted, seconds=self.seconds)
        self.heard = b""
        self.process = subprocess.Popen(
            line,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/" if not self.trusted else ROOT,
            env=env,
            start_new_session=True,  # a Ctrl-C is ours alone
        )

    def ask(self, request: dict) -> dict:
        """The reply to one request. Raises LostError, after which the next call starts anew."""
        if self.process is None:
            self.start()
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            return json.loads(self.line(time.monotonic() + self.seconds + PATIENCE))
        except (OSError, ValueError) as error:
            why = self.last_words() or str(error)
            self.close()
            raise LostError(why) from None
        except BaseException:
            self.close()
            raise

    def line(self, until: float) -> bytes:
        """The next line that the process says. Raises OSError if there will be none."""
        while b"\n" not in self.heard:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise TimeoutError("the process that judges does not answer")
            part = os.read(self.process.stdout.fileno(), 1 << 16)
            self.heard += part
            if not part or len(self.heard) > LONGEST_REPLY:
                raise BrokenPipeError("the process that judges has ended")
        said, _, self.heard = self.heard.partition(b"\n")
        return said

    def last_words(self) -> str:
        """What the process, if it has ended, wrote to stderr at last."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(0.5)
            lines = self.process.stderr.read(1 << 16).decode(errors="replace").splitlines()
            return lines[-1] if lines else ""
        return ""

    def close(self) -> None:
        """End the process and all that runs in its sandbox."""
        process, self.process = self.process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                stream.close()
        process.wait()
