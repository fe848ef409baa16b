"""What a row's numbers say: ratios of medians, and whether they are what was asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Literal

from .row import OURS, Row
from .session import Result

Way = Literal["eager", "compiled"]
GPU_NATIVE, GPU_BANDWIDTH = 1.5, 0.7
"""On a GPU: eager, times native; compiled, the share of the rate at which it copies."""
LEVEL, BESIDE_FORMULA = 1.03, 1.1
"""What counts as no slower than a peer, where two do the same work; and what a loss that refuses nonsense may cost
beside the bare formula that one writes oneself."""
FORMULA = "formula in torch"


@dataclass(frozen=True)
class Claim:
    """Something that was asked, and what came.

    Args:
        asked: In words, the same for all rows of a kind.
        got: The number.
        met: Whether it is as asked.
    """

    asked: str
    got: float
    met: bool


@dataclass(frozen=True)
class Figures:
    """The numbers of a measured row.

    Args:
        row: What was measured.
        result: What came.
        device: Where.
    """

    row: Row
    result: Result
    device: str = "cpu"

    def time(self, name: str = OURS, way: Way = "eager") -> float | None:
        """Median of forward and backward, ms; None where it was not measured."""
        entry = getattr(self.result, way).get(name)
        return median(entry.both) if entry is not None and entry.both else None

    def native(self, way: Way = "eager") -> float | None:
        """Ours in units of the native reference, eager."""
        return _ratio(self.time(way=way), self.time(self.row.native.name))

    def floor(self, way: Way = "eager") -> float | None:
        """Ours in units of moving the bytes that must move, at the rate of copying; None where there are few."""
        copy, result = self.result.copy, self.result
        if not copy or result.leaf_bytes < 2**20:
            return None
        return _ratio(self.time(way=way), median(copy) * result.floor_bytes / (2 * result.leaf_bytes))

    def peak(self, name: str = OURS) -> float | None:
        """Extra memory, in units of what gets a gradient; None where that is a few weights."""
        entry = self.result.eager.get(name)
        if entry is None or entry.peak is None or self.result.leaf_bytes < 10_000:
            return None
        return entry.peak / self.result.leaf_bytes

    def peers(self, way: Way = "eager") -> dict[str, float]:
        """Times of those that compute the same, the fastest first."""
        times = {peer.name: self.time(peer.name, way) for peer in self.row.peers if not peer.differs}
        known = {name: time for name, time in times.items() if time is not None}
        return dict(sorted(known.items(), key=lambda pair: pair[1]))

    def against(self, way: Way = "eager") -> tuple[str, float] | None:
        """The fastest of those that compute the same, and ours in units of it."""
        peers, mine = self.peers(way), self.time(way=way)
        if not peers or mine is None:
            return None
        name = next(iter(peers))
        return name, mine / peers[name]

    def _ahead(self, way: Way) -> Iterator[Claim]:
        """Against the fastest peer, and against the formula that one writes where nobody has the loss."""
        mine, peers = self.time(way=way), self.peers(way)
        formula = peers.pop(FORMULA, None)
        how = ", both compiled" if way == "compiled" else ""
        if peers:
            yield from _at_most(f"times the fastest peer{how}", _ratio(mine, min(peers.values())), LEVEL)
        yield from _at_most(f"times the formula in torch{how}", _ratio(mine, formula), BESIDE_FORMULA)

    def claims(self) -> Iterator[Claim]:
        """Everything that was asked of this row."""
        limits, on_cpu = self.row.limits, self.device == "cpu"
        most = limits.native if on_cpu or limits.native is None else max(limits.native, GPU_NATIVE)
        yield from _at_most("times native", self.native(), most)
        yield from _at_most("times the bytes of the logits", self.peak(), limits.peak)
        if self.row.plain is not None:
            yield from _at_most("times without", _ratio(self.time(), self.time(self.row.plain.name)), limits.extra)
        if limits.faster is not None:
            whose, times = limits.faster
            for name, theirs in self.peers().items():
                if name.startswith(whose):
                    got = theirs / (self.time() or 1e-9)
                    yield Claim(f"at least {times:g} times faster than {whose}", got, got >= times)
        yield from self._ahead("eager")
        if limits.compiled is not None and self.time(way="compiled") is not None:
            yield from _at_most("times native, compiled", self.native("compiled"), limits.compiled)
            yield from self._ahead("compiled")
            if not on_cpu and (floor := self.floor("compiled")) is not None:
                share = 1 / floor
                yield Claim(f"at least {GPU_BANDWIDTH:.0%} of the copy rate, compiled", share, share >= GPU_BANDWIDTH)
        if self.result.waits is not None:
            yield Claim("no wait for the GPU", float(bool(self.result.waits)), not self.result.waits)
        if self.result.escapes is not None:
            yield Claim("captured in a CUDA graph", float(bool(self.result.escapes)), not self.result.escapes)

    def problems(self) -> Iterator[str]:
        """Who was not measured, and why."""
        for way in ("eager", "compiled"):
            for name, entry in getattr(self.result, way).items():
                if entry.problem:
                    yield f"{name}{', compiled,' if way == 'compiled' else ''} {entry.problem}"


def _ratio(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a / b


def _at_most(unit: str, got: float | None, limit: float | None) -> Iterator[Claim]:
    if got is not None and limit is not None:
        yield Claim(f"at most {limit:g} {unit}", got, got <= limit)
