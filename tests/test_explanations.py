"""The explanations are weighed by the claims themselves, so that no balance can go stale."""

import mistune
import pytest

from helpers import bench
from helpers.claims import all_claims, link, related
from helpers.contents import numbered
from helpers.explanations import (
    EXPLANATIONS,
    TENSIONS,
    WAYS,
    balance,
    evidence,
    table,
    tensions,
)

CLAIMS = all_claims()
PIGS = {
    "flat": {
        "notebook": "smoothing",
        "finding": "It is flat | here.",
        "setting": "a barn",
        "bears": {"smoothing": "supports", "larger rates": "silent"},
    },
    "steep": {
        "notebook": "depth",
        "finding": "It is steep.",
        "setting": "a hill",
        "bears": {"smoothing": "contradicts"},
    },
    "beside": {"notebook": "depth", "finding": "It rains.", "setting": "outside"},
}


def test_evidence_is_what_the_claims_say():
    found = evidence(PIGS)
    assert found["smoothing"] == {"supports": ["flat"], "contradicts": ["steep"], "silent": []}
    assert found["larger rates"]["silent"] == ["flat"]
    assert found["regularization"] == {way: [] for way in WAYS}


def test_the_balance_counts_it():
    rows = balance(PIGS).splitlines()
    assert "| smoothing | 1 | 1 | 0 |" in rows
    assert "| larger rates | 0 | 0 | 1 |" in rows
    assert len(rows) == 2 + len(EXPLANATIONS)


def test_the_table_names_finding_setting_and_place():
    page = mistune.create_markdown(plugins=["table"])(table(PIGS, "smoothing"))
    assert "It is flat | here." in page
    assert "a barn" in page
    assert f'href="{numbered("smoothing")}.ipynb"' in page
    assert page.index("supports") < page.index("contradicts")
    with pytest.raises(KeyError, match="magic"):
        table(PIGS, "magic")


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_every_explanation_has_evidence_for_and_against(name):
    found = evidence(CLAIMS)[name]
    assert found["supports"]
    assert found["contradicts"]
    assert sum(map(len, found.values())) >= 4


def test_claims_bear_on_known_explanations_in_known_ways():
    for name, entry in CLAIMS.items():
        assert set(entry.get("bears", {})) <= set(EXPLANATIONS), name
        assert set(entry.get("bears", {}).values()) <= set(WAYS), name


def test_tensions_link_to_their_claims():
    text = tensions(CLAIMS)
    for tension in TENSIONS:
        for name in tension.claims:
            assert f"[{name}]({link(name)})" in text


def test_claims_that_seem_to_contradict_each_other_refer_to_each_other():
    for tension in TENSIONS:
        for place, later in enumerate(tension.claims[1:], start=1):
            others = related(later)
            assert any(claim in others for claim in tension.claims[:place]), tension.seems


def test_two_layers_have_a_lower_test_loss_at_a_small_rate_too():
    """What the fourth pair says of the record."""
    arms = {norm: {"like": "300 images", "norm": norm} for norm in ("batch", "none")}
    found = bench.compare(arms, rates=0.1, steps=200, measure="loss")
    assert (found.word, len(found.conclusion.effects)) == ("better", 5)
