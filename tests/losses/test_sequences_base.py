"""What all losses over lines promise: lines that cannot be, blanks, and what a mean is over."""

from math import inf, log

import pytest
import torch

from piste.losses import CTC, check


def lines(n: int = 3, t: int = 6, c: int = 4, seed: int = 1) -> torch.Tensor:
    return torch.randn(n, t, c, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_an_impossible_line_costs_infinity_and_leaves_the_others_slopes_alone() -> None:
    """Two steps cannot read "aa", for which a blank must come between."""
    target, lengths, characters = torch.tensor([[1, 1], [1, 2]]), torch.tensor([2, 6]), torch.tensor([2, 2])
    slopes = {}
    for impossible in ("infinite", "zero"):
        logits = lines(2).requires_grad_()
        cost = CTC(impossible=impossible, reduction="none")(logits, target, lengths, characters)
        cost.sum().backward()
        assert cost[0].item() == (inf if impossible == "infinite" else 0)
        assert cost[1].isfinite()
        assert not logits.grad[0].any()
        slopes[impossible] = logits.grad
    alone = lines(2)[1:].requires_grad_()
    CTC()(alone, target[1:], lengths[1:], characters[1:]).backward()
    for slope in slopes.values():
        torch.testing.assert_close(slope[1:], alone.grad)


def test_a_line_of_weight_0_may_be_impossible() -> None:
    target, lengths, characters = torch.tensor([[1, 1], [1, 2]]), torch.tensor([2, 6]), torch.tensor([2, 2])
    got = CTC()(lines(2), target, lengths, characters, sample_weight=torch.tensor([0.0, 2.0]))
    alone = CTC()(lines(2)[1:], target[1:], lengths[1:], characters[1:])
    torch.testing.assert_close(got, alone)


def test_per_character_makes_long_lines_weigh_no_more_than_short_ones() -> None:
    """p("a") = p("aba") = 1 at the right scores; at even ones a step costs ln 2 whatever is written."""
    logits = torch.zeros(2, 3, 3, dtype=torch.float64)
    target = torch.tensor([[1, 2, 1], [1, 0, 0]])
    call = target, torch.tensor([3, 1]), torch.tensor([3, 1])
    assert CTC(reduction="none")(logits, *call).tolist() == pytest.approx([3 * log(3), log(3)])
    assert CTC(reduction="none", per_character=True)(logits, *call).tolist() == pytest.approx([log(3), log(3)])


def test_blank_must_be_a_class() -> None:
    with pytest.raises(ValueError, match=r"`blank` must be a class id >= 0; got -1\. The last of C classes is C - 1"):
        CTC(blank=-1)
    with pytest.raises(ValueError, match="`blank` must be one of the 4 classes of the logits; got 4"):
        CTC(blank=4)(lines(1), torch.tensor([[1]]), torch.tensor([6]), torch.tensor([1]))


def test_arguments_that_do_not_fit_are_named() -> None:
    call = {
        "target": torch.ones(3, 2).long(),
        "logit_lengths": torch.ones(3).long(),
        "target_lengths": torch.ones(3).long(),
    }
    for name, wrong in {"target": torch.ones(2, 2).long(), "logit_lengths": torch.ones(2).long()}.items():
        with pytest.raises(ValueError, match=f"`{name}` must be"):
            CTC()(lines(), **{**call, name: wrong})
    for name in call:
        with pytest.raises(ValueError, match=rf"`{name}` must be int64 or int32; got torch\.float32"):
            CTC()(lines(), **{**call, name: call[name].float()})


def test_int32_and_int64_are_taken_and_nothing_shorter() -> None:
    call = torch.tensor([[1, 2]]), torch.tensor([6]), torch.tensor([2])
    expected = CTC()(lines(1), *call)
    assert torch.equal(CTC()(lines(1), *(each.int() for each in call)), expected)
    for dtype in (torch.int16, torch.uint8, torch.bool):
        with pytest.raises(ValueError, match="`target` must be int64 or int32"):
            CTC()(lines(1), *(each.to(dtype) for each in call))


@pytest.mark.parametrize("text", [[1, 1], [1, 0], [1, 4]])
def test_check_refuses_lines_that_no_path_reads(text) -> None:
    with pytest.raises(ValueError, match="the loss must be finite; got inf"):
        check(CTC(), lines(1), torch.tensor([text]), logit_lengths=torch.tensor([2]), target_lengths=torch.tensor([2]))
