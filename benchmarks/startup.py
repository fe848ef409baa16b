"""Time what starting costs: `import piste` with the library's rooms beside `import torch`, and `piste --help`.

python benchmarks/startup.py    writes benchmarks/startup.md
"""

import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

ROUNDS = 9
IMPORT = (
    "import time; a = time.perf_counter(); import torch; b = time.perf_counter();"
    " import piste.losses, piste.objective, piste.balance; print(b - a, time.perf_counter() - b)"
)


def main() -> None:
    """Each round starts new processes; medians are written."""
    alone, added, helped = [], [], []
    for _ in range(ROUNDS):
        done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
        first, second = map(float, done.stdout.split())
        alone.append(first)
        added.append(second)
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "piste", "--help"], capture_output=True, check=True)
        helped.append(time.perf_counter() - began)
    rows = (
        ("import torch", alone, ""),
        ("losses, objective and balance, after it", added, "0.1"),
        ("piste --help", helped, "1"),
    )
    lines = [
        "# Starting",
        "",
        f"torch {torch.__version__}; Python {platform.python_version()}; medians of {ROUNDS} new processes, seconds.",
        "",
        "| what | median | least | most | target |",
        "|---|---|---|---|---|",
        *(f"| {n} | {statistics.median(v):.3f} | {min(v):.3f} | {max(v):.3f} | {t} |" for n, v, t in rows),
        "",
        "Run again with `python benchmarks/startup.py`.",
    ]
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n", "utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
