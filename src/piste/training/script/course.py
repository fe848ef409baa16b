"""What moves on between steps and between epochs, as lines of a loop: the learning rate, and the phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from piste.training.script.loop import Loop
    from piste.training.script.phases import Minimised


def start(loop: Loop, minimised: Minimised) -> list[str]:
    """Lines that follow the optimizer: the schedule, and where everything begins."""
    lines = [f"    schedule = {loop.schedule}"] if loop.schedule else []
    if _scaled(loop, minimised):
        lines += ['    rate = optimizer.param_groups[0]["lr"]  # but for what it is scaled by']
    lines += ["    step = 0"]
    row, zero = (", row", ", 0") if minimised.waits else ("", "")
    return [*lines, f"    place, since{row} = 0, 0{zero}"] if minimised.table is not None else lines


def scaled_rate(loop: Loop, minimised: Minimised) -> list[str]:
    """The line that sets the rate of the next step, where something scales it."""
    if not _scaled(loop, minimised):
        return []
    factors = ["rate"]
    factors += ["min(1.0, (step + 1) / (WARMUP + 1))"] if loop.warmup else []
    factors += ["phase.lr"] if minimised.scaled else []
    return [f'optimizer.param_groups[0]["lr"] = {" * ".join(factors)}']


def next_rate(loop: Loop, minimised: Minimised) -> list[str]:
    """Lines that move the rate on after a step."""
    if not loop.schedule:
        return []
    if not _scaled(loop, minimised):
        return ["schedule.step()"]
    inner = ['optimizer.param_groups[0]["lr"] = rate', "schedule.step()", 'rate = optimizer.param_groups[0]["lr"]']
    return ["if step > WARMUP:", *(f"    {line}" for line in inner)] if loop.warmup else inner


def next_phase(minimised: Minimised, optimizers: Sequence[str]) -> list[str]:
    """Lines that end an epoch: the next phase begins where it is time, and optimizers may forget."""
    if minimised.table is None:
        return []
    lines, over = ["        since += 1"], "phase.epochs is not None and since >= phase.epochs"
    row, zero = (", row", ", 0") if minimised.waits else ("", "")
    if minimised.waits:
        lines += ["        row = row + 1 if phase.until is not None and phase.until(found) else 0"]
        over = f"({over}) or row >= phase.row"
    lines += [
        f"        if {over}:",
        "            if place + 1 == len(PHASES):",
        "                break",
        f"            place, since{row} = place + 1, 0{zero}",
    ]
    if minimised.resets:
        forget = [f"                {optimizer}.state.clear()" for optimizer in optimizers]
        lines += ["            if PHASES[place].resets:", *forget]
    return lines


def _scaled(loop: Loop, minimised: Minimised) -> bool:
    return minimised.scaled or loop.warmup > 0
