"""The bench: compare recorded runs, by any rule, fair or unfair.

    bench.compare({"batch norm": {"norm": "batch"}, "plain": {"norm": "none"}})
    bench.compare(
        {"batch norm": {"norm": "batch", "batch": 8}, "plain": {"norm": "none", "batch": 8}},
        rates=0.1, chosen_on="test", seeds=3, steps=100, measure="loss",
    )
    bench.runs(norm="group", batch=4).rates

`compare` answers with a table, a figure and what the comparison concludes by the course's margins
(`helpers.comparing`). Nothing keeps you from an unfair one: see what it concludes. Runs that were
not recorded are trained on the spot, where that takes under a minute.
"""

from helpers.bench.comparison import MEASURED, SCORED, Comparison, compare
from helpers.bench.live import nothing_trained
from helpers.bench.requests import NORMS, Network, changes, check, network, recorded, runs, settings
from helpers.bench.sentences import NotOnTheBench

__all__ = [
    "MEASURED",
    "NORMS",
    "SCORED",
    "Comparison",
    "Network",
    "NotOnTheBench",
    "changes",
    "check",
    "compare",
    "network",
    "nothing_trained",
    "recorded",
    "runs",
    "settings",
]
