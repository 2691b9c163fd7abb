"""helpers.launcher.memory: what three operating systems say, read right."""

import ctypes
import subprocess
import sys
from types import SimpleNamespace

import pytest

from helpers.launcher import memory

MEMINFO = "MemTotal:       32000000 kB\nMemFree:          100000 kB\nMemAvailable:    8000000 kB\n"
VM_STAT = """\
Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10000.
Pages active:                            300000.
Pages inactive:                          200000.
Pages speculative:                         5000.
Pages throttled:                              0.
"""


def test_this_machine_tells_its_memory():
    assert memory.available() > 10_000_000


@pytest.fixture
def linux(monkeypatch, tmp_path):
    """A Linux that says what is written into this folder."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    (tmp_path / "meminfo").write_text(MEMINFO)
    return tmp_path


def test_linux_says_what_is_available(linux):
    assert memory.available() == 8_000_000 * 1024


def limit(folder, names, *texts):
    """Let a container's files say its limit, what it uses, and its statistics."""
    for name, text in zip(names, texts, strict=False):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize("names", memory.LIMITS)
def test_a_container_may_have_less(linux, names):
    # Files that were read count as used, and can be read again.
    statistics = f"cache 7\n{names[3]} 500000000\nactive_file 7\n"
    limit(linux, names, "2000000000\n", "1900000000\n", statistics)
    assert memory.available() == 600_000_000


def test_a_container_without_a_limit_has_what_the_machine_has(linux):
    limit(linux, memory.LIMITS[0], "max\n", "1900000000\n", "inactive_file 0\n")
    assert memory.available() == 8_000_000 * 1024


def test_a_container_beyond_its_limit_has_nothing(linux):
    limit(linux, memory.LIMITS[0], "100\n", "300\n", "inactive_file 50\n")
    assert memory.available() == 0


def test_a_mac_counts_pages_that_it_can_give_away(monkeypatch):
    def answer(command, **_):
        return subprocess.CompletedProcess(command, 0, VM_STAT, "")

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", answer)
    assert memory.available() == 215_000 * 16384


@pytest.mark.parametrize(("works", "told"), [(1, 3_000_000_000), (0, None)])
def test_windows_fills_in_what_is_available(monkeypatch, works, told):
    def fill(status):
        assert status._obj.length == 64
        status._obj.available = 3_000_000_000
        return works

    kernel32 = SimpleNamespace(GlobalMemoryStatusEx=fill)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel32), raising=False)
    assert memory.available() == told


@pytest.mark.parametrize("system", ["linux", "darwin", "win32", "freebsd14"])
def test_where_it_cannot_be_told_there_is_no_number(monkeypatch, tmp_path, system):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))  # no vm_stat
    monkeypatch.delattr(ctypes, "windll", raising=False)
    assert memory.available() is None
