"""What the alignment of lines promises: every path counts, and nothing beyond the lengths does."""

from math import inf, log

import pytest
import torch

from piste.losses import CTC


def lines(n: int = 3, t: int = 6, c: int = 4, seed: int = 1) -> torch.Tensor:
    return torch.randn(n, t, c, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def recursion(probs: list[list[float]], target: list[int], blank: int) -> float:
    """Graves's forward variables: the probability of all paths, beginning by beginning."""
    states = [blank]
    for character in target:
        states += [character, blank]
    begun = [1.0] + [0.0] * len(states)  # before the first step, one place ahead of the states
    alpha = [0.0] * len(states)
    for t, step in enumerate(probs):
        now = []
        for s, character in enumerate(states):
            if t == 0:
                come = begun[0] if s < 2 else 0.0
            else:
                come = alpha[s] + (alpha[s - 1] if s > 0 else 0.0)
                if s > 1 and character not in (blank, states[s - 2]):
                    come += alpha[s - 2]
            now.append(come * step[character])
        alpha = now
    return sum(alpha[-2:])


@pytest.mark.parametrize("blank", [0, 4])
def test_long_lines_agree_with_the_paper_s_recursion(blank) -> None:
    logits = 2 * lines(2, 40, 5)
    target = torch.tensor([[1, 1, 2, 3, 3, 3, 1, 2], [2, 1, 2, 1, 3, 0, 0, 0]])
    lengths, characters = torch.tensor([40, 33]), torch.tensor([8, 5])
    got = CTC(blank=blank, reduction="none")(logits, target, lengths, characters)
    for i, cost in enumerate(got.tolist()):
        probs = logits[i, : lengths[i]].softmax(-1).tolist()
        assert cost == pytest.approx(-log(recursion(probs, target[i, : characters[i]].tolist(), blank)), rel=1e-12)


def test_slope_is_p_minus_how_probable_a_class_is_given_the_text() -> None:
    """Two steps reading "a": of aa, a- and -a, with p = 1/3 each, the first step has a in two."""
    logits = torch.zeros(1, 2, 2, dtype=torch.float64, requires_grad=True)
    CTC()(logits, torch.tensor([[1]]), torch.tensor([2]), torch.tensor([1])).backward()
    expected = torch.tensor([[1 / 2 - 1 / 3, 1 / 2 - 2 / 3]] * 2, dtype=torch.float64)
    torch.testing.assert_close(logits.grad[0], expected)


def test_what_lies_beyond_the_lengths_may_be_anything() -> None:
    logits, target = lines(2), torch.tensor([[1, 2, -1], [3, 99, 0]])
    lengths, characters = torch.tensor([4, 3]), torch.tensor([2, 1])
    junk = logits.clone()
    junk[0, 4:], junk[1, 3:] = torch.nan, torch.inf
    slopes = []
    for given in (logits, junk):
        leaf = given.clone().requires_grad_()
        cost = CTC()(leaf, target, lengths, characters)
        cost.backward()
        slopes.append((cost.detach(), leaf.grad))
        assert not leaf.grad[0, 4:].any()
        assert not leaf.grad[1, 3:].any()
    torch.testing.assert_close(slopes[1], slopes[0], rtol=0, atol=0)


def test_one_step_a_character_and_one_between_two_alike_is_enough() -> None:
    for target, steps in (([1, 2, 1], 3), ([1, 1, 1], 5), ([1, 1, 2], 4)):
        for given in (steps, steps - 1):
            cost = CTC()(lines(1), torch.tensor([target]), torch.tensor([given]), torch.tensor([3]))
            assert cost.isinf() == (given < steps)


@pytest.mark.parametrize("nonsense", [0, 4, -1, 10**9])
def test_no_path_reads_a_blank_or_what_is_no_class(nonsense) -> None:
    """Handed on to torch's kernel, an id outside of the logits reads memory that is not its own."""
    target = torch.tensor([[1, nonsense, 2], [1, 3, nonsense]])
    logits = lines(2).requires_grad_()
    got = CTC(reduction="none")(logits, target, torch.tensor([6, 6]), torch.tensor([3, 2]))
    got.sum().backward()
    assert got.isinf().tolist() == [True, False]
    assert not logits.grad[0].any()
    assert logits.grad[1].any()
    assert logits.grad.isfinite().all()


def test_an_empty_line_is_all_blanks_and_no_steps_read_nothing() -> None:
    logits, nothing = lines(3), torch.zeros(3, 0, dtype=torch.long)
    got = CTC(reduction="none")(logits, nothing, torch.tensor([6, 1, 0]), torch.tensor([0, 0, 0]))
    blanks = -logits.log_softmax(-1)[..., 0]
    torch.testing.assert_close(got, torch.stack((blanks[0].sum(), blanks[1, 0], blanks[0, 0] * 0)))


def test_no_lines_and_no_steps_have_a_value_and_a_slope() -> None:
    nobody = torch.zeros(0, 5, 3, requires_grad=True)
    none = torch.zeros(0, dtype=torch.long)
    cost = CTC()(nobody, torch.zeros(0, 2, dtype=torch.long), none, none)
    cost.backward()
    assert cost.item() == 0
    stepless = torch.zeros(2, 0, 3, requires_grad=True)
    cost = CTC(reduction="none")(stepless, torch.ones(2, 1).long(), torch.zeros(2).long(), torch.tensor([0, 1]))
    cost[0].backward()
    assert cost.tolist() == [0, inf]


def test_a_second_derivative_is_refused_and_not_wrong() -> None:
    logits = lines(1).requires_grad_()
    cost = CTC()(logits, torch.tensor([[1]]), torch.tensor([6]), torch.tensor([1]))
    for whole in (cost, cost + logits.square().sum(), cost**2):
        (slope,) = torch.autograd.grad(whole, logits, create_graph=True)
        with pytest.raises(RuntimeError, match="no second derivative"):
            torch.autograd.grad(slope.square().sum(), logits)


def test_int32_and_strided_arguments_are_taken() -> None:
    logits = lines(3).transpose(0, 1).contiguous().transpose(0, 1).requires_grad_()
    target = torch.tensor([[1, 2, 3], [2, 3, 1]]).int().mT
    got = CTC()(logits, target, torch.tensor([6, 5, 4]).int(), torch.tensor([2, 2, 1]).int())
    got.backward()
    same = CTC()(lines(3), target.long().contiguous(), torch.tensor([6, 5, 4]), torch.tensor([2, 2, 1]))
    torch.testing.assert_close(got, same)
