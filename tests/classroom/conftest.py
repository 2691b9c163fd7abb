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


@pytest.fixture(scope="session")
def own(isolated):
    """A sandbox, started again when a test has broken it; an answer has two seconds."""
    with sandbox.Sandbox(trusted=False, seconds=2) as started:
        yield started


@pytest.fixture(scope="session")
def patient(isolated):
    """The same for answers that are only slow."""
    with sandbox.Sandbox(trusted=False, seconds=20) as started:
        yield started
