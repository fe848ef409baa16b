"""Many losses at a glance: by family, with what each leans to."""

from collections.abc import Iterable, Mapping

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


def overview(specs: Iterable[LossSpec], *, with_tasks: bool = False) -> Table:
    """A line for each loss; with the first letters of each task that it suits, if wanted."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("loss", no_wrap=True)
    if with_tasks:
        table.add_column("suits", no_wrap=True)
    table.add_column("leans to", no_wrap=True)
    table.add_column("what it is")
    for family, of in by_family(specs).items():
        table.add_row()
        table.add_row(Text(family, "bold cyan"), *[""] * (1 + with_tasks), Text(FAMILIES.get(family, ""), "dim"))
        for spec in of:
            suits = [" ".join(sorted(task[:3] for task in spec.tasks))] if with_tasks else []
            leaning = spec.leaning()
            table.add_row(spec.name, *suits, Text("\N{EN DASH}" if leaning == "neither" else leaning), spec.summary)
    return table


def tasks_of(specs: Iterable[LossSpec]) -> list[str]:
    """Every task that one of these losses suits, that of most losses first."""
    suited = [task for spec in specs for task in spec.tasks]
    return sorted(set(suited), key=lambda task: (-suited.count(task), task))
