"""The peak of what a function allocates beyond what there was."""

import os
from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # or the profiler writes a line at every start and stop


def peak(function: Callable[[], object], device: str) -> int:
    """Bytes in use at the worst moment of a call, less those in use before it.

    On the CPU all that goes through torch's allocator is counted, in the order in which it came and went; what NumPy
    and SciPy allocate is not seen.
    """
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        kept = function()
        torch.cuda.synchronize()
        most = torch.cuda.max_memory_allocated() - before
        del kept
        return most
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True) as seen:
        kept = function()
    del kept
    events = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    most = now = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most
