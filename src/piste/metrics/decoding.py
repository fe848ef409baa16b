"""From scores at each step of a line to its characters: the CTC paths behind a text, and how the best is sought.

A path reads what is left of it once repeats are merged and then blanks dropped: "aa-ab" reads "aab".
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.metrics.edits import PAD


def greedy(logits: Tensor, lengths: Tensor, *, blank: int = 0) -> Tensor:
    """What the most probable path reads, which need not be the most probable text.

    Args:
        logits: raw scores [N, T, C].
        lengths: how many steps of each line count, [N].
        blank: the class that stands for no character.

    Returns:
        int64 [N, T], the classes of the characters, each row filled up with `PAD`.

    Example:
        >>> path = torch.tensor([[1, 1, 0, 1, 2]])
        >>> greedy(F.one_hot(path, 3).float(), torch.tensor([5]))
        tensor([[ 1,  1,  2, -1, -1]])
    """
    best = logits.argmax(-1)
    steps = best.shape[1]
    before = F.pad(best, (1, 0), value=blank)[:, :-1]
    place = torch.arange(steps, device=best.device)
    kept = (best != blank) & (best != before) & (place < lengths.to(best.device).unsqueeze(1))
    read = best.new_full((len(best), steps + 1), PAD)
    read.scatter_(1, torch.where(kept, kept.cumsum(1) - 1, steps), best)
    read[:, steps] = PAD  # where all that is dropped went
    return read[:, :steps]


@torch.no_grad()
def beam_search(logits: Tensor, lengths: Tensor, *, width: int, blank: int = 0) -> tuple[Tensor, Tensor]:
    """The most probable text among those that a prefix beam search keeps, all lines at once.

    Each beginning of a text is one candidate, whichever paths read it: their probabilities are added up, those that
    end in a blank apart from the others, since only behind a blank may a character come twice. With a width that
    no step's candidates exceed the result is the most probable text of all.

    Args:
        logits: raw scores [N, T, C].
        lengths: how many steps of each line count, [N].
        width: how many beginnings are kept at each step, >= 1.
        blank: the class that stands for no character.

    Returns:
        int64 [N, T], the classes of the characters, each row filled up with `PAD`; and ln p of each text, [N], over
        the paths that were kept.
    """
    log_probs = logits.float().log_softmax(-1)
    lines, steps, classes = log_probs.shape
    device = log_probs.device
    text = torch.full((lines, width, steps), PAD, device=device)
    size = torch.zeros(lines, width, dtype=torch.int64, device=device)
    closed = torch.full((lines, width), -torch.inf, device=device)  # ln p of the paths that end in a blank
    opened = closed.clone()  # ... and of those that end in the last character
    closed[:, 0] = 0.0
    row = torch.arange(lines, device=device).unsqueeze(1)
    lengths = lengths.to(device)
    for step in range(steps):
        here = log_probs[:, step]
        either = torch.logaddexp(closed, opened)
        last = text.gather(2, (size - 1).clamp(min=0).unsqueeze(2)).squeeze(2)
        spelled = last.clamp(min=0)  # the empty beginning has no last character, and no path that ends in one
        stays_closed = either + here[:, blank].unsqueeze(1)
        stays_opened = opened + here.gather(1, spelled)
        grown = either.unsqueeze(2) + here.unsqueeze(1)  # [N, width, C]
        twice = (closed + here.gather(1, spelled)).unsqueeze(2)  # a character again needs the blank before it
        again = F.one_hot(spelled, classes).bool() & (size > 0).unsqueeze(2)
        grown = torch.where(again, twice, grown)
        grown[:, :, blank] = -torch.inf

        # a beginning that grows into another one of the beam is that one: its paths are added there
        shorter = text.scatter(2, (size - 1).clamp(min=0).unsqueeze(2), PAD)
        parent = (text.unsqueeze(2) == shorter.unsqueeze(1)).all(3)  # [N, k, j]: j is k and one character more
        parent &= (size.unsqueeze(2) + 1 == size.unsqueeze(1)) & ~either.isneginf().unsqueeze(1)
        joining = grown.gather(2, spelled.unsqueeze(1).expand(-1, width, -1)).masked_fill(~parent, -torch.inf)
        stays_opened = torch.logaddexp(stays_opened, joining.logsumexp(1))
        merged = torch.zeros_like(grown, dtype=torch.int64)
        merged.scatter_add_(2, spelled.unsqueeze(1).expand(-1, width, -1), parent.long())
        grown = grown.masked_fill(merged > 0, -torch.inf)

        every = torch.cat([torch.logaddexp(stays_closed, stays_opened), grown.flatten(1)], 1)
        chosen = every.topk(width, dim=1).indices
        stays = chosen < width
        origin = torch.where(stays, chosen, (chosen - width) // classes)
        char = (chosen - width) % classes
        next_text = text[row, origin]
        written = next_text.scatter(2, size[row, origin].clamp(max=steps - 1).unsqueeze(2), char.unsqueeze(2))
        next_text = torch.where(stays.unsqueeze(2), next_text, written)
        counts = (step < lengths).unsqueeze(1)
        text = torch.where(counts.unsqueeze(2), next_text, text)
        fresh = torch.where(stays, stays_opened[row, origin], grown.flatten(1).gather(1, (chosen - width).clamp(min=0)))
        opened = torch.where(counts, fresh, opened)
        closed = torch.where(counts, stays_closed[row, origin].masked_fill(~stays, -torch.inf), closed)
        size = torch.where(counts, size[row, origin] + (~stays).long(), size)
    total, best = torch.logaddexp(closed, opened).max(1)
    return text[row.squeeze(1), best], total
