"""Losses of lines as scripts have them: the value and the gradient of ours, from code that knows nothing of us."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses import catalogue
from piste.tasks.base import Scripted
from piste.training.script.losses import Losses

GIVEN = ("logits", "target", "logit_lengths", "target_lengths")
CLASSES = 4
TASK = Scripted((), (), (), GIVEN, "1", "softmax", CLASSES, 1, ("cer",))


def batch(*, impossible: bool) -> dict[str, Tensor]:
    """Three lines of which one is read nearly for sure; the last one may be too short for its text."""
    logits = torch.randn(3, 7, CLASSES, generator=torch.Generator().manual_seed(2))
    target = torch.tensor([[1, 1, 2], [3, 0, 0], [2, 2, 1]])
    logits[1, :, 3] += 9
    steps = torch.tensor([7, 5, 3 if impossible else 6])
    return dict(zip(GIVEN, (logits, target, steps, torch.tensor([3, 1, 3])), strict=True))


@pytest.mark.parametrize("impossible", [False, True])
@pytest.mark.parametrize("name", ["ctc", "focal_ctc"])
@pytest.mark.parametrize("keywords", [{}, {"per_character": True, "impossible": "zero"}])
def test_code_of_a_loss_has_its_value_and_gradient(name: str, keywords: dict[str, Any], impossible: bool) -> None:
    given = batch(impossible=impossible)
    for own in [{}] if name == "ctc" else [{}, {"gamma": 2.0, "alpha": 1.0}, {"gamma": 0.0}]:
        loss = catalogue()[name].cls(**keywords, **own)
        losses = Losses(TASK)
        call = losses.call(loss, {})
        names: dict[str, Any] = {"torch": torch, "F": F, "Tensor": Tensor}
        exec("\n\n\n".join(losses.functions.values()), names)
        ours, theirs = (given["logits"].clone().requires_grad_() for _ in range(2))
        ours_value = loss(**given | {"logits": ours})
        value = eval(call, names | given | {"logits": theirs})
        torch.testing.assert_close(value, ours_value, rtol=1e-5, atol=1e-7)
        assert ours_value.isinf() == (impossible and not keywords)
        if ours_value.isfinite():
            ours_value.backward()
            value.backward()
            torch.testing.assert_close(theirs.grad, ours.grad, rtol=1e-4, atol=1e-6)


def test_code_of_ctc_is_torch_s_own_and_a_keyword_that_moves_is_an_argument() -> None:
    losses = Losses(TASK)
    assert losses.call(catalogue()["focal_ctc"].cls(), {"gamma": "linear_ramp(0.0, 2.0, 3, epoch)"}) == (
        "focal_ctc(logits, target, logit_lengths, target_lengths, gamma=linear_ramp(0.0, 2.0, 3, epoch))"
    )
    losses.call(catalogue()["ctc"].cls(), {})
    assert "exp(gamma * " in losses.functions["focal_ctc"]
    assert losses.functions["ctc"].splitlines()[-3:] == [
        "    log_probs = F.log_softmax(logits, 2).transpose(0, 1)",
        '    cost = F.ctc_loss(log_probs, target, logit_lengths, target_lengths, reduction="none")',
        "    return cost.mean()",
    ]


def test_a_sum_over_lines_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="can't hold ctc"):
        Losses(TASK).call(catalogue()["ctc"].cls(reduction="sum"), {})
