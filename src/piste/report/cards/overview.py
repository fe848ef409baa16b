"""Many losses at a glance: by family, with what each leans to."""

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from piste.losses import LossSpec

FAMILIES = {
    "labels": "a score per class against a label",
    "regions": "overlap of two areas",
    "boundaries": "where an area ends",
    "boxes": "rectangles",
    "values": "real numbers",
    "sequences": "lines of text",
    "adversarial": "two players",
    "features": "images seen through a filter or a network",
}


def by_family(specs: Iterable[LossSpec]) -> Mapping[str, tuple[LossSpec, ...]]:
    """Losses by family, the families in the order of `FAMILIES` and others behind them."""
    found: dict[str, tuple[LossSpec, ...]] = {family: () for family in FAMILIES}
    for spec in specs:
        found[spec.family] = (*found.get(spec.family, ()), spec)
    return {family: tuple(sorted(of, key=lambda spec: spec.name)) for family, of in found.items() if of}


def overview(specs: Iterable[LossSpec], tasks: Sequence[str] = ()) -> Table:
    """A line for each loss, with a mark under each of these tasks that it suits."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("loss", no_wrap=True)
    for task in tasks:
        table.add_column(task[:3], no_wrap=True, justify="center")
    table.add_column("leans to", no_wrap=True)
    table.add_column("what it is")
    for family, of in by_family(specs).items():
        table.add_row()
        table.add_row(Text(family, "bold cyan"), *[""] * len(tasks), "", Text(FAMILIES.get(family, ""), "dim"))
        for spec in of:
            marks = [Text("\N{BLACK CIRCLE}" if task in spec.tasks else "\N{MIDDLE DOT}") for task in tasks]
            leaning = spec.leaning()
            table.add_row(spec.name, *marks, Text("\N{EN DASH}" if leaning == "neither" else leaning), spec.summary)
    return table


def tasks_of(specs: Iterable[LossSpec]) -> list[str]:
    """Every task that one of these losses suits, that of most losses first."""
    suited = [task for spec in specs for task in spec.tasks]
    return sorted(set(suited), key=lambda task: (-suited.count(task), task))
