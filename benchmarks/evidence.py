"""Measure what the cards claim: error against the reference and witnesses, finite numbers, compile, cost.

python benchmarks/evidence.py             every loss of the catalogue
python benchmarks/evidence.py focal ssim  these anew, the others as they were measured before

Writes benchmarks/evidence.md, and src/piste/report/cards/evidence.json, which the cards read.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses import LossSpec, catalogue
from piste.losses.contract import PROMISES, Setting, probes, settings
from piste.losses.contract.forms import bound, value
from piste.report.cards.evidence import FILE, Book, Evidence, book, words_of_error
from piste.report.cards.overview import by_family

ROOT = Path(__file__).parents[1]
ROUNDS, WARM_UP, TURN = 9, 2, 0.02
DTYPES = (torch.float32, torch.bfloat16, torch.float16)
SIZES = (30.0, 100.0, 1e4)
IMAGES = (2, 19, 256, 256)
NUMBERS = (4, 3, 256, 256)


def main() -> None:
    """Measure, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="LOSS", help="only these")
    names = parser.parse_args().names
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    witnesses = witnessed()
    kept = dict(book().losses) if names else {}
    for name, spec in catalogue().items():
        if not names or name in names:
            began = time.perf_counter()
            kept[name] = measured(spec, witnesses.get(name, {}))
            print(f"{name:<28}{kept[name].cost:6.2f}   {time.perf_counter() - began:5.1f} s", flush=True)
    losses = {spec.name: kept[spec.name] for of in by_family(catalogue().values()).values() for spec in of}
    found = Book(losses, made())
    FILE.write_text(json.dumps(asdict(found), indent=1) + "\n", "utf-8")
    Path(__file__).with_suffix(".md").write_text(table(found), "utf-8")


def measured(spec: LossSpec, witnesses: dict[str, float]) -> Evidence:
    """All evidence of one loss."""
    own = list(own_settings(spec))
    cost, against = cost_of(own[0])
    return Evidence(reference_error(own), witnesses, finite(own), compiles(own[0]), cost, against)


def own_settings(spec: LossSpec) -> Iterator[Setting]:
    """The loss as it comes and its variants, with each activation; the bases' keywords are left to the tests."""
    own = [{"activation": None, **variant} for variant in ({}, *spec.variants)]
    for setting in settings(spec):
        if {"activation": None, **setting.keywords} in own or {**setting.keywords, "activation": None} in own:
            yield setting


def reference_error(own: list[Setting]) -> float | None:
    """The largest error of the mean, as a share of the value; None where no reference applies."""
    compared = PROMISES["value_is_that_of_the_reference"]
    errors = []
    for setting in filter(compared.applies, own):
        for kind in setting.kinds:
            for drawn in (each for example in setting.examples(kind) for each in example.calls()):
                try:
                    expected = setting.plain(drawn).double()
                except ValueError:  # the logarithm of a probability that is 0
                    continue
                got = value(setting.build(), drawn).double()
                scale = max(float(expected.abs().max()), 1e-12)
                errors.append(float((got - expected).abs().max()) / scale)
    return max(errors) if errors and compared.check.__name__ not in own[0].spec.waivers else None


def finite(own: list[Setting]) -> dict[str, dict[str, bool]]:
    """Whether value and gradient are finite, by dtype and by the size of what goes in."""
    plain = [setting for setting in own if setting.is_default]
    return {
        str(dtype).removeprefix("torch."): {
            f"{size:g}": all(is_finite(setting, dtype, size) for setting in plain) for size in SIZES
        }
        for dtype in DTYPES
    }


def is_finite(setting: Setting, dtype: torch.dtype, size: float) -> bool:
    """Whether they are, on every extreme input of a size."""
    loss = setting.build()
    for kind in setting.kinds:
        for _, drawn in setting.extremes(kind, (size,)):
            extreme = drawn.to(dtype)
            try:
                probes.stays_finite(bound(loss, extreme), extreme.prediction)
            except AssertionError:
                return False
    return True


def compiles(setting: Setting) -> bool:
    """Whether it is traced whole and gives the same compiled."""
    drawn = setting.example(setting.kinds[0]).to(torch.float32)
    try:
        probes.compiles(bound(setting.build(), drawn), drawn.prediction)
    except AssertionError:
        return False
    return True


def cost_of(setting: Setting) -> tuple[float, str]:
    """Time of forward and backward in float32 on one thread, as a multiple of something that everyone knows."""
    drawn, loss = torch.Generator().manual_seed(0), setting.build()
    images = f"{IMAGES[0]} images of {IMAGES[2]} x {IMAGES[3]} with {IMAGES[1]} classes"
    if setting.elementwise and setting.activation is not None:
        logits, index = torch.randn(IMAGES, generator=drawn), torch.randint(IMAGES[1], (2, 256, 256), generator=drawn)
        if setting.activation == "softmax":
            known = ratio(lambda x: loss(x, index), lambda x: F.cross_entropy(x, index), logits)
            return known, f"torch's cross-entropy, {images}"
        labels = F.one_hot(index, IMAGES[1]).movedim(-1, 1)
        shares = labels.float()
        known = ratio(lambda x: loss(x, labels), lambda x: F.binary_cross_entropy_with_logits(x, shares), logits)
        return known, f"torch's binary cross-entropy, {images}"
    if setting.elementwise:
        prediction, aim = (torch.randn(NUMBERS, generator=drawn) for _ in range(2))
        known = ratio(lambda x: loss(x, aim), lambda x: F.mse_loss(x, aim), prediction)
        return known, f"torch's mse_loss, {NUMBERS[0]} images of {NUMBERS[2]} x {NUMBERS[3]}"
    large = setting.form.example(setting, setting.kinds[0], "large").to(torch.float32)
    known = ratio(bound(loss, large), lambda x: x.square().mean(), large.prediction)
    return known, f"the mean square of the same {large.prediction.numel()} numbers"


def ratio(ours: Callable[[Tensor], Tensor], known: Callable[[Tensor], Tensor], prediction: Tensor) -> float:
    """Medians of the processor's time for both, taken in turns of TURN seconds or one call."""
    once = {function: seconds(function, prediction, 1) for _ in range(WARM_UP) for function in (ours, known)}
    calls = {function: max(1, round(TURN / took)) for function, took in once.items()}
    times: dict[Callable[[Tensor], Tensor], list[float]] = {ours: [], known: []}
    for _ in range(ROUNDS):
        for function, taken in times.items():
            taken.append(seconds(function, prediction, calls[function]))
    return round(statistics.median(times[ours]) / statistics.median(times[known]), 3)


def seconds(function: Callable[[Tensor], Tensor], prediction: Tensor, calls: int) -> float:
    """Processor time of one forward and backward, which other processes do not lengthen."""
    began = time.process_time()
    for _ in range(calls):
        function(prediction.detach().requires_grad_()).backward()
    return (time.process_time() - began) / calls


def witnessed() -> dict[str, dict[str, float]]:
    """Each loss's largest relative difference from each independent implementation, as the tests find it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "witnesses.json"
        command = [sys.executable, "-m", "pytest", "tests/losses/witnesses", f"--witnesses={file}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"the witnesses disagree, so nothing is written:\n{done.stdout[-3000:]}")
        found: dict[str, dict[str, float]] = json.loads(file.read_text("utf-8"))
    return found


def made() -> dict[str, str]:
    """When and with what."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "date": date.today().isoformat(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "processor": f"one thread of {models[0] if models else platform.machine()}",
        "cores": str(os.cpu_count()),
    }


def table(found: Book) -> str:
    """The evidence as Markdown."""
    lines = [
        "# Evidence",
        "",
        f"{found.made['date']}, torch {found.made['torch']}, Python {found.made['python']}, "
        f"{found.made['processor']} ({found.made['cores']} cores).",
        "",
        "- reference: the largest relative error against the formula in plain Python, float64.",
        "- witnesses: the largest relative difference from independent implementations.",
        "- finite: value and gradient in float32, bfloat16 and float16, for inputs up to 10 000.",
        "- cost: processor time of forward and backward in float32, as a multiple of torch's cross-entropy (classes), "
        "of its binary cross-entropy (labels alone), of its mse_loss (numbers), or of the mean square of the same "
        f"numbers (the others); medians of {ROUNDS} interleaved rounds.",
        "",
        "| loss | reference | witnesses | finite | compiles whole | cost |",
        "|---|---|---|---|---|---:|",
    ]
    for name, of in found.losses.items():
        error = "" if of.reference_error is None else words_of_error(of.reference_error)
        peers = ", ".join(f"{peer} {words_of_error(each)}" for peer, each in of.witnesses.items())
        signs = ["yes" if yes else "no" for yes in (of.is_always_finite, of.compiles)]
        lines.append(f"| {name} | {error} | {peers} | {signs[0]} | {signs[1]} | {of.cost:.2f} |")
    return "\n".join([*lines, "", "Run again with `make evidence`.", ""])


if __name__ == "__main__":
    main()
