"""The lower envelope of parabolas, D(i) = min_j f(j) + (i - j)^2 along a line of n pixels, in some n^(3/2) steps.

The j that is best for i never falls as i grows. So a line is cut into chunks of about (n / 2)^(1/2) pixels, a power of
2. The first i of each looks at every j, and the others look only at the chunks between the best one of their own first
i and that of the next chunk's. A path that visits these, from the first chunk's first to the last chunk's last, goes
one chunk on at each step, for i or for j: whatever the line, it is as long, and the same operations do all lines.
"""

from collections.abc import Iterable
from math import inf

import torch
from torch import Tensor
from torch.nn import functional as F


def envelope(heights: Tensor, step: float) -> Tensor:
    """min_j heights[j] + (step (i - j))^2 for each i along the first axis.

    Args:
        heights: Floating and >= 0, infinite where there is none, [n, lines].
        step: Size of a pixel.
    """
    size, lines = heights.shape
    chunk = 1 << (size // 2).bit_length() // 2
    chunks = -(-size // chunk)
    heights = F.pad(heights, (0, 0, 0, chunks * chunk - size), value=inf).view(chunks, chunk, lines)
    # (i - j)^2 for all i - j within a pair of chunks: with i first, those for one j are a slice
    within = step * torch.arange(1 - chunk, chunk, device=heights.device, dtype=heights.dtype)
    order = torch.arange(chunks, device=heights.device).unsqueeze(1)

    apart = (order - order.T).to(heights.dtype) * (chunk * step)
    least = _least((heights[:, j], (apart - j * step).square().unsqueeze(2)) for j in range(chunk))
    # rounding may turn two of equal price around
    best = least.min(1).indices.cummax(0).values

    # the path: visit t is of the chunk `own` of i and the chunk t - own of j
    visits = 2 * chunks - 1
    begin = best + order
    own = torch.zeros(visits, lines, dtype=torch.long, device=heights.device).scatter_(0, begin[1:], 1).cumsum(0)
    other = torch.arange(visits, device=heights.device).unsqueeze(1) - own
    seen = heights.transpose(0, 1).gather(1, other.expand(chunk, -1, -1))
    squares = ((own - other).to(heights.dtype) * (chunk * step) + within.view(-1, 1, 1)).square_()
    least = _least((seen[j], squares[chunk - 1 - j : 2 * chunk - 1 - j]) for j in range(chunk))

    # the least so far within the visits of one chunk of i; 1 / 1 - 1 = 0, and 1 / 0 - 1 is infinite
    reach = 1
    while reach < chunks:
        wall = (own[reach:] == own[:-reach]).to(heights.dtype).reciprocal() - 1
        least[:, reach:].clamp_(max=least[:, :-reach] + wall)
        reach *= 2
    end = torch.cat((begin[1:] - 1, begin.new_full((1, lines), visits - 1)))
    return least.gather(1, end.expand(chunk, -1, -1)).transpose(0, 1).reshape(chunks * chunk, lines)[:size]


def _least(sums: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """The least of a + b over pairs of tensors, by elements."""
    (a, b), *rest = sums
    least = a + b
    price = torch.empty_like(least)
    for a, b in rest:
        least.clamp_(max=torch.add(a, b, out=price))
    return least
