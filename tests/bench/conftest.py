"""No test of the bench trains unawares, and each begins with nothing trained."""

import pytest

from helpers import training_runs
from helpers.bench import live


@pytest.fixture(autouse=True)
def nothing_trains(monkeypatch):
    def refuse(*args, **axes):
        raise AssertionError(f"this would be trained: {args}")

    monkeypatch.setattr(training_runs, "train", refuse)
    monkeypatch.setattr(live, "_trained", {})
