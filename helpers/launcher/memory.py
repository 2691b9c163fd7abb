"""How much memory a program can still have: each operating system tells it in its own way."""

import re
import subprocess
import sys
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")

# Where Linux tells a container its limit, what it uses, and how much of that are only files which
# were read and can be read again; today's kernels, then older ones.
LIMITS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


def available():
    """Bytes that are free or can be freed at once, or None where that cannot be told."""
    ask = {"linux": on_linux, "darwin": on_mac, "win32": on_windows}.get(sys.platform)
    try:
        return ask() if ask else None
    except (OSError, ValueError, AttributeError, ImportError, subprocess.SubprocessError):
        return None


def number(pattern, text):
    """The number that a pattern finds; ValueError without one."""
    match = re.search(pattern, text, re.MULTILINE)
    if not match:
        raise ValueError(f"there is no {pattern!r} in what the system says")
    return int(match.group(1))


def on_linux():
    """What the kernel calls available, or less in a container that may not have all of it."""
    machine = number(r"^MemAvailable:\s*(\d+) kB", MEMINFO.read_text(encoding="utf-8")) * 1024
    return max(0, min([machine, *left_in_containers()]))


def left_in_containers():
    """What limits leave, where there are any."""
    for limit, used, statistics, cached in LIMITS:
        try:
            limit, used, statistics = (
                (CGROUP / name).read_text(encoding="utf-8") for name in (limit, used, statistics)
            )
            yield int(limit) - int(used) + number(rf"^{cached} (\d+)", statistics)
        except (OSError, ValueError):
            continue  # no such file, or the limit is "max"


def on_mac():
    """Free pages, and those that macOS gives away before it starts to swap."""
    said = subprocess.run(
        ["vm_stat"], capture_output=True, check=True, encoding="utf-8", errors="replace"
    ).stdout
    kinds = "free", "inactive", "speculative"
    pages = sum(number(rf"^Pages {kind}:\s*(\d+)", said) for kind in kinds)
    return pages * number(r"page size of (\d+) bytes", said)


def on_windows():
    """What Windows calls available physical memory."""
    import ctypes  # which a Python that was built by hand may lack

    class Status(ctypes.Structure):  # MEMORYSTATUSEX
        _fields_ = (
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            ("total", ctypes.c_uint64),
            ("available", ctypes.c_uint64),
            ("further", ctypes.c_uint64 * 5),
        )

    status = Status(length=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        raise OSError("Windows does not tell")
    return status.available
