"""Sliders drawn above a picture: what stands where no kernel moves them."""

import io

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

DPI = 192  # twice the pixels in which pages are measured
ROW = 0.34  # inches for a slider, as in JupyterLab
# Where a label ends, where the line begins and ends, and where the readout ends, in inches.
LABEL, TRACK, END = 1.5, (1.7, 4.1), 5.6


def still(png: bytes, sliders) -> bytes:
    """The picture below its sliders, as PNG of the same resolution.

    sliders: (label, readout, share of the line on the left of the handle), from top to bottom.
    """
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    strip = Image.fromarray(_strip(sliders, max(picture.width, round(END * DPI))))
    both = Image.new("RGB", (strip.width, strip.height + picture.height), "white")
    both.paste(strip, (0, 0))
    both.paste(picture, (0, strip.height))
    file = io.BytesIO()
    both.save(file, format="png")
    return file.getvalue()


def _strip(sliders, width) -> np.ndarray:
    """The sliders as an image, (height, width, 3)."""
    height = ROW * len(sliders)
    figure = plt.figure(figsize=(width / DPI, height), dpi=DPI, layout="none")
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, width / DPI), ylim=(height, 0))
    ax.set_axis_off()
    low, high = TRACK
    for row, (label, readout, share) in enumerate(sliders):
        y = ROW * (row + 0.5)
        ax.text(LABEL, y, label, ha="right", va="center", fontsize=10)
        ax.plot([low, high], [y, y], color="0.75", linewidth=3, solid_capstyle="round")
        handle = low + share * (high - low)
        ax.plot(handle, y, "o", color="white", markeredgecolor="0.45", markersize=11)
        ax.text(high + 0.15, y, readout, ha="left", va="center", fontsize=10)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    plt.close(figure)
    return pixels
