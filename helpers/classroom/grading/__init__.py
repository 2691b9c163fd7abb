"""Grading what learners hand in: each answer judged as in the notebook, in a sandbox.

    submissions   finds learners and their notebooks in what a platform exports
    sandbox       starts an isolated process that judges one learner
    judge         talks with it, and survives whatever happens in there
    warm, answering, reading   what runs inside
    points, report, platforms  what becomes of the verdicts

The threat is the teacher's machine and other learners' results. It is not copying: `solution()`
prints a right answer to whoever asks, and code that runs beside its judge can claim to be right.
The report marks what deserves a look instead.
"""
