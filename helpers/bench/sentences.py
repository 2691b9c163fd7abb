"""What the bench says when it cannot answer."""

from collections.abc import Iterable


class NotOnTheBench(LookupError):
    """What was asked for is not there; the message says so in one sentence, and what is there."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the sentence alone, as nothing in the code is to be looked for."""
        return [f"✗ {self}"]


class TooLong(NotOnTheBench):
    """What was asked for was not recorded, and to train it now would take more than a minute."""


def listed(names: Iterable, sign: str = ",") -> str:
    """`a, b and c` from names."""
    *others, last = map(str, names)
    return f"{f'{sign} '.join(others)} and {last}" if others else last
