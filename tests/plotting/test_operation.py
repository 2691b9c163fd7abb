"""The picture of batch norm shows what batch norm computes."""

import matplotlib as mpl
import numpy as np

mpl.use("agg")

from helpers import plotting


def test_the_last_column_is_normalized_as_batch_norm_does():
    x = np.array([[2.0, 7], [4, 7], [6, 8], [8, 6]])
    (ax,) = plotting.panels(1)
    plotting.operation(ax, x, eps=0.0)
    texts = [text.get_text() for text in ax.texts]
    assert {"mu = 7", "var = 0.5", "(x - mu)\n/ sqrt(var + eps)"} <= set(texts)
    assert texts[:8] == ["2", "7", "4", "7", "6", "8", "8", "6"]
    x_hat = [-1.34, 0, -0.45, 0, 0.45, 1.41, 1.34, -1.41]
    np.testing.assert_allclose([float(text) for text in texts[8:16]], x_hat)
    plotting.plt.close("all")
