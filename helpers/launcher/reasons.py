"""Why something cannot be done: one true sentence for the reader, and what helps.

What pip, venv and the operating system say is recognized by its words. The tests hold real output
of the oldest and the newest pip against these sentences.
"""

import platform
import re
import sys
import urllib.parse
import urllib.request

from helpers.launcher import places

UNRESOLVED = (
    r"Failed to resolve|name resolution|Name or service not known|nodename nor servname"
    r"|getaddrinfo failed|Errno -[23]\]|Errno 11001\]"
)
PROXY = "HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT"


class Stop(Exception):
    """The reason why nothing more can be done, in one sentence for the reader."""


def last_line(text):
    """The last line that says something."""
    return (text.strip().splitlines() or ["no message"])[-1].strip()


def found(pattern, text):
    """The first group of the first match, or None."""
    match = re.search(pattern, text, re.IGNORECASE)
    return match and match.group(1)


# --------------------------------------------------------- the operating system


def why_system_refused(said):
    """One sentence where the words are those of an operating system that refuses, or None."""
    if re.search(r"quota exceeded|\[Errno 122\]", said, re.IGNORECASE):
        return "Your disk quota is used up: free some space, then run this command again."
    if re.search(r"No space left|not enough space|\[Errno 28\]|WinError 112", said):
        return "The disk is full: free some space, then run this command again."
    if re.search(r"Long Path support|WinError 206", said):
        return (
            "The path of this folder is too long for Windows: move the course to a short one, such "
            "as C:\\course, then run this command again."
        )
    if "File name too long" in said:
        return "The path of this folder is too long: move the course to a shorter one."
    path = found(r"(?:Errno|WinError) \d+\][^':]*: '([^']+)'", said) or str(places.ROOT)
    path = path.replace("\\\\", "\\")
    if "WinError 32" in said:
        return f"Another program holds {path}: close JupyterLab, then run this command again."
    if re.search(r"Read-only file system|\[Errno 30\]", said):
        return f"The drive of {path} is read-only: copy the course to a folder of your own."
    if re.search(r"Permission denied|Access is denied|\[Errno 13\]|WinError 5\b", said):
        return f"You have no permission for {path}: copy the course to a folder of your own."
    return None


def why_os_error(error):
    """One sentence about an OSError that nobody expected; never ``None`` for what it lacks."""
    sentence = why_system_refused(str(error))
    if sentence:
        return sentence
    what = error.strerror or str(error) or type(error).__name__
    return f"{what}: {error.filename}" if error.filename else f"The system refuses: {what}."


# ------------------------------------------------------------------------ venv


def why_no_venv(said):
    """One sentence about a virtual environment that could not be made, from what was said."""
    if re.search(r"No module named '?(venv|ensurepip)|ensurepip is not available", said):
        return (
            "This Python cannot make virtual environments; on Debian or Ubuntu, "
            "`apt install python3-venv` adds what is missing. Then run this command again."
        )
    if re.search(r"'lib' -> |-> '\S*lib64'|(Operation not permitted|not supported).* -> ", said):
        return (
            f"The drive of {places.ROOT} knows no symbolic links, which Python's virtual "
            "environments need: copy the course to another drive."
        )
    return why_system_refused(said) or (
        f"Could not make the virtual environment {places.VENV}: {last_line(said)}"
    )


# ------------------------------------------------------------------------- pip


def why_pip_failed(said):
    """One sentence about a failed installation, from what pip said."""
    for reason in (why_system_refused, why_not_found, why_no_connection, why_not_installed):
        sentence = reason(said)
        if sentence:
            return sentence
    errors = [line for line in said.splitlines() if line.startswith("ERROR")]
    return (
        f"pip could not install the course's packages ({last_line(chr(10).join(errors) or said)}); "
        f"the whole story is in {places.VENV / 'install.log'}."
    )


def why_not_found(said):
    """Where the index was reached and does not hold what is asked for, or None."""
    wanted = found(r"No matching distribution found for (\S+)", said)
    versions = found(r"\(from versions: ([^)]*)\)", said)
    if not wanted:
        return None
    if re.search(r"require a different python version|requires a different Python", said):
        return f"{wanted} is not made for Python {platform.python_version()}: use another Python."
    if versions not in (None, "none"):
        return f"The package index holds other versions, but not {wanted}, for this machine."
    return None


def why_no_connection(said):
    """Where the index could not be asked, or None."""
    host = host_in(said)
    index = f"The package index {host}" if host else "The package index"
    if re.search(r"\b407\b.*Proxy Authentication|Proxy Authentication Required", said):
        return (
            f"Your network's proxy wants a name and a password: set {PROXY}, "
            "then run this command again."
        )
    if re.search(r"certificate has expired|not yet valid", said):
        return f"{index} shows a certificate that is out of date: is this computer's clock right?"
    if re.search(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed", said, re.IGNORECASE):
        return (
            f"{index} shows a certificate that is not trusted here, as in networks that read "
            "along: ask who runs yours for its certificate, and name that file in PIP_CERT."
        )
    if "not a trusted or secure host" in said:
        return f"pip ignores {host or 'the index'}, which is not encrypted: use its https address."
    refused = found(r"Could not fetch URL .*\b(401|403) Client Error", said)
    if refused:
        return f"{index} refuses you ({refused}): see to name and password in pip's settings."
    if re.search(r"\b5\d\d Server Error|too many 5\d\d error", said):
        return f"{index} is out of order: run this command again later."
    if not re.search(
        r"connection broken by|connection error: |Max retries exceeded|NewConnectionError|timed out"
        r"|IncompleteRead|Connection reset|" + UNRESOLVED,
        said,
    ):
        return None
    if "Cannot connect to proxy" in said or host in proxy_hosts():
        return (
            "The proxy that your settings name cannot be reached: correct HTTPS_PROXY (or `proxy` "
            "in pip's settings), then run this command again."
        )
    if re.search(UNRESOLVED, said):
        return (
            f"The name {host or 'of the package index'} cannot be resolved: set-up needs a network "
            "connection; connect, then run this command again."
        )
    return (
        f"{index} cannot be reached: set-up needs a network connection; "
        "connect, then run this command again."
    )


def host_in(said):
    """The host that pip could not talk to, or None."""
    return (
        found(r"Failed to resolve '([^']+)'", said)
        or found(r"host='([^']+)'", said)
        or found(r"Could not fetch URL \w+://(?:[^/@\s]*@)?([^/:\s]+)", said)
        or found(r"repository located at (\S+) is not a trusted", said)
        or found(r"Looking in indexes: \w+://(?:[^/@\s]*@)?([^/:\s,]+)", said)
    )


def proxy_hosts():
    """The hosts of the proxies that this machine is set to use."""
    addresses = [a if "//" in a else f"//{a}" for a in urllib.request.getproxies().values()]
    return {urllib.parse.urlsplit(address).hostname for address in addresses} - {None}


def why_not_installed(said):
    """Where a package was found and could not be installed, or None."""
    if "DO NOT MATCH THE HASHES" in said:
        damaged = found(r"\n\s+(\S+) from ", said) or "A package"
        return (
            f"{damaged} arrived damaged, perhaps from a proxy's or pip's own cache: "
            "run this command again with PIP_NO_CACHE_DIR=1."
        )
    built = found(r"(?:Failed building wheel for|Failed to build) '?([\w.-]+)", said)
    if built or "subprocess-exited-with-error" in said:
        return (
            f"{built or 'A package'} has no ready-made build for this machine "
            f"({sys.platform}, {platform.machine()}, Python {platform.python_version()}), and "
            f"building it failed; the whole story is in {places.VENV / 'install.log'}."
        )
    if "MemoryError" in said:
        return "The memory is full: close other programs, then run this command again."
    wanted = (
        found(r"No matching distribution found for (\S+)", said)
        # What a package depends on and cannot be had looks like a conflict to pip.
        or found(r"The user requested \(constraint\) (\S+)", said)
    )
    if wanted:
        return (
            f"pip finds no {wanted} for this machine ({sys.platform}, {platform.machine()}, "
            f"Python {platform.python_version()}); its settings say where it looks."
        )
    return None
