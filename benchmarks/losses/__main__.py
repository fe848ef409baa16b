"""Time and memory of every loss against torch's own and against other people's.

python -m benchmarks.losses                    every row, about ten minutes on two cores
python -m benchmarks.losses --only dice focal  the rows of these anew, the others as they were measured before
python -m benchmarks.losses --quick            small inputs and few rounds, to see that it runs; writes nothing
python -m benchmarks.losses --only dice --dry-run --threads 1   what one wants while changing a loss
python -m benchmarks.losses --redraw           tables and plot anew, from the numbers and the notes that there are
python -m benchmarks.losses --device cuda      on a GPU; waits and CUDA graphs too

Writes benchmarks/losses.md, losses.svg and losses.json, or losses-cuda.* on a GPU. benchmarks/notes.yaml says of rows
that miss a target what stands in the way. With one thread times are the processor's own, which others do not lengthen.
"""

import argparse
import json
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import torch
import yaml
from benchmarks.loop import machine

from .plot import draw
from .rows import FAMILIES
from .session import Result, Session, quiet
from .table import document
from .verdict import Figures

FOLDER = Path(__file__).parents[1]


def main() -> None:
    """Measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="losses, by their names in the catalogue")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, help="all cores without it")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-compile", action="store_true", help="eager only")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--dry-run", action="store_true", help="full inputs, but nothing is written")
    parser.add_argument("--redraw", action="store_true")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    with quiet(), torch.device(options.device):
        families = {family: list(rows(options.quick)) for family, rows in FAMILIES.items()}
    known = {row.name for rows in families.values() for row in rows}
    if unknown := set(options.only) - known:
        parser.error(f"no rows of {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")

    file = FOLDER / f"losses{'' if options.device == 'cpu' else '-cuda'}.json"
    stored = json.loads(file.read_text("utf-8")) if file.exists() and not options.quick else {"rows": {}}
    results = {key: Result.of(of) for key, of in stored["rows"].items()}
    if not options.redraw:
        where = machine(options.device)
        if (
            options.only
            and not (options.quick or options.dry_run)
            and stored.get("made", {}).get("machine", where) != where
        ):
            parser.error(f"the other rows were measured elsewhere, on {stored['made']['machine']}; measure all")
        session = Session(options.device, 2 if options.quick else options.rounds, compiles=not options.no_compile)
        if not options.only:
            results = {}
        for rows in families.values():
            for row in rows:
                if not options.only or row.name in options.only:
                    began = time.perf_counter()
                    results[row.key] = session.measure(row)
                    print(line(Figures(row, results[row.key], options.device), time.perf_counter() - began), flush=True)
        stored["made"] = {"machine": where, "date": date.today().isoformat(), "copy": copy_rate(results)}
    if not (options.quick or options.dry_run):
        figures = {
            family: [Figures(row, results[row.key], options.device) for row in rows if row.key in results]
            for family, rows in families.items()
        }
        write(file, figures, stored["made"])


def write(file: Path, families: dict[str, list[Figures]], made: dict[str, str]) -> None:
    """Numbers, tables and plot."""
    rows: dict[str, Any] = {each.row.key: each.result.stored() for of in families.values() for each in of}
    file.write_text(json.dumps({"made": made, "rows": rows}, indent=1) + "\n", "utf-8")
    notes = yaml.safe_load((FOLDER / "notes.yaml").read_text("utf-8")) or {}
    picture = file.with_suffix(".svg")
    draw(families, picture)
    file.with_suffix(".md").write_text(document(families, notes, made, picture.name), "utf-8")


def copy_rate(results: dict[str, Result]) -> str:
    """Bytes a second of the largest copy."""
    if not results:
        return "?"
    largest = max(results.values(), key=lambda result: result.leaf_bytes)
    return f"{2 * largest.leaf_bytes / median(largest.copy) / 1e6:.1f} GB/s"


def line(figures: Figures, seconds: float) -> str:
    """A row in one line, for those who wait."""
    row, peer = figures.row, figures.against()
    compiled = figures.native("compiled")
    words = [f"{row.name} | {row.setting.name}".ljust(70), f"{figures.time() or float('nan'):9.3f} ms"]
    words.append(f"{figures.native() or float('nan'):6.2f} x native")
    words.append(f"peak {figures.peak() or float('nan'):5.2f}")
    words.append(f"{peer[1]:6.2f} x {peer[0]}" if peer else "")
    words.append("" if compiled is None else f"compiled {compiled:5.2f}")
    missed = [f"{claim.asked}: {claim.got:.2f}" for claim in figures.claims() if not claim.met]
    words.append("MISSED " + "; ".join(missed) if missed else "")
    problems = "".join(f"\n    {problem}" for problem in figures.problems())
    return "  ".join(filter(None, words)) + f"  [{seconds:.1f} s]{problems}"


if __name__ == "__main__":
    sys.exit(main())
