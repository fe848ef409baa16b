"""Losses over lines beside independent implementations."""

import pytest
import torch
from torch import nn

from piste.losses import CTC, FocalCTC

from .conftest import example

LOGITS = 2 * example(5, 23, 7)
TARGET = torch.randint(1, 7, (5, 6), generator=torch.Generator().manual_seed(2))
LENGTHS, CHARACTERS = torch.tensor([23, 20, 17, 14, 11]), torch.tensor([6, 4, 0, 5, 1])


@pytest.mark.parametrize(("reduction", "keywords"), [("none", {}), ("sum", {}), ("mean", {"per_character": True})])
@pytest.mark.parametrize("blank", [0, 6])
def test_ctc_is_torch_s_ctc_loss_of_log_probabilities(witness, reduction, keywords, blank) -> None:
    target = TARGET if blank == 0 else TARGET - 1
    ours, theirs = LOGITS.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    got = CTC(blank=blank, reduction=reduction, **keywords)(ours, target, LENGTHS, CHARACTERS)
    log_probs = theirs.log_softmax(-1).transpose(0, 1)
    expected = nn.CTCLoss(blank=blank, reduction=reduction)(log_probs, target, LENGTHS, CHARACTERS)
    got.sum().backward()
    expected.sum().backward()
    witness("ctc", "torch CTCLoss", got, expected, rtol=1e-12)
    witness("ctc", "gradient of torch CTCLoss", ours.grad, theirs.grad, rtol=1e-10)


def test_focal_ctc_is_made_of_torch_s_ctc_loss(witness) -> None:
    got = FocalCTC(gamma=1.5, alpha=0.4, reduction="none")(LOGITS / 9, TARGET, LENGTHS, CHARACTERS)
    log_probs = (LOGITS / 9).log_softmax(-1).transpose(0, 1)
    ctc = nn.CTCLoss(reduction="none")(log_probs, TARGET, LENGTHS, CHARACTERS)
    witness("focal_ctc", "torch CTCLoss", got, 0.4 * (1 - (-ctc).exp()) ** 1.5 * ctc, rtol=1e-12)


def test_torch_is_wrong_about_logits_and_about_the_slopes_of_impossible_lines() -> None:
    """Raw scores give it less than 0, which no surprise is; and one impossible line makes slopes NaN."""
    call = torch.tensor([[1, 1]]), torch.tensor([3]), torch.tensor([2])
    logits = torch.full((1, 3, 2), 2.0, dtype=torch.float64)
    assert CTC()(logits, *call).item() == pytest.approx(torch.tensor(8.0).log().item())
    assert nn.CTCLoss(reduction="sum")(logits.transpose(0, 1), *call).item() < 0
    for loss, finite in ((CTC(), True), (nn.CTCLoss(), False)):
        leaf = torch.zeros(1, 2, 2, requires_grad=True)
        given = leaf if finite else leaf.log_softmax(-1).transpose(0, 1)
        loss(given, torch.tensor([[1, 1]]), torch.tensor([2]), torch.tensor([2])).backward()
        assert bool(leaf.grad.isfinite().all()) == finite
