"""Why something cannot be done: one sentence for the reader."""

from helpers.launcher import places


class Stop(Exception):
    """The reason why nothing more can be done, in one sentence for the reader."""


def why_pip_failed(said):
    """One sentence about a failed installation, from what pip said."""
    if "No space left" in said or "not enough space" in said:
        return "The disk is full: free about 2.5 GB, then run this command again."
    no_network = ("connection broken by", "NewConnectionError", "Max retries exceeded")
    if any(sign in said for sign in (*no_network, "Name or service not known", "getaddrinfo")):
        return (
            "The package index cannot be reached: the first set-up needs a network connection; "
            "connect, then run this command again."
        )
    errors = [line for line in said.splitlines() if line.startswith("ERROR")]
    return (
        f"pip could not install the course's packages ({last_line(chr(10).join(errors) or said)}); "
        f"the whole story is in {places.VENV / 'install.log'}. Run this command again to repeat it."
    )


def last_line(text):
    """The last line that says something."""
    return (text.strip().splitlines() or ["no message"])[-1].strip()
