"""Sliders above a figure. ipywidgets' own sliders take the arrow keys."""

from collections.abc import Callable

import ipywidgets
import matplotlib.pyplot as plt


def slider(label: str, value: float, low: float, high: float, step: float):
    """Return a slider that redraws while it moves."""
    return ipywidgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=label,
        style={"description_width": "10em"},
        layout={"width": "28em"},
    )


def explore(draw: Callable, **sliders) -> ipywidgets.VBox:
    """Show sliders above the figure that `draw(**values)` draws; it is redrawn at every move."""

    def redraw(**values):
        draw(**values)
        plt.show()

    figure = ipywidgets.interactive_output(redraw, sliders)
    return ipywidgets.VBox([*sliders.values(), figure])
