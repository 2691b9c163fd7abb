"""The report for the teacher: one HTML page that needs nothing else. All of it is escaped."""

from jinja2 import Environment

from helpers.cards import GREEN, GREY, VERMILION
from helpers.classroom.grading.judge import Result
from helpers.classroom.grading.platforms import total
from helpers.classroom.grading.points import Points
from helpers.contents import numbered
from helpers.exercises.engine import EXERCISES

SIGNS = {"pass": ("✓", GREEN), "fail": ("✗", VERMILION), "todo": ("○", GREY)}

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Grades</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid #8888; padding: 0.25rem 0.5rem; text-align: left; }
th { vertical-align: bottom; }
thead th.exercise { writing-mode: vertical-rl; transform: rotate(180deg); font-weight: normal; }
td.number { text-align: right; }
tbody th { position: sticky; left: 0; background: Canvas; white-space: nowrap; }
pre { white-space: pre-wrap; margin: 0.25rem 0 0.75rem; }
.sign { font-weight: bold; padding: 0 0.3rem; border-radius: 3px; color: white; }
details { margin: 0.5rem 0; }
@media print { .wide { overflow: visible; } details { break-inside: avoid; } }
</style>
</head>
<body>
<h1>Grades</h1>
<p>{{ rows|length }} learners, {{ columns|length }} exercises, {{ "%g"|format(most) }} points.
{{ how }}</p>
<p>{% for name, (sign, colour) in signs.items() -%}
<span class="sign" style="background: {{ colour }}">{{ sign }}</span> {{ words[name] }}
{{- ", " if not loop.last }}
{%- endfor %}; a number is how many points an answer got that does not pass all its checks.</p>
<div class="wide"><table>
<thead><tr><th>learner</th><th>points</th>
{%- for name in columns %}<th class="exercise">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>
{%- for row in rows %}
<tr><th scope="row"><a href="#{{ row.anchor }}">{{ row.name }}</a></th>
<td class="number">{{ "%g"|format(row.points) }}</td>
{%- for cell in row.cells %}
<td title="{{ cell.name }}">{% if cell.sign -%}
<span class="sign" style="background: {{ cell.colour }}">{{ cell.sign }}</span>
{%- if cell.points and cell.sign == "✗" %} {{ "%g"|format(cell.points) }}{% endif %}
{%- if cell.looks %} <a href="#looks" aria-label="deserves a look">●</a>{% endif %}{% endif %}</td>
{%- endfor %}</tr>
{%- endfor %}
</tbody></table></div>

<h2 id="looks">What deserves a look (●)</h2>
<p>An answer that is the same as another is no proof of anything: <code>solution()</code> shows one
to whoever asks, and people work together. Code that reaches for more than its arguments may only
have been curious.</p>
{% if looks -%}
<table><thead><tr><th>learner</th><th>exercise</th><th>why</th></tr></thead><tbody>
{%- for name, exercise, why in looks %}
<tr><td>{{ name }}</td><td>{{ exercise }}</td><td>{{ why }}</td></tr>
{%- endfor %}
</tbody></table>
{%- else %}<p>Nothing.</p>{% endif %}

<h2>Learner by learner</h2>
{%- for row in rows %}
<details id="{{ row.anchor }}"><summary><strong>{{ row.name }}</strong>
{{- " (" ~ row.identifier ~ ")" if row.identifier }}:
{{ "%g"|format(row.points) }} of {{ "%g"|format(most) }}</summary>
{%- for why in row.left_out %}<p>Left out: {{ why }}</p>{% endfor %}
{%- for cell in row.cells if cell.message %}
<p>{{ cell.name }} ({{ cell.notebook }})</p><pre>{{ cell.message }}</pre>
{%- endfor %}
</details>
{%- endfor %}
</body>
</html>
"""
WORDS = {"pass": "passes", "fail": "does not pass", "todo": "not attempted"}


def page(results: list[Result], points: Points, how: str) -> str:
    """The report. how: a sentence on how the code was run."""
    columns = points.columns(results)
    rows = [row(number, result, columns, points) for number, result in enumerate(results)]
    looks = [
        (result.name, exercise, why)
        for result in results
        for exercise, answer in result.answers.items()
        for why in answer.looks
    ]
    return (
        Environment(autoescape=True)
        .from_string(PAGE)
        .render(
            rows=rows,
            columns=columns,
            most=total(map(points.of, columns)),
            how=how,
            looks=looks,
            signs=SIGNS,
            words=WORDS,
        )
    )


def row(number: int, result: Result, columns: list[str], points: Points) -> dict:
    """One learner, as the page shows them."""
    cells = [cell(name, result, points) for name in columns]
    return {
        "anchor": f"learner-{number}",
        "name": result.name,
        "identifier": result.identifier,
        "points": total(cell["points"] for cell in cells),
        "cells": cells,
        "left_out": result.left_out,
    }


def cell(name: str, result: Result, points: Points) -> dict:
    """One answer, as the page shows it."""
    answer = result.answers.get(name)
    sign, colour = SIGNS[answer.status] if answer else ("", "")
    return {
        "name": name,
        "notebook": numbered(EXERCISES[name].notebook),
        "sign": sign,
        "colour": colour,
        "points": points.earned(name, answer),
        "message": answer.message if answer and answer.status == "fail" else "",
        "looks": answer.looks if answer else [],
    }
