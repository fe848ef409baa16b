"""A card for the terminal: what a loss is, when to choose it, what its knobs buy, and why to trust it."""

import re
from collections.abc import Iterator
from itertools import zip_longest

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from piste.losses import LossSpec
from piste.report.cards.curves import Panel, Plot, plots
from piste.report.cards.evidence import Evidence, book, evidence_of, words_of_error
from piste.report.cards.facts import (
    Facts,
    Keyword,
    facts,
    recipe_of,
    words_of_range,
    words_of_search,
    words_of_stand_ins,
    words_of_targets,
)
from piste.report.cards.promises import by_theme, in_words, kept_by
from piste.report.cards.sketch import DASH, colour_of, compact, is_dashed, sketch

GAP = 2
HALF = 38
"""Width of a panel: two of them, a gap and an indent make 80."""


class Card:
    """Everything that is known of a loss, to be printed by rich.

    Args:
        spec: The loss.
    """

    def __init__(self, spec: LossSpec) -> None:
        self.spec = spec
        self.facts = facts(spec)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the sections from top to bottom."""
        wide = options.max_width >= 2 * HALF + 2 * GAP
        yield from _head(self.facts)
        yield from _knobs(self.facts, wide)
        yield from _trust(self.facts)
        yield from _use(self.facts)


def _head(about: Facts) -> Iterator[RenderableType]:
    spec = about.spec
    title = Table.grid(expand=True)
    title.add_column()
    title.add_column(justify="right")
    title.add_row(Text(spec.name, "bold"), Text(f"piste.losses.{spec.cls.__name__}", "dim"))
    yield title
    yield Text(spec.summary)
    yield Padding(Text(about.formula, "cyan"), (1, 0, 1, GAP))
    for paragraph in (*about.prose, *about.remarks):
        if paragraph[0] == " ":
            for row in paragraph.splitlines():
                yield Padding(Text(re.sub(r"  +", "  ", row.strip())), (0, 0, 0, 2 * GAP))
            yield Text()
        else:
            yield Padding(Text(paragraph), (0, 0, 1, 0))
    table = _grid()
    table.add_row("suits", ", ".join(spec.tasks))
    table.add_row("leans to", _leaning(spec))
    if spec.targets:
        table.add_row("target", words_of_targets(spec))
    table.add_row("range", words_of_range(spec))
    table.add_row("source", spec.source)
    yield table


def _leaning(spec: LossSpec) -> str:
    leaning = spec.leaning()
    return "neither precision nor recall" if leaning == "neither" else leaning


def _knobs(about: Facts, wide: bool) -> Iterator[RenderableType]:
    drawn = {plot.knob: plot for plot in plots(about.spec)}
    stand_ins = words_of_stand_ins(about.spec)
    if stand_ins:
        yield Padding(Text(stand_ins, "dim"), (1, 0, 0, 0))
    if None in drawn:
        yield from _section("What it costs to be wrong")
        yield from _panels(drawn[None], wide)
    if about.own:
        yield from _section("What its knobs buy")
    for keyword in about.own:
        yield _keyword(keyword)
        yield Padding(Text(keyword.meaning), (0, 0, 1, GAP))
        if keyword.name in drawn:
            yield from _panels(drawn[keyword.name], wide)
    if about.shared:
        also = ", ".join(f"{keyword.name}={keyword.default}" for keyword in about.shared)
        yield Text(f"{'Also takes' if about.own else 'Takes'} {also}.", "dim")


def _keyword(keyword: Keyword) -> Text:
    line = Text.assemble((keyword.name, "bold"), f" = {keyword.default}")
    if keyword.search is not None:
        line.append(f"   worth searching: {words_of_search(keyword.search)}", "dim")
    return line


def _panels(plot: Plot, wide: bool) -> Iterator[RenderableType]:
    shown = plot.panels[:2]
    grid = Table.grid(padding=(0, GAP, 0, 0))
    if wide:
        grid.add_row(*(_panel(panel) for panel in shown))
    else:
        for panel in shown:
            grid.add_row(_panel(panel))
    yield Padding(grid, (0, 0, 1, GAP))


def _panel(panel: Panel) -> RenderableType:
    """Title, sketch and, as its legend, the numbers at a few places."""
    whole = Table.grid()
    title = Text(panel.axes.title, "bold", no_wrap=True, overflow="ellipsis")
    whole.add_row(title)
    whole.add_row(sketch(panel, HALF))
    numbers = Table.grid(padding=0)
    numbers.add_column(width=8, no_wrap=True)
    for _ in panel.axes.ticks:
        numbers.add_column(width=(HALF - 8) // len(panel.axes.ticks), justify="right", no_wrap=True)
    numbers.add_row("", *(Text(f"{tick:g}", "dim") for tick in panel.axes.ticks))
    for line in panel.lines:
        named = line.label if line.label != line.trace.role else ""
        name = Text.assemble((DASH[is_dashed(panel, line)], colour_of(panel, line)), " ", named)
        name.stylize("bold" if line.default else "")
        numbers.add_row(name, *(compact(line.trace.at(tick)) for tick in panel.axes.ticks))
    whole.add_row(numbers)
    if panel.roles:
        signs = zip_longest((DASH[False], DASH[True]), panel.roles[:2], fillvalue="")
        whole.add_row(Text("   ".join(f"{sign} {role}" for sign, role in signs), "dim"))
    return whole


def _trust(about: Facts) -> Iterator[RenderableType]:
    spec = about.spec
    yield from _section("Why to trust it")
    table = _grid()
    for case in spec.cases:
        table.add_row("by hand", f"{case.expected:.6g}: {case.why}")
    kept = kept_by(spec)
    themes = ", ".join(f"{len(names)} about {theme}" for theme, names in by_theme(kept).items())
    table.add_row("contract", f"{len(kept)} promises kept: {themes}")
    for name, reason in spec.waivers.items():
        table.add_row("waived", f"{in_words(name)}: {reason}")
    found = evidence_of(spec.name)
    if found is None:
        table.add_row("measured", "not measured yet")
    else:
        for name, words in _measured(found):
            table.add_row(name, words)
    yield table


def _measured(found: Evidence) -> Iterator[tuple[str, str]]:
    if found.reference_error is not None:
        error = words_of_error(found.reference_error)
        yield "reference", f"largest relative error against the paper's formula in plain Python: {error}"
    if found.witnesses:
        peers = ", ".join(f"{peer} {words_of_error(error)}" for peer, error in found.witnesses.items())
        yield "witnesses", f"largest relative difference: {peers}"
    sizes = ", ".join(next(iter(found.finite.values())))
    if found.is_always_finite:
        yield "finite", f"value and gradient in {', '.join(found.finite)}, for inputs of {sizes}"
    else:
        for dtype, of in found.finite.items():
            broken = [size for size, finite in of.items() if not finite]
            yield dtype, f"not finite for inputs of {', '.join(broken)}" if broken else f"finite for inputs of {sizes}"
    yield "compiles", "whole, by torch.compile(fullgraph=True)" if found.compiles else "not whole"
    yield "costs", f"{found.cost:.3g} times {found.against}; forward and backward on {book().made['processor']}"


def _use(about: Facts) -> Iterator[RenderableType]:
    spec = about.spec
    yield from _section("How to use it")
    table = _grid()
    table.add_row("Python", f"from piste.losses import {spec.cls.__name__}")
    recipe = recipe_of(spec)
    if recipe:
        table.add_row("recipe", recipe)
    yield table
    yield Text()
    for line in "\n".join(about.shapes or (f"Called as {about.call}.",)).splitlines():
        item = Table.grid(padding=(0, 1, 0, 0))
        item.add_row(*(("\N{BULLET}", line[2:]) if line.startswith("- ") else (line,)))
        yield item


def _section(title: str) -> Iterator[RenderableType]:
    yield Text()
    yield Text(title, "bold underline")


def _grid() -> Table:
    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    return table
