"""Sliders above a figure. ipywidgets' own sliders take the arrow keys.

Each slider stops at quantities, and its readout shows the quantity it stands at. The picture of a
position is drawn when it is first reached, and kept.
"""

import base64
import html
import io
from collections.abc import Callable, Iterable

import ipywidgets
import matplotlib.pyplot as plt
from IPython.lib.pretty import pretty

from helpers.plotting.still import DPI, still

# JupyterLab runs this where it shows the sliders; `element` stands among them. noUiSlider, which
# draws them, gives a handle no name, and writes the number of the position as its text each time
# it moves. So that a screen reader tells what is seen, label and readout are written over that,
# and again after every change.
NAME_THE_HANDLES = """
function watch() {
  const box = element.closest(".bn-sliders");
  if (!box) { return requestAnimationFrame(watch); }
  function set(handle, attribute, text) {
    if (handle.getAttribute(attribute) !== text) { handle.setAttribute(attribute, text); }
  }
  function name() {
    for (const slider of box.querySelectorAll(".widget-slider")) {
      const handle = slider.querySelector(".noUi-handle");
      const readout = slider.querySelector(".widget-readout");
      if (!handle || !readout) { continue; }
      set(handle, "aria-label", slider.querySelector(".widget-label").textContent);
      set(handle, "aria-valuetext", readout.textContent);
    }
  }
  new MutationObserver(name).observe(box, {
    subtree: true, childList: true, characterData: true, attributeFilter: ["aria-valuetext"],
  });
  name();
}
watch();
"""


def slider(label: str, values: Iterable, start, shown: str = "{:g}") -> ipywidgets.SelectionSlider:
    """Return a slider that stops at each of `values`, numbers or texts, and starts at `start`.

    shown: how a number reads, with its unit: `"{:.1f} kg"`. Two values that read the same could
    not be told apart, and `start` is the value that reads like it: 0.3 is 0.1 + 0.2.

    Raises:
        ValueError: if two values read the same, or no value reads like `start`.
    """

    def text(value):
        return value if isinstance(value, str) else shown.format(value)

    values = list(values)
    options = {text(value): value for value in values}
    if len(options) < len(values):
        raise ValueError(f"the slider {label!r} has values that read the same: {list(options)}")
    if text(start) not in options:
        raise ValueError(
            f"the slider {label!r} cannot start at {text(start)!r}; it stops at {list(options)}"
        )
    return ipywidgets.SelectionSlider(
        options=list(options.items()),
        value=options[text(start)],
        description=label,
        style={"description_width": "10em"},
        layout={"width": "32em"},
    )


class Explorer(ipywidgets.VBox):
    """Sliders above the picture that `draw(**values)` draws at their values."""

    def __init__(self, draw: Callable, sliders: dict[str, ipywidgets.SelectionSlider]):
        self.draw, self.sliders = draw, sliders
        self.drawn = {}  # {where the sliders stand: (PNG, description)}
        self.picture = ipywidgets.HTML()
        # Set, not displayed: a notebook stores nothing of it.
        script = {"application/javascript": NAME_THE_HANDLES}
        script = {"output_type": "display_data", "data": script, "metadata": {}}
        names = ipywidgets.Output(outputs=(script,), layout={"display": "none"})
        super().__init__([*sliders.values(), self.picture, names])
        self.add_class("bn-sliders")
        for each in sliders.values():
            each.observe(self.show, "index")
        self.show()

    def show(self, _change=None) -> None:
        """Show the picture of where the sliders stand."""
        png, description = self.at_this_position()
        width, height = size(png)
        # The size is known before the picture is decoded: what stands below never jumps.
        self.picture.value = (
            f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}" '
            f'alt="{html.escape(description)}" width="{width}" height="{height}" '
            'decoding="sync" style="max-width: 100%; height: auto">'
        )

    def at_this_position(self) -> tuple[bytes, str]:
        """The picture as PNG and its description, drawn if they have not been."""
        position = tuple(each.index for each in self.sliders.values())
        if position not in self.drawn:
            self.draw(**{name: each.value for name, each in self.sliders.items()})
            figure, png = plt.gcf(), io.BytesIO()
            figure.savefig(png, dpi=DPI)
            # As a notebook would describe it: refresh proves the description there.
            self.drawn[position] = png.getvalue(), pretty(figure)
            plt.close(figure)
        return self.drawn[position]

    def still(self) -> tuple[bytes, str]:
        """A picture of sliders and figure as they stand, as PNG, and its description."""
        png, description = self.at_this_position()
        positions = [
            (each.description, readout(each), each.index / max(1, len(each.options) - 1))
            for each in self.sliders.values()
        ]
        told = "; ".join(f"{label}: {text}" for label, text, _ in positions)
        return still(png, positions), f"{description}\nSliders above it: {told}."

    def _repr_mimebundle_(self, **kwargs):
        """The live sliders, and the still for viewers without them."""
        png, description = self.still()
        data = super()._repr_mimebundle_(**kwargs)
        data |= {"image/png": base64.b64encode(png).decode(), "text/plain": description}
        return data, {"image/png": {"width": size(png)[0]}}


def readout(slider: ipywidgets.SelectionSlider) -> str:
    """What a slider shows where it stands; its own `label` is empty until it has been moved."""
    return slider.options[slider.index][0]


def size(png: bytes) -> tuple[int, int]:
    """Width and height at which a PNG of twice the resolution is shown, from its header."""
    return tuple(int.from_bytes(png[at : at + 4], "big") // 2 for at in (16, 20))


def explore(draw: Callable, **sliders: ipywidgets.SelectionSlider) -> Explorer:
    """Show sliders above the figure that `draw(**values)` draws with `plotting.panels`.

    The figure of a position is drawn once; what takes long to compute belongs above, in the
    notebook. Without a kernel the output is a still: the sliders at their start, drawn.
    """
    return Explorer(draw, sliders)
