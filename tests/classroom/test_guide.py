"""The teacher's guide fits the notebooks and is whole."""

import re
from html.parser import HTMLParser

import pytest

from helpers.classroom.guide import gathered, markdown, pages, written
from helpers.contents import NOTEBOOKS, numbered
from helpers.exercises import load_part_iii
from helpers.exercises.questions import QUESTIONS

load_part_iii()
VOID = {"meta", "br", "hr", "img"}


class Whole(HTMLParser):
    """Raises AssertionError at a tag that is closed and was not opened last."""

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID or tag.startswith("m")  # MathML may close itself

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def few_mistakes(monkeypatch):
    """Mistakes without judging them, which takes seconds."""
    found = [gathered.Mistake("<script>", "the mean is < 0")]
    monkeypatch.setattr(gathered, "mistakes", lambda exercise: found)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_what_is_written_fits_its_notebook(notebook):
    page = written.page(notebook)
    assert set(page.skipped()) <= gathered.headings(notebook)
    core = gathered.choices(notebook)
    assert {vote.question for vote in page.votes} <= set(core)
    assert len(page.votes) >= min(len(core), 1)
    for vote in page.votes:
        wrong = set(QUESTIONS[vote.question].explanations) - {QUESTIONS[vote.question].right}
        assert set(vote.moves) == wrong, vote.question
        assert all("?" in question for question in vote.moves.values()), vote.question
    assert len(page.items("Say")) >= 3
    assert page.items("Draw")
    assert page.items("When it sticks")
    assert page.sections["Close"]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_teacher_says_what_the_notebook_does_not(notebook):
    text = plain(" ".join(cell.source for cell in gathered.cells(notebook)))
    for item in written.page(notebook).items("Say"):
        for sentence in re.split(r"(?<=[.!?]) ", plain(item)):
            assert len(sentence.split()) < 6 or sentence not in text, sentence


def plain(text):
    return " ".join(re.sub(r"[*_`>“”\"]", "", text).split())


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_page_is_whole_and_needs_nothing_else(notebook, few_mistakes):
    html = pages.page(notebook)
    Whole(html)
    assert "<script" not in html
    assert not re.search(r'(?:src|href)="http', html.replace('href="https://arxiv', ""))
    assert not re.search(r"\$|\\frac|\ufdd0", re.sub(r"<(code|pre)>.*?</\1>", "", html))


def test_mistakes_come_with_what_the_check_says():
    found = gathered.mistakes("batch_statistics")
    assert len(found) > 2
    assert found[0].name == "averages over features"
    assert all(mistake.message and "✗" not in mistake.message for mistake in found)


def test_a_page_shows_what_a_wrong_choice_believes_and_what_moves_it(few_mistakes):
    html = pages.page("forward")
    assert "<strong>a</strong> is right" in html
    assert "Ask: In the first row of our table" in html
    assert "<math" in html
    assert "&lt;script&gt;" in html


def test_a_page_tells_the_answers_of_numbers_and_orders(few_mistakes):
    html = pages.page("inference")
    asked = [name for name, _ in gathered.others("inference", set())]
    assert "inference-shuffled" in asked
    assert not [name for name in asked if QUESTIONS[name].recalls]
    assert "<code>inference-shuffled</code>" in html
    assert "you said" not in html


def test_tracks_fill_their_minutes_and_lead_to_sections():
    lengths = []
    for track in written.tracks():
        assert sum(step.minutes for step in track.steps) == track.minutes
        lengths.append(track.minutes)
        for step in track.steps:
            if step.heading:
                headings = {part.heading for part in gathered.parts(step.notebook)}
                assert step.heading in headings, step
    assert lengths == [90, 240, 780]


def test_in_the_shorter_tracks_a_section_gets_the_minutes_that_it_takes():
    for track in written.tracks()[:2]:
        for step in track.steps:
            if step.heading:
                takes = next(
                    part.minutes
                    for part in gathered.parts(step.notebook)
                    if part.heading == step.heading
                )
                assert step.minutes >= takes - 5, step


def test_the_index_leads_to_every_page():
    html = pages.index()
    Whole(html)
    for notebook in NOTEBOOKS:
        assert f'href="{numbered(notebook)}.html"' in html
    assert ">1:25<" in html
    assert html.count(">0:00<") == 4  # three tracks, one of them with a second day


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("# other\n", "must begin with"),
        ("# forward\n## Purpose\nx\n", "has the sections"),
    ],
)
def test_a_page_that_cannot_be_used_says_why(page, says, tmp_path, monkeypatch):
    monkeypatch.setattr(written, "FOLDER", tmp_path)
    with pytest.raises(written.GuideError, match=r"forward\.md"):
        written.page("forward")
    (tmp_path / "forward.md").write_text(page, encoding="utf-8")
    with pytest.raises(written.GuideError, match=says):
        written.page("forward")


def test_formulas_become_mathml_and_code_stays():
    html = markdown.to_html(r"With $\hat x$ and `$HOME` and <b>: \$5")
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">' in html
    assert "<code>$HOME</code>" in html
    assert "&lt;b&gt;" in html
