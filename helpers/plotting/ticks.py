"""Numbers at logarithmic axes as one writes them: 0.01, 1, 1,000; powers only beyond."""

import math

from matplotlib import scale
from matplotlib.ticker import LogFormatter

PLAIN = 1e-4, 1e6  # from and up to where a number is written in full


class PlainLogFormatter(LogFormatter):
    """Labels of a logarithmic axis: plain numbers, or powers where those would be long."""

    def _num_to_string(self, x, vmin, vmax):
        return plain(x)


def plain(value: float) -> str:
    """Return a number as it stands at a tick."""
    low, high = PLAIN
    if value and not low * 0.999 <= abs(value) < high * 1.001:
        mantissa, _, power = f"{value:.3g}".partition("e")
        if not power:
            exponent = math.floor(math.log10(abs(value)))
            mantissa, power = f"{value / 10**exponent:.3g}", str(exponent)
        factor = "" if mantissa == "1" else f"{mantissa} × "
        return f"{factor}$10^{{{int(power)}}}$"
    return f"{value:,.10g}"


class PlainLogScale(scale.LogScale):
    """matplotlib's logarithmic scale with plain numbers at its ticks."""

    name = "log"

    def __init__(self, **settings):
        """`settings`: base, subs and nonpositive, as LogScale has them."""
        super().__init__(**settings)

    def set_default_locators_and_formatters(self, axis):
        """As matplotlib's own, but for the formatters."""
        super().set_default_locators_and_formatters(axis)
        axis.set_major_formatter(PlainLogFormatter(self.base))
        axis.set_minor_formatter(PlainLogFormatter(self.base, labelOnlyBase=self.subs is not None))


def install() -> None:
    """From now on, every logarithmic axis of this session has plain numbers."""
    scale.register_scale(PlainLogScale)
