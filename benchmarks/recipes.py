"""Train every built-in recipe as a user would, and write down what it reached, how long it took and what memory.

python benchmarks/recipes.py              every built-in recipe
python benchmarks/recipes.py lakes lines  these anew, the others as they were measured before

Writes benchmarks/recipes.md and benchmarks/recipes.json. Each recipe runs in a process of its own; the time is that of
the whole command, the memory the most that the process had at once.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import torch

from piste.training.recipe import builtin_recipes

FILE = Path(__file__).with_suffix(".json")


def main() -> None:
    """Run, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="RECIPE", help="only these")
    parser.add_argument("--runs", type=Path, help="keep the runs in this folder, to look at their reports")
    given = parser.parse_args()
    known = json.loads(FILE.read_text("utf-8"))["recipes"] if given.names and FILE.exists() else {}
    with tempfile.TemporaryDirectory() as temporary:
        runs = given.runs or Path(temporary)
        for name in given.names or builtin_recipes():
            known[name] = trained(name, runs)
            print(f"{name:<14}{known[name]}", flush=True)
    found = {"made": made(), "recipes": {name: known[name] for name in builtin_recipes() if name in known}}
    FILE.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    FILE.with_suffix(".md").write_text(table(found), "utf-8")


def trained(name: str, runs: Path) -> dict[str, Any]:
    """What one recipe came to."""
    command = [sys.executable, "-m", "piste", "run", name, "--name", name, "--runs", str(runs)]
    began = time.perf_counter()
    runs.mkdir(parents=True, exist_ok=True)
    with (runs / f"{name}.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise RuntimeError(f"{name} failed; see its log in {runs}")
    summary = json.loads((runs / name / "summary.json").read_text("utf-8"))
    metric = summary["key_metrics"][0]
    fact = summary["metrics"][metric.partition("/")[0]]
    scores = {split: summary[split]["default"] for split in ("val", "test") if summary.get(split)}
    return {
        "task": summary["task"],
        "metric": fact["label"],
        "percent": fact["share"] and fact["percent"],
        **{split: values[metric] for split, values in scores.items()},
        "story": summary["story"].get("test") or summary["story"]["val"],
        "epochs": summary["epochs"],
        "parameters": summary["parameters"],
        "minutes": seconds / 60,
        "megabytes": usage.ru_maxrss / 1024,
    }


def made() -> str:
    """Where and with what."""
    cores, threads = os.cpu_count(), torch.get_num_threads()
    return f"{date.today()}, {cores} cores ({platform.machine()}), {threads} threads, torch {torch.__version__}"


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        "# The built-in recipes",
        "",
        f"Measured with `python benchmarks/recipes.py`: {found['made']}. Time is that of the whole command, from its"
        " first import to the report; memory the most that the process had at once.",
        "",
        "| recipe | task | metric | validation | test | epochs | parameters | minutes | memory |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, each in found["recipes"].items():
        scores = [shown(each.get(split), percent=each["percent"]) for split in ("val", "test")]
        lines.append(
            f"| `{name}` | {each['task']} | {each['metric']} | {scores[0]} | {scores[1]} | {each['epochs']} |"
            f" {each['parameters'] / 1e6:.2f} M | {each['minutes']:.1f} | {each['megabytes'] / 1024:.1f} GiB |"
        )
    return "\n".join(lines) + "\n"


def shown(value: float | None, *, percent: bool) -> str:
    """A score as a reader wants it."""
    if value is None:
        return "\N{EN DASH}"
    return f"{100 * value:.1f} %" if percent else f"{value:#.3g}"


if __name__ == "__main__":
    main()
