"""The numbers as Markdown: what was asked and what came, then each family."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import quantiles

from .agree import SLOPE, VALUE
from .row import OURS
from .session import POOL, Entry
from .verdict import Figures

Families = Mapping[str, Sequence[Figures]]


def document(families: Families, notes: Mapping[str, str], made: Mapping[str, str], picture: str) -> str:
    """Everything."""
    parts = [
        "# Time and memory of every loss",
        f"{made['machine']}. Measured {made['date']}. Copying runs at {made['copy']} (bytes read and written).",
        f"![Ours, torch's own and the fastest peer]({picture})",
        explanation(),
        "## What was asked",
        "\n".join(asked(families)),
        *unexplained(families, notes),
    ]
    for family, figures in families.items():
        if figures:
            parts += [f"## {family.capitalize()}", "\n".join(rows(figures)), *noted(figures, notes)]
            parts += ["<details><summary>Everyone</summary>\n", "\n".join(everyone(figures)), "\n</details>"]
    parts.append("Run again with `make bench`, or `python -m benchmarks.losses --only NAME` for the rows of a loss.")
    return "\n\n".join(parts) + "\n"


def explanation() -> str:
    """What the columns mean."""
    return "\n".join(
        [
            f"All entrants of a row take turns in one process, each round on the next of {POOL} draws; two warm up.",
            "Times are milliseconds: medians, with quartiles in brackets. What converts labels into the form that an",
            "entrant wants is not timed. Before it is timed, an entrant's value and gradient are compared with ours:",
            f"the value must be within {VALUE:g} of it and the gradient's norm within {SLOPE:g}, or it is not timed.",
            "",
            "- native: what torch has of that kind, eager, which need not compute the same.",
            "- floor: the bytes that must move, at the rate of copying measured beside it. Logits and labels are read",
            "  by the forward and by the backward pass, and the gradient is written. Below 1 MiB it says nothing.",
            "- peer: the fastest of those that compute the same; below 1 ours is faster.",
            "- peak: memory at the worst moment of forward and backward beyond what there was, in units of what gets a",
            "  gradient; the gradient, 1, is in it. What NumPy and SciPy allocate is not seen.",
            "",
            "**Bold** is what misses its target.",
        ]
    )


def asked(families: Families) -> Iterator[str]:
    """Each target with how many rows meet it, and those that do not."""
    yield "| family | target | met | missed by |"
    yield "|---|---|---:|---|"
    found: dict[tuple[str, str], list[tuple[Figures, float, bool]]] = {}
    for family, figures in families.items():
        for each in figures:
            for claim in each.claims():
                found.setdefault((claim.asked, family), []).append((each, claim.got, claim.met))
    for (target, family), rows_ in found.items():
        missed = [f"{each.row.key} ({got:.2f})" for each, got, met in rows_ if not met]
        met = len(rows_) - len(missed)
        verdict = f"{met} of {len(rows_)}" if missed else f"all {len(rows_)}" if len(rows_) > 1 else "yes"
        yield f"| {family} | {target} | {verdict} | {'; '.join(missed)} |"


def unexplained(families: Families, notes: Mapping[str, str]) -> Iterator[str]:
    """Rows without a number, misses that no note speaks of, and notes on what is not missed."""
    figures = [each for family in families.values() for each in family]
    missed = {each.row.key for each in figures if not all(claim.met for claim in each.claims())}
    silent = [key for key in (each.row.key for each in figures) if key in missed and key not in notes]
    stale = [key for key in notes if key not in missed]
    broken = [each.row.key for each in figures if each.time() is None]
    for title, keys in (
        ("Not measured", broken),
        ("Missed without a note", silent),
        ("Notes on what is not missed", stale),
    ):
        if keys:
            yield f"**{title}:**\n\n" + "\n".join(f"- {key}" for key in keys)


def rows(figures: Sequence[Figures]) -> Iterator[str]:
    """Ours, row by row."""
    on_gpu = figures[0].device != "cpu"
    more = " waits | graph |" if on_gpu else ""
    yield (
        "| loss | on | forward | and backward | of native | of floor | fastest peer | of peer | peak "
        f"| compiled | of native | of peer |{more}"
    )
    yield "|---|---|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|" + ("---|---|" if on_gpu else "")
    for each in figures:
        missed = {claim.asked.split(" ", 3)[-1] for claim in each.claims() if not claim.met}
        ours, fast = each.result.eager[OURS], each.result.compiled.get(OURS, Entry())
        peer, compiled_peer = each.against(), each.against("compiled")
        cells = [
            f"`{each.row.what}`",
            each.row.setting.name,
            spread(ours.forward, short=True),
            spread(ours.both),
            _bold(each.native(), "times native" in missed),
            _bold(each.floor(), False),
            peer[0] if peer else "",
            _bold(peer and peer[1], _behind("", missed)),
            _bold(each.peak(), "times the bytes of the logits" in missed),
            spread(fast.both, short=True),
            _bold(each.native("compiled"), "times native, compiled" in missed),
            _bold(compiled_peer and compiled_peer[1], _behind(", both compiled", missed)),
        ]
        if on_gpu:
            cells += ["**yes**" if each.result.waits else "no", "**no**" if each.result.escapes else "yes"]
        yield f"| {' | '.join(cells)} |"


def everyone(figures: Sequence[Figures]) -> Iterator[str]:
    """Every entrant of every row."""
    yield "| loss | on | who | forward | and backward | of ours | peak | compiled | remark |"
    yield "|---|---|---|---:|---:|---:|---:|---:|---|"
    for each in figures:
        mine = each.time()
        differs = {name: entrant.differs for name, entrant in each.row.entrants.items()}
        for name, entry in each.result.eager.items():
            time, fast = each.time(name), each.result.compiled.get(name, Entry())
            remarks = [differs.get(name) and f"differs: {differs[name]}", entry.problem, fast.problem]
            if entry.apart is not None and entry.apart > SLOPE:
                remarks.append(f"loses digits: its gradient is {entry.apart:.1%} away")
            ratio = "" if time is None or mine is None else f"{time / mine:.2f}"
            peak = each.peak(name)
            cells = [f"`{each.row.what}`", each.row.setting.name, name, spread(entry.forward, short=True)]
            cells += [
                spread(entry.both),
                ratio,
                _bold(peak, False),
                spread(fast.both, short=True),
                "; ".join(filter(None, remarks)),
            ]
            yield f"| {' | '.join(cells)} |"


def noted(figures: Sequence[Figures], notes: Mapping[str, str]) -> Iterator[str]:
    """What stands in the way, where it is known."""
    lines = [f"- {each.row.key}: {' '.join(notes[each.row.key].split())}" for each in figures if each.row.key in notes]
    if lines:
        yield "\n".join(lines)


def spread(values: Sequence[float], *, short: bool = False) -> str:
    """Median, with quartiles."""
    if not values:
        return ""
    low, middle, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    low, middle, high = (f"{ms:.0f}" if ms >= 100 else f"{ms:.3g}" for ms in (low, middle, high))
    return middle if short else f"{middle} ({low} to {high})"


def _behind(how: str, missed: set[str]) -> bool:
    return bool({f"times the fastest peer{how}", f"times the formula in torch{how}"} & missed)


def _bold(value: float | None, missed: bool) -> str:
    if value is None:
        return ""
    return f"**{value:.2f}**" if missed else f"{value:.2f}"
