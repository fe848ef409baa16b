"""The base of losses over lines of text: a price for -ln p(target) of each line."""

from abc import abstractmethod
from math import inf
from typing import Literal, TypedDict, get_args

from torch import Tensor

from piste.losses.arguments import class_id, one_of, switch
from piste.losses.base import Loss, Reduction, reduce
from piste.losses.elements import fit_elements, widen
from piste.losses.sequences.alignment import cost_of_alignment

Impossible = Literal["infinite", "zero"]


class LineKeywords(TypedDict, total=False):
    """The keywords that every loss over lines takes; see `LineLoss`."""

    blank: int
    impossible: Impossible
    per_character: bool
    reduction: Reduction


class LineLoss(Loss):
    """A loss over lines whose characters stand nowhere in particular.

    Called as `loss(logits, target, logit_lengths, target_lengths, *, sample_weight=None)`: logits [N, T, C], raw scores
    at T steps; target [N, L], integer class ids without blanks; lengths [N], integers, at most T and L; sample_weight
    [N] or [1], >= 0. What lies beyond a line's length may be anything, and has exactly no gradient. The lengths are
    read on the CPU: left there, they make nothing wait for a GPU. A second derivative is refused.

    Args:
        blank: Class that stands for no character, >= 0. 0 in torch and in TensorFlow 2, the last class in Keras.
        impossible: Cost of a line that no path reads: with fewer steps than its characters need (one each, and one for
            the blank between two that are alike), or with a blank or no class at all among its characters. "infinite"
            is what the definition says, and stops a run that looks at its loss, with the batch that is to blame;
            "zero" goes on without the line, which still counts in the mean, and nobody learns of it. Neither has a
            gradient.
        per_character: Whether a line's cost is divided by its number of characters, as in torch's own mean, so that
            long lines weigh no more than short ones.
        reduction: "mean" is sum(sample_weight * cost) / sum(sample_weight) over the lines, 0 if nothing counts;
            "sum"; "none" for one weighted cost a line.
    """

    def __init__(
        self,
        *,
        blank: int = 0,
        impossible: Impossible = "infinite",
        per_character: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        if class_id("blank", blank) is None or blank < 0:
            raise ValueError(f"`blank` must be a class id >= 0; got {blank!r}. The last of C classes is C - 1.")
        self.blank = blank
        self.impossible = one_of("impossible", impossible, get_args(Impossible))
        self.per_character = switch("per_character", per_character)
        self.reduction = one_of("reduction", reduction, get_args(Reduction))

    @abstractmethod
    def price(self, cost: Tensor) -> Tensor:
        """Price each line by its -ln p(target), which is finite."""

    def forward(
        self,
        logits: Tensor,
        target: Tensor,
        logit_lengths: Tensor,
        target_lengths: Tensor,
        *,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Cost of the logits; see the class."""
        self._fit(logits, target, {"logit_lengths": logit_lengths, "target_lengths": target_lengths})
        fit_elements(logits.shape[:1], None, sample_weight)
        cost = cost_of_alignment(widen(logits), target, logit_lengths, target_lengths, self.blank)
        impossible = cost.isinf()
        cost = self.price(cost.masked_fill(impossible, 0.0))
        if self.per_character:
            cost = cost / target_lengths.to(cost).clamp(min=1)
        if sample_weight is not None:
            impossible = impossible & (sample_weight != 0)
        cost = cost.masked_fill(impossible, inf if self.impossible == "infinite" else 0.0)
        return reduce(cost, sample_weight, self.reduction)

    def _fit(self, logits: Tensor, target: Tensor, lengths: dict[str, Tensor]) -> None:
        """Refuse what does not fit together, by shape and dtype alone."""
        if logits.dim() != 3 or not logits.is_floating_point():
            raise ValueError(f"`logits` must be floating, [N, T, C]; got {logits.dtype} {list(logits.shape)}.")
        if self.blank >= logits.shape[2]:
            raise ValueError(f"`blank` must be one of the {logits.shape[2]} classes of the logits; got {self.blank}.")
        if target.dim() != 2 or len(target) != len(logits):
            raise ValueError(
                f"`target` must be [N, L] beside logits [N, T, C]; got {list(target.shape)} and {list(logits.shape)}. "
                "Pad lines to one length, which `target_lengths` makes good."
            )
        for name, given in lengths.items():
            if given.shape != logits.shape[:1]:
                raise ValueError(f"`{name}` must be [N] = {list(logits.shape[:1])}; got {list(given.shape)}.")
        for name, given in {"target": target, **lengths}.items():
            if given.is_floating_point() or given.is_complex() or given.element_size() < 4:
                raise ValueError(f"`{name}` must be int64 or int32; got {given.dtype}. Use {name}.long().")
