"""The guide as HTML: one page per notebook, and an index with the tracks."""

from jinja2 import Environment
from markupsafe import Markup

from helpers.classroom.guide import gathered, markdown, written
from helpers.contents import NOTEBOOKS, numbered
from helpers.exercises.engine import EXERCISES

STYLE = """
:root { color-scheme: light dark; }
body { font: 17px/1.55 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 46rem; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; }
h2 { border-top: 1px solid #8888; margin-top: 2rem; padding-top: 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border-bottom: 1px solid #8888; padding: 0.25rem 0.6rem; text-align: left; }
th, td { vertical-align: top; }
td.number { text-align: right; white-space: nowrap; }
blockquote, .box { border-left: 4px solid #0063b8; margin: 1rem 0; padding: 0.2rem 1rem; }
blockquote, .box { background: rgba(128, 128, 128, 0.1); }
.moves { font-style: italic; }
nav { display: flex; gap: 1rem; justify-content: space-between; }
pre { white-space: pre-wrap; }
@media print {
  body { font-size: 10.5pt; margin: 0; max-width: none; }
  nav { display: none; }
  h2, h3 { break-after: avoid; }
  .track { break-before: page; }
  li, tr, .box, blockquote { break-inside: avoid; }
}
"""

FRAME = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>{{ style }}</style>
</head>
<body>
{{ body }}
</body>
</html>
"""

PAGE = """\
<nav>{% if before %}<a href="{{ before }}.html">{{ before }}</a>{% endif %}
<a href="index.html">all pages</a>
{% if after %}<a href="{{ after }}.html">{{ after }}</a>{% endif %}</nav>
<h1>{{ title }}</h1>
<p>{{ question }} {{ needs }}</p>
{{ purpose }}

<h2>Minutes</h2>
<table><thead><tr><th>section</th><th>minutes</th><th>asks</th></tr></thead><tbody>
{%- for part in parts if not part.further %}
<tr><td>{{ part.heading|line }}</td><td class="number">{{ part.minutes|minutes }}</td>
<td>{{ part.asks|join(", ") }}</td></tr>
{%- endfor %}
</tbody></table>
<p>Further, for those who are ahead:
{%- for part in parts if part.further %} {{ part.heading|replace("Further: ", "")|line }}
({{ part.minutes|minutes }}){{ "," if not loop.last else "." }}{% endfor %}</p>

<h2>Draw</h2>
{{ draw }}

<h2>Stop and vote</h2>
<p>Alone first, hands up or cards; then two minutes with a neighbour who voted otherwise; then
again; then run the cell.</p>
{%- for vote in votes %}
<h3>{{ vote.name }}</h3>
<blockquote>{{ vote.text }}</blockquote>
<p>{{ vote.why|line }}</p>
<ul>
{%- for option in vote.options %}
<li><strong>{{ option.letter }}</strong>{{ " is right" if option.right }}:
{{ option.explanation|line }}{% if option.said %} So one reads: {{ option.said|line }}{% endif %}
{%- if option.moves %}<br><span class="moves">Ask: {{ option.moves|line }}</span>{% endif %}</li>
{%- endfor %}
</ul>
{%- else %}
<p>Nothing with letters is asked in the core of this notebook.</p>
{%- endfor %}
{%- if others %}
<h3>And collect guesses</h3>
<p>Three numbers or orders on the board, hands up for each, then run the cell.</p>
{%- for other in others %}
<blockquote>{{ other.text }}</blockquote>
<p><code>{{ other.name }}</code>: {{ other.reply|line }}</p>
{%- endfor %}
{%- endif %}

<h2>Exercises and the mistakes they provoke</h2>
{%- for exercise in exercises %}
<h3><code>{{ exercise.name }}</code></h3>
<p>First hint: {{ exercise.hint|line }}</p>
<table><thead><tr><th>what they write</th><th>what the check says</th></tr></thead><tbody>
{%- for mistake in exercise.mistakes %}
<tr><td>{{ mistake.name }}</td><td>{{ mistake.message|plain }}</td></tr>
{%- endfor %}
</tbody></table>
{%- else %}
<p>None.</p>
{%- endfor %}

<h2>When it sticks</h2>
{{ sticks }}

<h2>Say</h2>
{{ say }}

<h2>Skip when late</h2>
{{ skip }}

<h2>Close</h2>
{{ close }}
"""

INDEX = """\
<h1>Batch Norm: the teacher's guide</h1>
<p>Three workshops:
{%- for track in tracks %} <a href="#track-{{ loop.index }}">{{ track.name }}</a>
{{- "," if not loop.last }}{% endfor %}; and <a href="#notebooks">a page for each notebook</a>.</p>
<p>The day before, each participant runs <code>python3 course.py preflight</code>.
<code>python3 course.py answers</code> writes the solved edition,
<code>python3 course.py grade FOLDER</code> judges what was handed in.</p>
<p>Whoever goes to a section needs the cells above it. At every step, and whenever you skip one,
everybody clicks the section's heading and chooses Run, Run All Above Selected Cell: up to half a
minute. Exercises and predictions that are still blank do no harm.</p>
{%- for track in tracks %}
<h2 id="track-{{ loop.index }}" class="track">{{ track.name }}</h2>
<p>{{ track.what }}</p>
<table>
<thead><tr><th>from</th><th>minutes</th><th>what the room does</th><th>where</th></tr></thead>
<tbody>
{%- for step in track.steps %}
<tr><td class="number">{{ step.start }}</td><td class="number">{{ step.minutes }}</td>
<td>{{ step.do }}</td>
<td>{% if step.file -%}
<a href="{{ step.file }}.html">{{ step.file }}</a>{{ ", " ~ step.heading if step.heading }}
{%- endif %}</td></tr>
{%- endfor %}
</tbody></table>
{%- endfor %}
<h2 id="notebooks" class="track">Notebooks</h2>
<table><thead><tr><th>notebook</th><th>question</th></tr></thead><tbody>
{%- for notebook in notebooks %}
<tr><td><a href="{{ notebook.file }}.html">{{ notebook.title }}</a></td>
<td>{{ notebook.question }}<br>{{ notebook.needs }}</td></tr>
{%- endfor %}
</tbody></table>
"""


def environment() -> Environment:
    """Jinja that escapes everything but what `markdown` has made."""
    made = Environment(autoescape=True)
    made.filters["line"] = lambda text: Markup(markdown.line(text))
    made.filters["minutes"] = minutes
    made.filters["plain"] = lambda text: Markup(markdown.plain(text))
    return made


def framed(title: str, template: str, **values) -> str:
    """A whole page."""
    made = environment()
    body = Markup(made.from_string(template).render(title=title, **values))
    return made.from_string(FRAME).render(title=title, style=Markup(STYLE), body=body)


def page(notebook: str) -> str:
    """The page of a notebook."""
    hand = written.page(notebook)
    place = NOTEBOOKS.index(notebook)
    blocks = {
        name: Markup(markdown.to_html(hand.sections[section]))
        for name, section in {
            "purpose": "Purpose",
            "draw": "Draw",
            "sticks": "When it sticks",
            "say": "Say",
            "skip": "Skip when late",
            "close": "Close",
        }.items()
    }
    return framed(
        gathered.title(notebook),
        PAGE,
        before=numbered(NOTEBOOKS[place - 1]) if place else "",
        after=numbered(NOTEBOOKS[place + 1]) if place + 1 < len(NOTEBOOKS) else "",
        question=Markup(markdown.line(gathered.question(notebook))),
        needs=gathered.needs(notebook),
        parts=gathered.parts(notebook),
        votes=[vote(own) for own in hand.votes],
        others=[
            {"name": name, "text": asked_text(name), "reply": reply}
            for name, reply in gathered.others(notebook, {own.question for own in hand.votes})
        ],
        exercises=[exercise(name) for name in gathered.exercises(notebook)],
        **blocks,
    )


def vote(own: written.Vote) -> dict:
    """A question to stop at, as the page shows it."""
    options = [
        vars(option) | {"moves": own.moves.get(option.letter, "")}
        for option in gathered.options(own.question)
    ]
    text = asked_text(own.question)
    return {"name": own.question, "why": own.why, "text": text, "options": options}


def asked_text(name: str) -> Markup:
    """What a question asks, each choice on a line of its own."""
    return Markup(markdown.to_html(gathered.asked_text(name).replace("\n", "  \n")))


def minutes(value: float) -> str:
    """Minutes as one says them."""
    return f"{value:.0f}" if value >= 0.5 else "under 1"


def exercise(name: str) -> dict:
    """An exercise with its mistakes, as the page shows it."""
    return {"name": name, "hint": EXERCISES[name].hints[0], "mistakes": gathered.mistakes(name)}


def index() -> str:
    """The page that leads to all others."""
    notebooks = [
        {
            "file": numbered(name),
            "title": gathered.title(name),
            "question": Markup(markdown.line(gathered.question(name))),
            "needs": gathered.needs(name),
        }
        for name in NOTEBOOKS
    ]
    tracks = [vars(track) | {"steps": steps(track)} for track in written.tracks()]
    return framed("Batch Norm: the teacher's guide", INDEX, notebooks=notebooks, tracks=tracks)


def steps(track: written.Track) -> list[dict]:
    """The steps of a track with the time at which each begins."""
    start, found = 0, []
    for step in track.steps:
        start = 0 if step.new_day else start
        file = numbered(step.notebook) if step.notebook else ""
        found.append(vars(step) | {"file": file, "start": f"{start // 60}:{start % 60:02d}"})
        start += step.minutes
    return found
