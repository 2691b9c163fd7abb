"""claim() accepts what lies within bounds, refuses everything else, and prints what it tested."""

import numpy as np
import pytest

from helpers import claims
from helpers.claims import ClaimViolated, claim, collecting
from helpers.contents import NOTEBOOKS

FIELDS = {"said", "by", "notebook", "verdict", "finding", "ablation"}


@pytest.fixture(autouse=True)
def one_claim(monkeypatch, request):
    if "registered" in request.keywords:
        return
    entry = {
        "said": "Pigs fly.",
        "by": "a proverb",
        "verdict": "holds if thrown",
        "finding": "A thrown pig flies at least 2 m.",
        "limit": "A pig left alone stays within 0.1 m.",
    }
    monkeypatch.setattr(claims, "all_claims", lambda: {"pigs": entry})


def test_a_finding_is_printed_before_what_is_said(capsys):
    claim("pigs", measured=[3.0, 2.5, 4.0], at_least=2)
    assert capsys.readouterr().out == (
        "✓ A thrown pig flies at least 2 m. (measured 3, range 2.5 to 4)\n"
        "  Said: “Pigs fly.” (a proverb)\n"
        "  Verdict: holds if thrown\n"
    )


def test_where_lines_break_depends_on_the_finding_alone(capsys):
    claims.all_claims()["pigs"]["finding"] = "A thrown pig " + "really " * 10 + "flies."
    broken = []
    for measured in (3.0, [2.000001, 3.123456, 1.23456e300]):
        claim("pigs", measured=measured, at_least=2)
        broken.append([line[:11] for line in capsys.readouterr().out.splitlines()])
    assert broken[0] == broken[1]
    assert broken[0][1] == "  (measured"


def test_the_limit_prints_its_own_sentence(capsys):
    claim("pigs", measured=0.05, at_most=0.1, limit=True)
    assert capsys.readouterr().out == "✓ A pig left alone stays within 0.1 m. (measured 0.05)\n"


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
    assert capsys.readouterr().out.startswith("✗ A thrown pig")
    with pytest.raises(ClaimViolated):
        claim("pigs", measured=1, at_least=2)


def test_claims_stand_in_the_order_of_the_notebooks():
    registered = claims.tomllib.loads(claims.TOML.read_text(encoding="utf-8"))
    order = [NOTEBOOKS.index(entry["notebook"]) for entry in registered.values()]
    assert order == sorted(order)


@pytest.mark.parametrize("name", list(claims.all_claims()))
def test_a_registered_claim_is_complete(name):
    entry = claims.tomllib.loads(claims.TOML.read_text(encoding="utf-8"))[name]
    assert set(entry) - {"limit"} == FIELDS
    verdict = entry["verdict"]
    assert verdict in ("holds", "does not hold") or verdict.startswith("holds if ")
    assert verdict.startswith("holds if ") == ("limit" in entry)
    for sentence in {"said", "finding", "limit"} & set(entry):
        assert entry[sentence].endswith("."), sentence
