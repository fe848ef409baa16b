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


def overview(specs: Iterable[LossSpec]) -> Table:
    """A line for each loss."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("loss", no_wrap=True)
    table.add_column("leans to", no_wrap=True)
    table.add_column("what it is")
    for family, of in by_family(specs).items():
        table.add_row()
        table.add_row(Text(family, "bold cyan"), "", Text(FAMILIES.get(family, ""), "dim"))
        for spec in of:
            leaning = spec.leaning()
            table.add_row(spec.name, Text("\N{EN DASH}" if leaning == "neither" else leaning), spec.summary)
    return table
