"""What only a GPU can show: whether a step waits for it, and whether it can be captured in a CUDA graph."""

from collections.abc import Callable

import torch
from torch import Tensor

from .agree import outcome
from .row import Entrant, Inputs

Slopes = tuple[Tensor, ...]


def waits(entrant: Entrant, inputs: Inputs) -> str:
    """What makes the processor wait for the GPU in forward or backward; empty if nothing does."""
    step = _step(entrant, inputs)
    step()  # what is made once, such as a library's handle, may wait
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    except Exception as error:
        return str(error).splitlines()[0]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return ""


def escapes(entrant: Entrant, inputs: Inputs) -> str:
    """Why forward and backward can't be captured in a CUDA graph, or replayed on other numbers; empty if they can."""
    static = Inputs(tuple(leaf.clone() for leaf in inputs.leaves), inputs.aim)
    step = _step(entrant, static)
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):  # as torch asks for before a capture
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(beside)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            value, slopes = step()
    except Exception as error:
        torch.cuda.synchronize()
        return str(error).splitlines()[0]
    for leaf in static.leaves:
        if leaf.is_floating_point():
            leaf.mul_(0.5)
    graph.replay()
    torch.cuda.synchronize()
    expected, wanted = outcome(entrant, static)
    for got, want in zip((value, *slopes), (expected, *wanted), strict=True):
        if not float((got.double() - want).norm()) <= 1e-4 * float(want.norm()):
            return "replayed on other numbers it gives something else"
    return ""


def _step(entrant: Entrant, inputs: Inputs) -> Callable[[], tuple[Tensor, Slopes]]:
    """A function of no arguments that does forward and backward of the same leaves each time."""
    leaves, aim = inputs.fresh(), entrant.convert(*inputs.aim)

    def step() -> tuple[Tensor, Slopes]:
        value = entrant.call(*leaves, *aim)
        slopes = torch.autograd.grad(value, leaves) if value.requires_grad else ()
        return value.detach(), slopes

    return step
