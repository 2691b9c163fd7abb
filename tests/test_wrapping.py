"""Printed text is broken between words, and what was indented stays so."""

from helpers.wrapping import WIDTH, wrapped


def test_lines_are_broken_between_words_and_indented():
    text = wrapped(f"✗ {'word ' * 40}\n  {'more ' * 40}")
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert [line[:3] for line in lines] == ["✗ w", "  w", "  w", "  m", "    m"[:3], "    m"[:3]]
    assert text.split() == ["✗", *["word"] * 40, *["more"] * 40]


def test_short_lines_stay():
    assert (
        wrapped("✓ all 2 checks passed\n  (measured 1)") == "✓ all 2 checks passed\n  (measured 1)"
    )


def test_code_is_not_broken():
    assert wrapped("x" * 200) == "x" * 200
