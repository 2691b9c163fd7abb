"""Right answers that must pass, wrong answers that must be blamed on the right check, and changes
of a reference that change nothing."""

from collections import defaultdict
from collections.abc import Callable

ALTERNATIVES: dict[str, list[Callable]] = defaultdict(list)
MUTANTS: dict[str, list[tuple[Callable, str]]] = defaultdict(list)
SAYS: dict[Callable, str] = defaultdict(str)
EQUIVALENT: dict[str, dict[str, str]] = defaultdict(dict)


def alternative(exercise: str) -> Callable[[Callable], Callable]:
    """Register a right answer, written unlike the reference."""

    def register(answer: Callable) -> Callable:
        ALTERNATIVES[exercise].append(answer)
        return answer

    return register


def mutant(exercise: str, blamed: str, says: str = "") -> Callable[[Callable], Callable]:
    """Register a wrong answer, named after its misconception, and the check that must catch it.

    says: words that the message must have, where only a certain sentence would be true.
    """

    def register(answer: Callable) -> Callable:
        MUTANTS[exercise].append((answer, blamed))
        SAYS[answer] = says
        return answer

    return register


def equivalent(exercise: str, change: str, because: str) -> None:
    """List a change of the reference, `line before -> after`, that is as right as the reference."""
    EQUIVALENT[exercise][change] = because
