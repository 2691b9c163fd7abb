"""What the processes of test_torchrun.py run that do not finish.

Only the processes themselves import PyTorch, which takes seconds; who names a worker need not.
"""

import os
import signal
import socket
import threading


def joined():
    """torch.distributed, where all processes are in one group, and torch."""
    import torch
    import torch.distributed as dist

    dist.init_process_group("gloo")
    return dist, torch


def report(port):
    """Tell the test that this process runs, and which it is; torchrun is its parent."""
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(f"{os.getpid()} {os.getppid()}\n".encode())


def dies(port):
    dist, torch = joined()
    report(port)
    if dist.get_rank() == 1:
        raise ValueError("a mistake in rank 1")
    dist.all_reduce(torch.ones(1))


def crashes(port):
    dist, torch = joined()
    report(port)
    if dist.get_rank() == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    dist.all_reduce(torch.ones(1))


def hangs(port):
    """One process waits for the other, which waits for nothing; both are deaf to SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    dist, torch = joined()
    report(port)
    if dist.get_rank() == 1:
        threading.Event().wait()
    dist.all_reduce(torch.ones(1))


def leaves():
    print("goodbye")
    os._exit(0)
