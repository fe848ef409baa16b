"""A card as a page of the docs, and the page that lists them all: Markdown, with drawings as HTML in it."""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from piste.losses import LossSpec
from piste.losses.contract import PROMISES
from piste.report.cards.curves import plots
from piste.report.cards.drawing import drawn
from piste.report.cards.evidence import Evidence, book, evidence_of, words_of_error
from piste.report.cards.facts import (
    facts,
    recipe_of,
    words_of_range,
    words_of_search,
    words_of_stand_ins,
    words_of_targets,
)
from piste.report.cards.overview import FAMILIES, by_family
from piste.report.cards.promises import by_theme, in_words, kept_by, meaning_of

Lines = Iterator[str]
API = """\
::: piste.losses.{name}
    options:
      heading_level: 3
      show_docstring_description: false
"""


def loss_page(spec: LossSpec) -> str:
    """The page of one loss."""
    return "\n".join([*_what(spec), *_knobs(spec), *_usage(spec), *_trust(spec)]) + "\n"


def overview_page(specs: Iterable[LossSpec]) -> str:
    """Every loss, with what it suits; filtered by family and by task where the page's script runs."""
    specs = list(specs)
    tasks = sorted({task for spec in specs for task in spec.tasks})
    lines = [
        "# Losses",
        "",
        f"{len(specs)} losses under [one contract](../contract.md), each held against its paper. In the terminal, "
        "`piste losses --task segmentation` lists what suits and `piste losses focal` prints a card.",
        "",
        '<div class="filters" hidden>',
        _filter("family", [family for family in by_family(specs)]),
        _filter("task", tasks),
        "</div>",
        "",
        '<table class="losses"><thead><tr><th>loss</th><th>suits</th><th>leans to</th><th>range</th><th>cost</th></tr>'
        "</thead>",
    ]
    for family, of in by_family(specs).items():
        words = escape(FAMILIES.get(family, ""))
        lines.append(f'<tbody data-family="{family}"><tr><th colspan="5">{family} <small>{words}</small></th></tr>')
        lines += [_row(spec) for spec in of]
        lines.append("</tbody>")
    return "\n".join([*lines, "</table>", "", _cost_note(), ""])


def contract_page() -> str:
    """Every promise, in words."""
    lines = [
        "# The contract",
        "",
        f"{len(PROMISES)} promises. A loss is held to each that concerns it, in every setting that its file and its "
        "base name, each time the tests run. What a loss cannot keep it waives with a reason that its page shows, "
        "and a waiver of what it does keep fails.",
        "",
        "`piste check my_loss.py:my_loss` holds a loss of yours to those that need no reference: see "
        "[custom losses](custom.md).",
    ]
    for theme, names in by_theme().items():
        lines += ["", f"## {theme[:1].upper()}{theme[1:]}", ""]
        for name in names:
            lines += [f"{text(in_words(name).capitalize())}", f":   {text(meaning_of(name))}", ""]
    return "\n".join(lines) + "\n"


def bases_page(specs: Iterable[LossSpec]) -> str:
    """What losses of a family share: shapes, masks, weights and the keywords of their bases."""
    bases = {base: None for spec in specs if (base := spec.cls.__mro__[1]).__module__ != "piste.losses.base"}
    directives = [f"::: {base.__module__}.{base.__qualname__}\n" for base in bases]
    return "\n".join(["# What losses share", "", *directives])


def text(prose: str) -> str:
    """Prose of a docstring as Markdown: code stays code, and nothing else is read as markup.

    >>> text("`p_t` and a*b*c, i < 2")
    '`p_t` and a&#42;b&#42;c, i &lt; 2'
    """
    parts = re.split(r"(`[^`]*`)", prose)
    return "".join(part if part.startswith("`") else _plain(part) for part in parts)


def _plain(prose: str) -> str:
    return re.sub(r"[\\*_\[\]|]", lambda sign: f"&#{ord(sign[0])};", escape(prose, quote=False))


def _what(spec: LossSpec) -> Lines:
    about = facts(spec)
    yield from (f"# {spec.cls.__name__}", "", text(spec.summary), "")
    yield from (f'<p class="formula">{escape(about.formula)}</p>', "")
    for paragraph in (*about.prose, *about.remarks):
        yield from (paragraph if paragraph[0] == " " else text(paragraph), "")
    rows = {
        "suits": ", ".join(spec.tasks),
        "leans to": "neither precision nor recall" if spec.leaning() == "neither" else spec.leaning(),
        "target": words_of_targets(spec),
        "range": words_of_range(spec),
        "source": spec.source,
    }
    facts_of = "".join(f"<dt>{name}</dt><dd>{escape(words)}</dd>" for name, words in rows.items() if words)
    yield from (f'<dl class="facts">{facts_of}</dl>', "")


def _knobs(spec: LossSpec) -> Lines:
    about = facts(spec)
    found = {plot.knob: plot for plot in plots(spec)}
    if None in found:
        yield from ("## What it costs to be wrong", "", drawn(found[None], spec.name), "")
    stand_ins = words_of_stand_ins(spec)
    if stand_ins:
        yield from (stand_ins, "")
    if not found:
        yield from ("## What it costs to be wrong", "", "No picture of one number against another shows this.", "")
    if about.own:
        yield from ("## What its knobs buy", "")
    for keyword in about.own:
        yield from (f"### `{keyword.name} = {keyword.default}`", "", text(keyword.meaning), "")
        if keyword.search is not None:
            yield from (f"Worth searching: {words_of_search(keyword.search)}.", "")
        if keyword.name in found:
            yield from (drawn(found[keyword.name], f"{spec.name}-{keyword.name}"), "")


def _usage(spec: LossSpec) -> Lines:
    about = facts(spec)
    imported = f"from piste.losses import {spec.cls.__name__}"
    yield from ("## How to use it", "", "```python", imported, "```", "")
    for paragraph in about.shapes or (f"Called as `{about.call}`.",):
        yield from (text(paragraph), "")
    recipe = recipe_of(spec)
    if recipe:
        yield from ("In a recipe:", "", "```yaml", recipe, "```", "")
    yield API.format(name=spec.cls.__name__)
    if about.shared:
        yield from ("Keywords that it shares with others:", "")
        yield from _table([(f"`{each.name} = {each.default}`", each.meaning) for each in about.shared])


def _trust(spec: LossSpec) -> Lines:
    yield from ("## Why to trust it", "", "### Worked by hand", "")
    yield from _table([(f"{case.expected:.6g}", case.why) for case in spec.cases], ("value", "why"))
    yield from ("### Measured", "")
    found = evidence_of(spec.name)
    yield from ("Not measured yet.", "") if found is None else _measured(found)
    yield from ("### Promised", "")
    kept = kept_by(spec)
    yield from (f"{len(kept)} promises of [the contract](../contract.md) concern this loss and are kept:", "")
    for theme, names in by_theme(kept).items():
        items = "".join(f"<li>{escape(in_words(name))}</li>" for name in names)
        yield f"<details><summary>{len(names)} about {escape(theme)}</summary><ul>{items}</ul></details>"
    yield ""
    if spec.waivers:
        yield from ("Waived:", "")
        yield from _table([(in_words(name), reason) for name, reason in spec.waivers.items()], ("promise", "reason"))
    yield from ("### The formula in plain Python", "", "What the tests compare it with, number by number:", "")
    yield from ("```python", inspect.getsource(spec.reference).rstrip(), "```", "")


def _measured(found: Evidence) -> Lines:
    made = book().made
    rows = []
    if found.reference_error is not None:
        error = words_of_error(found.reference_error)
        rows.append(("largest relative error against its formula in plain Python, float64", error))
    rows += [
        (f"largest relative difference from {peer}", words_of_error(error)) for peer, error in found.witnesses.items()
    ]
    rows.append(("`torch.compile(fullgraph=True)`", "takes it whole" if found.compiles else "does not take it whole"))
    rows.append(("time of forward and backward", f"{found.cost:.3g} times {found.against}"))
    yield from _table([(name, value) for name, value in rows], ("what", "found"))
    sizes = list(dict.fromkeys(size for of in found.finite.values() for size in of))
    marks = {True: "finite", False: "**not finite**"}
    yield from ("Value and gradient, by the size of the scores:", "", "| |" + "|".join(sizes) + "|")
    yield "|---" * (len(sizes) + 1) + "|"
    for dtype, of in found.finite.items():
        yield f"|{dtype}|" + "|".join(marks[of[size]] if size in of else "" for size in sizes) + "|"
    yield from ("", f"Measured {made['date']} with torch {made['torch']} on {made['processor']}.", "")


def _table(rows: Iterable[Sequence[str]], head: Sequence[str] = ("", "")) -> Lines:
    yield "| " + " | ".join(head) + " |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield "|" + "|".join(cell if cell.startswith("`") else text(cell) for cell in row) + "|"
    yield ""


def _row(spec: LossSpec) -> str:
    found = evidence_of(spec.name)
    leaning = spec.leaning()
    cells = (
        f'<a href="{spec.name}.html">{spec.cls.__name__}</a><br>{escape(spec.summary)}',
        " ".join(f"<span>{task}</span>" for task in spec.tasks),
        "\N{EN DASH}" if leaning == "neither" else leaning,
        words_of_range(spec),
        "" if found is None else f"{found.cost:.2g}",
    )
    return f'<tr data-tasks="{" ".join(spec.tasks)}">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _filter(what: str, choices: Sequence[str]) -> str:
    options = "".join(f"<option>{choice}</option>" for choice in choices)
    return f'<label>{what} <select data-filter="{what}"><option value="">all</option>{options}</select></label>'


def _cost_note() -> str:
    made = book().made
    if not made:
        return ""
    return (
        "Cost is the time of forward and backward as a multiple of torch's own cross-entropy, or of what the loss's "
        f"page says. Measured {made['date']} with torch {made['torch']} on {made['processor']}."
    )
