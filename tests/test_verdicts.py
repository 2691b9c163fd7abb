"""Claims become tables that can be read, filtered and followed to their notebooks."""

import html
import re

import ipywidgets
import mistune
import pytest
from notebook_rules import FOLDER, notebooks, read

from helpers.cards import BADGES
from helpers.claims import all_claims, link
from helpers.contents import NOTEBOOKS, numbered
from helpers.exercises.questions import QUESTIONS as ASKED
from helpers.verdicts import (
    CLASSES,
    QUESTIONS,
    by_question,
    classify,
    counts,
    escape,
    overview,
    page,
    select,
    split,
    table,
)

CLAIMS = all_claims()


def entry(**changes):
    return {
        "said": "Pigs fly.",
        "by": "a proverb",
        "notebook": "forward",
        "verdict": "holds",
        "finding": "A thrown pig flies at least 2 m.",
        "ablation": ["no-throw"],
    } | changes


THREE = {
    "pigs": entry(),
    "cows-fly": entry(said="Cows fly.", verdict="does not hold", notebook="backward"),
    "geese": entry(
        said="Geese fly.", verdict="holds if awake", limit="A SLEEPING goose stays.", by="Lorenz"
    ),
}


def rendered(markdown: str) -> list[list[str]]:
    """The cells' text, row by row, as a Markdown renderer sees the tables."""
    page = mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "url"])(
        markdown
    )
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    return [
        [html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.split("</t[dh]>", row)]
        for row in rows
    ]


@pytest.mark.parametrize("name", list(CLAIMS))
def test_every_registered_verdict_falls_in_one_class(name):
    assert classify(CLAIMS[name]["verdict"]) in CLASSES


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        ("holds", "holds"),
        ("holds if thrown", "holds if"),
        ("holds for small pigs", "holds if"),
        ("holds; not for long", "holds if"),
        ("does not hold", "does not hold"),
        ("does not hold, except in March", "does not hold"),
    ],
)
def test_the_first_words_of_a_verdict_decide(verdict, kind):
    assert classify(verdict) == kind


@pytest.mark.parametrize("verdict", ["", "Holds", "hold", "fails", "holdsome", "does not holding"])
def test_an_unknown_verdict_is_refused(verdict):
    with pytest.raises(ValueError, match=re.escape(repr(verdict))):
        classify(verdict)


@pytest.mark.parametrize(
    ("verdict", "parts"),
    [
        ("holds if thrown", ("holds if", "thrown")),
        ("holds for small pigs", ("holds", "for small pigs")),
        ("does not hold", ("does not hold", "")),
    ],
)
def test_a_badge_shows_the_first_words_of_a_verdict(verdict, parts):
    assert split(verdict) == parts


def test_every_claim_appears_once_under_one_question():
    text = "\n".join(table(group) for group in by_question(CLAIMS).values())
    for name in CLAIMS:
        assert text.count(f"[{name}](") == 1, name


def test_the_questions_list_every_notebook_once_and_known_claims():
    keys = [key for keys in QUESTIONS.values() for key in keys]
    assert len(keys) == len(set(keys))
    assert {claim["notebook"] for claim in CLAIMS.values()} <= set(keys)
    assert set(keys) - set(NOTEBOOKS) <= set(CLAIMS)
    assert not set(NOTEBOOKS) & set(CLAIMS)


def test_a_claim_goes_to_its_own_question_before_that_of_its_notebook(monkeypatch):
    monkeypatch.setitem(QUESTIONS, "What flies?", ("geese",))
    groups = by_question(THREE)
    assert list(groups["What flies?"]) == ["geese"]
    assert list(groups["What does it compute?"]) == ["pigs", "cows-fly"]


def test_a_claim_of_an_unknown_notebook_is_not_lost_in_silence():
    with pytest.raises(KeyError, match="zoo"):
        by_question({"pigs": entry(notebook="zoo")})


def test_links_lead_to_notebooks():
    targets = set(re.findall(r"\]\(([^)]+)\)", table(CLAIMS)))
    assert targets == {
        *(f"{numbered(claim['notebook'])}.ipynb" for claim in CLAIMS.values()),
        *map(link, CLAIMS),
    }
    assert {target.partition("#")[0] for target in targets} <= {p.name for p in notebooks()}


def test_a_row_shows_what_is_said_found_and_where():
    head, *rows = rendered(table(THREE))
    assert head[:4] == ["what is said", "verdict", "what the course found", "tested in"]
    assert rows[0][:4] == [
        "“Pigs fly.” (a proverb)",
        "holds",
        "A thrown pig flies at least 2 m.",
        "02 forward, pigs",
    ]
    assert rows[1][1] == "does not hold"
    assert rows[2][1] == "holds if awake"
    for kind in CLASSES:
        assert table(THREE).count(BADGES[kind]) == 1
    assert rows[2][2].endswith("2 m. But: A SLEEPING goose stays.")


def test_signs_of_markdown_and_mathematics_are_only_text():
    nasty = r"a|b \| *c* __d__ `e` [f](g.md) <h> ~~i~~ $j$ &amp; |k|^2 l_1 + m_2 https://n.org"
    row = rendered(table({"pigs": entry(finding=nasty, said=nasty, verdict=f"holds if {nasty}")}))
    assert row[1][0] == f"“{nasty}” (a proverb)"
    assert row[1][1] == f"holds if {nasty}"
    assert row[1][2] == nasty
    assert r"\$j\$" in escape(nasty)


def test_every_registered_claim_can_be_read_as_it_was_written():
    rows = rendered(table(CLAIMS))[1:]
    assert len(rows) == len(CLAIMS)
    for (name, claim), row in zip(CLAIMS.items(), rows, strict=True):
        assert row[0] == f"“{claim['said']}” ({claim['by']})", name
        assert row[1] == claim["verdict"], name
        assert row[2].startswith(claim["finding"]), name
        assert row[2].endswith(claim.get("limit", claim["finding"])), name


def test_words_select_in_any_field_whatever_their_case():
    assert list(select(THREE, "cows FLY")) == ["cows-fly"]
    assert list(select(THREE, "sleeping")) == ["geese"]
    assert list(select(THREE, "03_backward")) == ["cows-fly"]
    assert list(select(THREE, "backward")) == ["cows-fly"]
    assert list(select(THREE, "lorenz")) == ["geese"]
    assert list(select(THREE, "fly", "holds")) == ["pigs"]
    assert select(THREE) == THREE
    assert select(THREE, "no-throw") == {}  # what an ablation is called is nobody's concern


def test_verdicts_select_their_class_alone():
    assert [list(select(THREE, verdict=kind)) for kind in CLASSES] == [
        ["pigs"],
        ["geese"],
        ["cows-fly"],
    ]
    with pytest.raises(ValueError, match=r"'maybe'; there are 'holds', 'holds if'"):
        select(THREE, verdict="maybe")


def test_a_page_counts_what_it_found():
    assert page(THREE, "fly").startswith("3 claims with “fly” in them.\n\n| what is said")
    assert page(THREE, "goose").startswith("1 claim with “goose” in it.\n\n| what is said")
    assert page(THREE, verdict="holds if").startswith("1 claim with the verdict “holds if”.\n\n|")


def test_a_page_without_claims_says_so():
    text = page(THREE, "dragons|", "holds")
    assert text.startswith(r"There is no claim with the verdict “holds” and “dragons\|” in it.")
    assert "what is said" not in text


def test_the_overview_adds_up():
    numbers = counts(THREE)
    assert numbers == {"holds": 1, "holds if": 1, "does not hold": 1}
    _, first, last = rendered(overview(THREE))
    assert first[:5] == ["What does it compute?", "3", "1", "1", "1"]
    assert last[:5] == ["all", "3", "1", "1", "1"]
    assert sum(counts(CLAIMS).values()) == len(CLAIMS)


NOTEBOOK = FOLDER / f"{numbered('verdicts')}.ipynb"


def test_the_text_box_and_the_slider_select():
    # What a widget shows is not stored in the notebook, so nothing else would see it fail.
    (cell,) = [cell.source for cell in read(NOTEBOOK).cells if "ipywidgets.Text(" in cell.source]
    shown = []
    names = {
        "ipywidgets": ipywidgets,
        "CLASSES": CLASSES,
        "display": shown.append,
        "verdicts": lambda words, verdict: page(THREE, words, verdict),
    }
    exec(cell, names)
    assert shown[-1] == page(THREE, names["words"].value)
    names["words"].value = "fly"
    names["verdict"].label = "does not hold"
    assert shown[-1] == page(THREE, "fly", "does not hold")
    names["verdict"].label = "any"
    assert shown[-1] == page(THREE, "fly")


def test_the_essay_cites_claims_that_exist():
    essay = read(FOLDER / f"{numbered('weigh_the_evidence')}.ipynb")
    text = "\n".join(cell.source for cell in essay.cells if cell.cell_type == "markdown")
    names = re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`|\[([a-z0-9]+(?:-[a-z0-9]+)+)\]\(", text)
    cited = {code or linked for code, linked in names}
    assert len(cited) > 30
    assert cited - set(CLAIMS) - set(ASKED) == set()
