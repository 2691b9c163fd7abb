"""How the call of a learner's function can go wrong, whatever the check is about."""


class AnswerFailedError(Exception):
    """The call of the learner's function went wrong."""


class RefusedError(AnswerFailedError):
    """The learner's function raised an error that says: not these arguments."""


class NothingReturnedError(AnswerFailedError):
    """The learner's function returned None or `...`.

    note: what to add where nothing has been attempted yet.
    """

    def __init__(self, says: str, note: str):
        super().__init__(says)
        self.note = note


class NotWrittenError(NothingReturnedError):
    """A method of the learner's class is still blank, or is not there."""

    def __init__(self, says: str):
        super().__init__(f"This step is next: {says}", f": {says}")
