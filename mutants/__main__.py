"""Plants every bug there is an operator for in the losses, one at a time, and counts those that the suite sees.

    python -m mutants [PART_OF_A_FILE_NAME ...] [--sample N] [--survivors] [--jobs N]

Without files all losses are tried, which takes hours on two cores; one loss takes minutes. The suite has to pass first.
What is found goes to `mutants/results.json` and `mutants/report.md`, in the place of what was known of these files. A
survivor needs a reason in `mutants/survivors.yaml`, as that it changes nothing.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mutants import trial
from mutants.plant import Mutant, mutants
from mutants.trial import LOSSES, MOST, ROOT, judge

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PATIENCE = 180
"""Seconds after which a mutant counts as seen: it hangs."""
GOAL = 0.95


def planted(parts: list[str]) -> list[Mutant]:
    """Every mutant of the files whose names have one of the parts in them; of all losses if there is none."""
    files = [path for path in sorted(LOSSES.rglob("*.py")) if "contract" not in path.parts]
    found = []
    for path in files:
        name = str(path.relative_to(LOSSES))
        if name.endswith("__init__.py") or (parts and not any(part in name for part in parts)):
            continue
        found += mutants(name, path.read_text("utf-8"))
    return found


def preload() -> None:
    """Import what every trial needs and that is not ours, once for all of them."""
    for name in (
        "torch",
        "torch._dynamo",
        "pytest",
        "scipy.ndimage",
        "torchvision",
        "kornia",
        "monai",
        "piq",
    ):
        __import__(name)
    import torch

    torch.set_num_threads(1)


def sound(files: list[str], jobs: int) -> bool:
    """Whether the files as they are pass what is tried first: else every bug in them would seem to be seen."""
    unchanged = [Mutant(file, "none", 0, "", "", 0, (LOSSES / file).read_text("utf-8")) for file in files]
    failing = [(mutant, by) for mutant, by in trials(unchanged, jobs, most=MOST) if by]
    for mutant, by in failing:
        print(f"{mutant.file} fails without any bug: {by}")
    return not failing


def trials(chosen: list[Mutant], jobs: int, most: int | None = None) -> Iterator[tuple[Mutant, str | None]]:
    """Each mutant with what saw it, as they come in."""
    waiting = list(reversed(chosen))
    running: dict[int, tuple[Mutant, int, float]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            reading, writing = os.pipe()
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                os.close(reading)
                os.write(writing, (judge(mutant, most=most) or "").encode()[:500])
                os._exit(0)
            os.close(writing)
            running[pid] = (mutant, reading, time.monotonic())
        for pid, (mutant, reading, began) in list(running.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            if not done and time.monotonic() - began < PATIENCE:
                continue
            if not done:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            del running[pid]
            said = os.read(reading, 1000).decode()
            os.close(reading)
            seen = "it hangs" if not done else "it dies" if status else said
            yield mutant, seen or None
        time.sleep(0.05)


def known() -> dict[str, Any]:
    """What earlier runs found, by file."""
    kept: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    return kept


def keep_seen(results: list[tuple[Mutant, str | None]]) -> dict[str, Any]:
    """Count survivors that are seen by now, and give what is known of all."""
    kept = known()
    for mutant in (mutant for mutant, by in results if by):
        of_file = kept[mutant.file]
        of_file["survivors"].remove([mutant.kind, mutant.key])
        of_file["seen"][mutant.kind] = of_file["seen"].get(mutant.kind, 0) + 1
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    return kept


def keep(results: list[tuple[Mutant, str | None]], found: list[Mutant]) -> dict[str, Any]:
    """Put what was found about some files in the place of what was known about them, and give what is known of all."""
    kept = known()
    for file in {mutant.file for mutant, _ in results}:
        of_file = [(mutant, by) for mutant, by in results if mutant.file == file]
        kept[file] = {
            "bugs": sum(mutant.file == file for mutant in found),
            "planted": dict(sorted(Counter(mutant.kind for mutant, _ in of_file).items())),
            "seen": dict(sorted(Counter(mutant.kind for mutant, by in of_file if by).items())),
            "survivors": sorted([mutant.kind, mutant.key] for mutant, by in of_file if not by),
        }
    kept = {file: kept[file] for file in sorted(kept) if (LOSSES / file).exists()}
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    return kept


def write_report(kept: dict[str, Any], reasons: dict[str, str]) -> None:
    """How many of each kind were seen, and who was not and why."""
    kinds, seen = Counter[str](), Counter[str]()
    for found in kept.values():
        kinds.update(found["planted"])
        seen.update(found["seen"])
    lines = ["# Planted bugs", ""]
    lines += ["`make mutants` plants bugs in the losses, one at a time, and runs their part of the suite on each."]
    bugs = sum(found["bugs"] for found in kept.values())
    lines += [f"Of {bugs} that can be planted in {len(kept)} files, {kinds.total()} were.", ""]
    lines += ["| kind of bug | planted | seen |", "|---|---:|---:|"]
    lines += [f"| {kind} | {number} | {seen[kind]} |" for kind, number in sorted(kinds.items())]
    lines += [f"| **all** | **{kinds.total()}** | **{seen.total()} ({seen.total() / kinds.total():.1%})** |", ""]
    lines += ["## Survivors", ""]
    for found in kept.values():
        for kind, key in found["survivors"]:
            file, _, change = key.partition(": ")
            before, _, after = change.partition(" -> ")
            lines.append(f"- `{file}`, {kind}: `{before}` became `{after}`: {reasons.get(key, 'no reason yet')}")
    (HERE / "report.md").write_text("\n".join(lines) + "\n", "utf-8")


def main() -> int:
    """Plant, judge, report."""
    parser = argparse.ArgumentParser(prog="python -m mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", help="parts of file names, such as regions/ or focal; all losses without")
    parser.add_argument("--sample", type=int, help="try this many only, drawn evenly")
    parser.add_argument("--survivors", action="store_true", help="try only those that survived, on every loss")
    parser.add_argument("--dry", action="store_true", help="keep nothing of what is found")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at a time (default: one a core)")
    given = parser.parse_args()
    found = planted(given.files)
    if given.survivors:
        trial.MOST = 99  # few enough to be judged by all
        survived = {key for of_file in known().values() for _, key in of_file["survivors"]}
        found = [mutant for mutant in found if mutant.key in survived]
    chosen = found if given.sample is None else random.Random(0).sample(found, min(given.sample, len(found)))
    print(f"{len(found)} bugs to plant, {len(chosen)} of them now", flush=True)
    preload()
    if not sound(sorted({mutant.file for mutant in chosen}), given.jobs):
        return 1
    file = HERE / "survivors.yaml"
    reasons = yaml.safe_load(file.read_text("utf-8")) or {}
    results, began = [], time.monotonic()
    for mutant, by in trials(chosen, given.jobs):
        results.append((mutant, by))
        if not by:
            word = "known" if mutant.key in reasons else "NEW"
            print(f"survived ({word}): line {mutant.line}, {mutant.kind}: {mutant.key}", flush=True)
        if len(results) % 50 == 0:
            print(f"{len(results)} of {len(chosen)}, {time.monotonic() - began:.0f} s", flush=True)
    seen = sum(by is not None for _, by in results)
    print(f"{seen} of {len(results)} seen ({seen / max(len(results), 1):.1%})")
    if not given.dry:
        write_report(keep_seen(results) if given.survivors else keep(results, found), reasons)
    unexplained = [mutant for mutant, by in results if not by and mutant.key not in reasons]
    too_few = not given.survivors and seen < GOAL * len(results)
    return int(too_few or bool(unexplained))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    raise SystemExit(main())
