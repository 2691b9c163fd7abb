"""claim() accepts what lies within bounds, refuses everything else, and prints what it tested."""

import html
import re
from urllib.parse import unquote

import numpy as np
import pytest
from notebook_links import headings
from notebook_rules import FOLDER, read
from test_cards import words

from helpers import claims
from helpers.claims import ClaimViolated, UnfairClaim, claim, collecting, related
from helpers.comparing import MEASURES, choose_rate
from helpers.contents import NOTEBOOKS
from helpers.travels import QUESTIONS

FIELDS = {"said", "by", "notebook", "heading", "verdict", "finding", "ablation", "setting"}
FURTHER = {"limit", "see", "measure", "seeds", "rates", "bears"}
RATES = ("tuned", "at this rate", "one network")
SEEDS = [2.5, 3.0, 2.8, 2.6, 4.0]


@pytest.fixture(autouse=True)
def one_claim(monkeypatch, request):
    if "card" in request.fixturenames:
        return
    entry = {
        "said": "Pigs fly.",
        "by": "a proverb",
        "notebook": "forward",
        "heading": "Throw a pig",
        "verdict": "holds if thrown",
        "finding": "A thrown pig flies at least 2 m.",
        "limit": "A pig left alone stays within 0.1 m.",
    }
    table = {"pigs": entry}
    monkeypatch.setattr(claims, "all_claims", lambda: table)


def test_a_card_begins_with_the_verdict_and_puts_the_mark_before_the_finding(capsys):
    claim("pigs", measured=[3.0, 2.5, 4.0], at_least=2)
    assert capsys.readouterr().out == (
        "holds if thrown\n"
        "  Said: “Pigs fly.” (a proverb)\n"
        "  ✓ A thrown pig flies at least 2 m. (measured 3, range 2.5 to 4)\n"
        "  Bound: at least 2 for each of 3 values\n"
        "  Claim: pigs (forward)\n"
    )


def test_where_lines_break_depends_on_the_finding_alone(capsys):
    claims.all_claims()["pigs"]["finding"] = "A thrown pig " + "really " * 9 + "flies."
    broken = []
    for measured in (3.0, [2.000001, 3.123456, 1.23456e300]):
        claim("pigs", measured=measured, at_least=2)
        lines = capsys.readouterr().out.splitlines()
        broken.append([line.partition("(measured")[0] for line in lines[:4]])
    assert broken[0] == broken[1]
    assert broken[0][3] == "    "


def test_the_limit_prints_its_own_sentence(capsys):
    claim("pigs", measured=0.05, at_most=0.1, limit=True)
    assert capsys.readouterr().out == (
        "✓ A pig left alone stays within 0.1 m. (measured 0.05)\n  Bound: at most 0.1\n"
    )


@pytest.mark.parametrize("measured", [1.9, [3.0, 1.9], np.nan, [3.0, np.nan], [], [[1.0, 3.0]]])
def test_every_value_must_lie_within_the_bounds(measured):
    with pytest.raises(ClaimViolated, match=r"pigs: measured .*expected at least 2"):
        claim("pigs", measured=measured, at_least=2)


def test_both_bounds_count():
    claim("pigs", measured=2.0, at_least=2, at_most=2)
    with pytest.raises(ClaimViolated, match="at least 2 and at most 3"):
        claim("pigs", measured=3.1, at_least=2, at_most=3)


def test_a_claim_must_be_registered_and_able_to_fail():
    with pytest.raises(KeyError, match="register it there first"):
        claim("cows", measured=1, at_least=0)
    with pytest.raises(TypeError, match="must be able to fail"):
        claim("pigs", measured=1)


def test_collecting_gathers_violations_instead_of_raising(capsys):
    with collecting() as broken:
        claim("pigs", measured=1, at_least=2)
        claim("pigs", measured=3, at_least=2)
    assert broken == ["pigs"]
    assert [line[:7] for line in capsys.readouterr().out.splitlines()][2::5] == [
        "  ✗ A t",
        "  ✓ A t",
    ]
    with pytest.raises(ClaimViolated):
        claim("pigs", measured=1, at_least=2)


def test_the_setting_and_related_claims_are_printed(capsys):
    cows = {"notebook": "backward", "heading": "Milk"}
    claims.all_claims()["pigs"] |= {"setting": "a barn, no wind", "see": ["cows"]}
    claims.all_claims()["cows"] = cows
    claim("pigs", measured=3, at_least=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[4:6] == ["  Setting: a barn, no wind", "  See also: cows (backward)"]
    assert related("cows") == ["pigs"]


def test_where_a_sentence_travels_is_said_in_two_lines_at_most(card):
    for name in QUESTIONS:
        plain, _ = card(name, measured=1.0)
        (line,) = re.findall(r"(?m)^  In other settings, as said: ([^\n]*(?:\n    .*)*)", plain)
        assert re.match(r"holds in \d+ of \d+ settings", line), line
        assert len(line.splitlines()) <= 2


@pytest.mark.parametrize("name", list(claims.all_claims()))
def test_a_card_says_the_same_in_text_and_in_html(name, card):
    measured = [0.5, 1e-9, 12345.0]
    for limit in {False, "limit" in claims.all_claims()[name]}:
        plain, rich = card(name, measured=measured, limit=limit)
        assert plain.split() == words(rich)
        for text in (plain, rich):
            assert text.count("(measured 0.5, range 1e-09 to 1.23e+04)") == 1


@pytest.mark.parametrize("name", list(claims.all_claims()))
def test_links_lead_to_one_heading_that_exists(name, card):
    _, rich = card(name, measured=1.0)
    targets = re.findall('href="([^"]*)"', rich)
    assert targets == [html.escape(claims.link(k)) for k in [*related(name), name]]
    path, _, anchor = claims.link(name).partition("#")
    assert not re.search(r"[\s()<>\[\]]", anchor)
    text = "\n".join(c.source for c in read(FOLDER / path).cells if c.cell_type == "markdown")
    found = [heading.replace(" ", "-") for heading in headings(text)]
    assert found.count(unquote(anchor)) == 1


@pytest.fixture
def card(monkeypatch):
    """A function that tests a registered claim and returns its card: (text, HTML)."""

    def call(name, **arguments):
        said = []
        monkeypatch.setattr(claims.cards, "show", lambda *both: said.append(both))
        with collecting():
            claim(name, at_least=1e9, **arguments)
        (both,) = said
        return both

    return call


def trains(**more):
    """Make the claim one about training."""
    claims.all_claims()["pigs"] |= {"seeds": 5, "rates": "tuned"} | more


def chosen(on="held-out", best=1):
    """Rates chosen for two arms; the best is the one with this row."""
    scores = np.zeros((3, 5))
    scores[best] = 1
    return {arm: choose_rate([0.1, 1.0, 10.0], scores, on=on) for arm in ("plain", "batch norm")}


def test_a_claim_about_training_needs_its_seeds():
    trains()
    claim("pigs", measured=SEEDS, at_least=2, tuned=chosen())
    with pytest.raises(UnfairClaim, match="4 values, but the table promises 5 seeds"):
        claim("pigs", measured=SEEDS[:4], at_least=2, tuned=chosen())
    with pytest.raises(UnfairClaim, match="one number per seed"):
        claim("pigs", measured=np.median(SEEDS), at_least=2, tuned=chosen())
    with pytest.raises(UnfairClaim):
        claim("pigs", measured=SEEDS[:4], at_least=2, limit=True)


def test_a_median_may_be_what_is_claimed(capsys):
    trains()
    measured = [1.0, *SEEDS[1:]]
    with pytest.raises(ClaimViolated):
        claim("pigs", measured=measured, at_least=2, tuned=chosen())
    claim("pigs", measured=measured, at_least=2, tuned=chosen(), median=True)
    assert "(measured 2.8, range 1 to 4)" in capsys.readouterr().out
    with pytest.raises(ClaimViolated):
        claim("pigs", measured=measured, at_least=2.9, tuned=chosen(), median=True)
    with pytest.raises(ClaimViolated):
        claim("pigs", measured=[np.nan, *SEEDS[1:]], at_least=2, tuned=chosen(), median=True)


def test_rates_are_chosen_inside_their_grids_and_not_on_test_images():
    trains()
    with pytest.raises(UnfairClaim, match="hand the choices over"):
        claim("pigs", measured=SEEDS, at_least=2)
    with pytest.raises(UnfairClaim, match="rate of plain was chosen on the test images"):
        claim("pigs", measured=SEEDS, at_least=2, tuned=chosen(on="test"))
    for best in (0, 2):
        with pytest.raises(UnfairClaim, match=r"edge of its grid \(0.1, 1, 10\): widen"):
            claim("pigs", measured=SEEDS, at_least=2, tuned=chosen(best=best))
    claim("pigs", measured=SEEDS, at_least=2, limit=True)  # where it fails, perhaps at one rate
    trains(rates="at this rate")
    claim("pigs", measured=SEEDS, at_least=2)


def test_under_an_ablation_the_number_alone_decides():
    trains()
    with collecting() as broken:
        claim("pigs", measured=SEEDS, at_least=2, tuned=chosen(best=0))
        assert not broken
        claim("pigs", measured=SEEDS, at_least=9, tuned=chosen(best=0))
    assert broken == ["pigs"]


def test_a_bound_asks_for_the_margin_at_least():
    trains(measure="accuracy", rates="at this rate")
    claim("pigs", measured=[0.2] * 5, at_least=0.15)
    claim("pigs", measured=[0.0] * 5, at_least=-0.02, at_most=0.02)
    with pytest.raises(UnfairClaim, match="less than the margin, 2 points of accuracy"):
        claim("pigs", measured=[0.2] * 5, at_least=0.01)
    with pytest.raises(UnfairClaim, match="less than the margin"):
        claim("pigs", measured=[0.0] * 5, at_most=0.05)


def test_claims_stand_in_the_order_of_the_notebooks():
    registered = claims.tomllib.loads(claims.TOML.read_text(encoding="utf-8"))
    order = [NOTEBOOKS.index(entry["notebook"]) for entry in registered.values()]
    assert order == sorted(order)


def test_at_most_a_quarter_of_the_trainings_compares_at_one_rate():
    registered = claims.tomllib.loads(claims.TOML.read_text(encoding="utf-8"))
    rates = [entry["rates"] for entry in registered.values() if "seeds" in entry]
    assert rates.count("at this rate") <= len(rates) / 4


@pytest.mark.parametrize("name", list(claims.all_claims()))
def test_a_registered_claim_is_complete(name):
    registered = claims.tomllib.loads(claims.TOML.read_text(encoding="utf-8"))
    entry = registered[name]
    assert set(entry) - FURTHER == FIELDS
    assert ("seeds" in entry) == ("rates" in entry)
    assert entry.get("seeds", 5) >= 5
    assert entry.get("rates", "tuned") in RATES
    assert entry.get("measure", "accuracy") in MEASURES
    assert set(entry.get("see", [])) <= set(registered) - {name}
    verdict = entry["verdict"]
    assert verdict in ("holds", "does not hold") or verdict.startswith("holds if ")
    assert verdict.startswith("holds if ") == ("limit" in entry)
    for sentence in {"said", "finding", "limit"} & set(entry):
        assert entry[sentence].endswith("."), sentence
