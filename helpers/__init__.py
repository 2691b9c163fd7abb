"""What the notebooks share: data, networks, training, probes, figures, exercises and claims."""

# The edition, and the only place where it is written: pyproject.toml reads it here, and progress
# files and records carry it. CHANGELOG.md says what each edition changed.
__version__ = "2.0.0.dev0"
