"""A matrix of all claims of the course: one row per question, from what batch norm computes to when
it fails, and one small cell per claim, which bears the number of the notebook that tests it. All
cells look alike: the verdicts are not told. Above it stands the question which of them are true.
"""

from helpers import plotting
from helpers.claims import all_claims
from helpers.contents import numbered
from helpers.verdicts import by_question


def draw() -> None:
    """A cell for each claim, by question and notebook, without a verdict."""
    claims = all_claims()
    groups = {question: group for question, group in by_question(claims).items() if group}
    (ax,) = plotting.panels(1, width=9.4, height=2.8)
    for row, group in enumerate(groups.values()):
        ax.barh([row] * len(group), 0.9, 0.8, left=range(len(group)), color="lightgrey")
        for place, entry in enumerate(group.values()):
            number = numbered(entry["notebook"])[:2]
            ax.text(place + 0.45, row, number, ha="center", va="center", fontsize=9)
    ax.set_yticks(range(len(groups)), groups, fontsize=11)
    ax.set_title(f"{len(claims)} sentences, and the notebooks that test them: which are true?")
    ax.title.set_fontsize(12)
    ax.set(xticks=[], xlim=(-0.2, max(map(len, groups.values()))))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.grid(visible=False)
    ax.invert_yaxis()
