"""A sandbox, where one can be had."""

import os

import pytest

from helpers.classroom.grading import sandbox


@pytest.fixture(scope="session")
def isolated():
    """Skip where submissions cannot be isolated; under CI that is a failure."""
    if why := sandbox.why_not():
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)


@pytest.fixture
def own(isolated):
    """A sandbox of one's own; an answer has two seconds."""
    with sandbox.Sandbox(trusted=False, seconds=2) as started:
        yield started
