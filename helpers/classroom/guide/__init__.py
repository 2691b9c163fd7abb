"""The teacher's guide: HTML pages, one per notebook, and three tracks by the minute.

written     guide/*.md, what a teacher says and draws; guide/tracks.toml
gathered    what stands in notebooks and exercises already: questions, minutes, mistakes
pages       both as HTML that needs nothing else, on the screen and on paper
"""
