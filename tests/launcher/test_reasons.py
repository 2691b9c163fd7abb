"""What pip and the system say, word for word, and the sentence that it becomes.

The output is that of pip 23.2 and of pip 26.3 where the two differ.
"""

import errno
import os

import pytest

import course
from helpers.launcher import reasons

NONE = """\
ERROR: Could not find a version that satisfies the requirement numpy==2.4.6 (from versions: none)
ERROR: No matching distribution found for numpy==2.4.6
"""
BROKEN = (
    "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after "
    "connection broken by {}: /simple/numpy/\n" + NONE
)
OLD_CONNECTION = (
    "<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f93fcf7>: Failed to establish "
    "a new connection: [Errno {}] {}"
)
OLD = "'NewConnectionError('" + OLD_CONNECTION + "')'"
OLD_PROXY = "'ProxyError('Cannot connect to proxy.', NewConnectionError('" + OLD_CONNECTION + "'))'"
REFUSED = (
    "'NewConnectionError(\"HTTPSConnection(host='pypi.org', port=443): Failed to establish a new "
    "connection: [Errno 111] Connection refused\")'"
)
UNRESOLVED = (
    "'NameResolutionError(\"HTTPSConnection(host='pypi.org', port=443): Failed to resolve "
    "'pypi.org' ([Errno -2] Name or service not known)\")'"
)
TLS = (
    "'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify "
    "failed: {} (_ssl.c:1006)'))'"
)
WINDOWS_LONG = (
    "ERROR: Could not install packages due to an OSError: [Errno 2] No such file or directory: "
    "'C:\\\\Users\\\\me\\\\course\\\\.venv\\\\share\\\\jupyter\\\\labextensions\\\\static\\\\x.js'\n"
    "HINT: This error might have occurred since this system does not have Windows Long Path "
    "support enabled. You can find information on how to enable this at "
    "https://pip.pypa.io/warnings/enable-long-paths\n"
)
NOT_INSTALLED = "ERROR: Could not install packages due to an OSError: "
HASHES = """\
ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the
    numpy==2.4.6 from https://pypi.org/numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl#sha256=00:
        Expected sha256 00
             Got        79
"""
OTHER_PYTHON = """\
ERROR: Ignored the following versions that require a different python version: 4.1.1 Requires-Python
>=3.11.5
ERROR: Could not find a version that satisfies the requirement soupsieve==4.1.1 (from versions: 1.0)
ERROR: No matching distribution found for soupsieve==4.1.1
"""
CONFLICT = """\
The conflict is caused by:
    argon2-cffi 25.1.0 depends on argon2-cffi-bindings
    The user requested (constraint) argon2-cffi-bindings==25.1.0

ERROR: Cannot install argon2-cffi==25.1.0 because these package versions have conflicting
ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency
"""
BUILT = """\
  error: subprocess-exited-with-error
  note: This error originates from a subprocess, and is likely not a problem with pip.
  ERROR: Failed building wheel for psutil
ERROR: Failed to build one or more wheels
"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (BROKEN.format(OLD.format(111, "Connection refused")), "cannot be reached"),
        (BROKEN.format(REFUSED), "The package index pypi.org cannot be reached"),
        (BROKEN.format(OLD.format(-2, "Name or service not known")), "cannot be resolved"),
        (
            BROKEN.format(OLD.format(-3, "Temporary failure in name resolution")),
            "cannot be resolved",
        ),
        (BROKEN.format(OLD.format(11001, "getaddrinfo failed")), "cannot be resolved"),
        (BROKEN.format(UNRESOLVED), "The name pypi.org cannot be resolved"),
        (BROKEN.format(TLS.format("self-signed certificate in certificate chain")), "PIP_CERT"),
        (BROKEN.format(TLS.format("unable to get local issuer certificate")), "PIP_CERT"),
        (BROKEN.format(TLS.format("certificate has expired")), "clock"),
        (
            BROKEN.format(
                "'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 "
                "Proxy Authentication Required'))'"
            ),
            "proxy wants a name and a password",
        ),
        (
            BROKEN.format(
                "'OSError('Tunnel connection failed: 407 Proxy Authentication Required')'"
            ),
            "proxy wants a name and a password",
        ),
        (BROKEN.format(OLD_PROXY.format(111, "Connection refused")), "correct HTTPS_PROXY"),
        (BROKEN.format(OLD_PROXY.format(-2, "Name or service not known")), "correct HTTPS_PROXY"),
        *(
            (
                NONE + "2026-11-28T23:53:27,111 Could not fetch URL http://inside.example/simple/: "
                f"connection error: {why} - skipping\n",  # pip 26.3, without a retry
                f"inside.example cannot be {told}",
            )
            for why, told in (
                ("[Errno 111] Connection refused", "reached"),
                ("[Errno -2] Name or service not known", "resolved"),
            )
        ),
        (
            NONE
            + "2026-11-28T21:58:04 Could not fetch URL https://me:x@inside.example/simple/: 403 "
            "Client Error: Forbidden for url: https://inside.example/simple/ - skipping",
            "The package index inside.example refuses you (403)",
        ),
        (
            NONE + "2026-11-28T21:58:07 Could not fetch URL https://inside.example/simple/: "
            "HTTPSConnectionPool(host='inside.example', port=443): Max retries exceeded (Caused by "
            "ResponseError('too many 503 error responses')) - skipping",
            "inside.example is out of order",
        ),
        (
            "WARNING: The repository located at inside.example is not a trusted or secure host and "
            "is being ignored.\n" + NONE,
            "pip ignores inside.example",
        ),
        (NONE, "pip finds no numpy==2.4.6 for this machine"),
        (NONE.replace("none", "1.0, 2.0"), "holds other versions, but not numpy==2.4.6"),
        (OTHER_PYTHON, "soupsieve==4.1.1 is not made for Python"),
        (CONFLICT, "pip finds no argon2-cffi-bindings==25.1.0 for this machine"),
        (HASHES, "numpy==2.4.6 arrived damaged"),
        (BUILT, "psutil has no ready-made build for this machine"),
        (NOT_INSTALLED + "[Errno 28] No space left on device\n", "The disk is full"),
        (
            NOT_INSTALLED + "[WinError 112] There is not enough space on the disk",
            "The disk is full",
        ),
        (NOT_INSTALLED + "[Errno 122] Disk quota exceeded: '/home/me/x'", "disk quota is used up"),
        (
            NOT_INSTALLED + "[Errno 13] Permission denied: '/opt/course/.venv/lib/six.py'\n"
            "Check the permissions.\n",
            "You have no permission for /opt/course/.venv/lib/six.py",
        ),
        (
            NOT_INSTALLED + "[Errno 30] Read-only file system: '/cd/x'",
            "The drive of /cd/x is read-only",
        ),
        (
            NOT_INSTALLED + "[WinError 32] The file is used: 'C:\\\\x'",
            "Another program holds C:\\x",
        ),
        (NOT_INSTALLED + "[Errno 36] File name too long: '/x'", "too long"),
        (WINDOWS_LONG, "too long for Windows"),
        ("MemoryError\n", "The memory is full"),
        ("", "no message"),
    ],
)
def test_what_pip_says_becomes_one_true_sentence(said, told, monkeypatch):
    monkeypatch.setattr(reasons, "proxy_hosts", set)
    answer = reasons.why_pip_failed(said)
    assert told in answer
    assert "\n" not in answer
    assert "None" not in answer
    if any(word in answer for word in ("PIP_CERT", "clock", "is not made for", "no permission")):
        assert "run this command again" not in answer  # it would not help


def test_a_proxy_is_blamed_where_pip_does_not_name_it(monkeypatch):
    # pip 26 names the host that it could not reach, and not that it is a proxy.
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@pypi.org:3128")
    told = reasons.why_pip_failed(BROKEN.format(REFUSED))
    assert "correct HTTPS_PROXY" in told
    assert "secret" not in told


def test_a_retry_that_helped_is_not_the_reason():
    said = BROKEN.format(REFUSED).replace("versions: none", "versions: 2.4.5")
    assert "holds other versions" in reasons.why_pip_failed(said)
    said = BROKEN.format(REFUSED) + NOT_INSTALLED + "[Errno 28] No space left on device"
    assert "The disk is full" in reasons.why_pip_failed(said)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("/x/.venv/bin/python: No module named ensurepip", "apt install python3-venv"),
        ("/usr/bin/python3: No module named venv", "apt install python3-venv"),
        ("Error: [Errno 28] No space left on device", "The disk is full"),
        (
            "Error: [Errno 13] Permission denied: '/opt/x/.venv'",
            "You have no permission for /opt/x",
        ),
        ("Error: [Errno 1] Operation not permitted: 'lib' -> '/usb/.venv/lib64'", "symbolic links"),
        ("Error: [Errno 95] Operation not supported: 'lib' -> '/x/.venv/lib64'", "symbolic links"),
        ("Error: something else\n", "Error: something else"),
    ],
)
def test_what_venv_says_becomes_one_true_sentence(said, told):
    answer = reasons.why_no_venv(said)
    assert told in answer
    assert "\n" not in answer


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "The disk is full"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "quota"),
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/x/y"),
            "no permission for /x/y",
        ),
        (OSError(errno.EROFS, os.strerror(errno.EROFS), "/x/y"), "The drive of /x/y is read-only"),
        (OSError(errno.EIO, os.strerror(errno.EIO), "/x/y"), "Input/output error: /x/y"),
        (OSError(errno.EIO, os.strerror(errno.EIO)), "The system refuses: Input/output error."),
        (OSError("words"), "words"),
        (OSError(), "OSError"),
    ],
)
def test_no_error_of_the_system_is_a_traceback_nor_says_none(error, told, monkeypatch, capsys):
    def fail(_):
        raise error

    monkeypatch.setattr(course, "dispatch", fail)
    assert course.main() == 1
    said = capsys.readouterr().err
    assert told in said
    assert "None" not in said
    assert said.count("\n") == 1
