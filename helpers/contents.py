"""The notebooks in order. Everything else knows them by name: only here they have numbers."""

from urllib.parse import quote

NOTEBOOKS = (
    "start_here",
    "why_normalize_inputs",
    "forward",
    "backward",
    "training",
    "inference",
    "convolution",
    "your_layer",
    "covariate_shift",
    "smoothing",
    "learning_rate_and_init",
    "depth",
    "length_and_direction",
    "regularization",
    "when_it_fails",
    "weigh_the_evidence",
    "pytorch",
    "gpu_training",
    "cost",
    "many_gpus",
    "bug_clinic",
    "verdicts",
)


def numbered(name: str) -> str:
    """`02_forward` for `forward`: the file's name. Raises KeyError for an unknown notebook."""
    if name not in NOTEBOOKS:
        raise KeyError(f"no notebook is called {name!r}")
    return f"{NOTEBOOKS.index(name):02d}_{name}"


def link(notebook: str, heading: str = "") -> str:
    """`02_forward.ipynb#Undo-it`: where a notebook, or a heading in it, is found in JupyterLab.

    heading: as it is shown, without its Markdown. Raises KeyError for an unknown notebook.
    """
    anchor = quote(heading.replace(" ", "-"), safe="!*',:;=?@+&/")
    return f"{numbered(notebook)}.ipynb" + (f"#{anchor}" if heading else "")
