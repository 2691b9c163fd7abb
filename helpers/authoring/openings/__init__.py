"""Opening pictures, a module for each notebook and of its name; `authoring.pictures` attaches them.

A module's docstring is the alternative text; `draw()` draws one flat figure with
`helpers.plotting`, from numbers that it computes. It carries the question and leaves the answer.
"""
