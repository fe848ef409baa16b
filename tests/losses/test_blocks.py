"""What blocks promise: the plain formula's values and gradients, whatever the size, the layout and the order."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses import CrossEntropy, Focal, Quadratic, Varifocal, blocks
from piste.losses.blocks import in_blocks, reduce_in_blocks


def surprise(x: Tensor, index: Tensor) -> Tensor:
    """Cost [N, *S] of logits [N, C, *S]."""
    return F.cross_entropy(x, index, reduction="none")


def gap(x: Tensor, y: Tensor) -> Tensor:
    """Cost of the shape of `x`."""
    return (x - y).square() * x.sigmoid()


def sample(shape=(2, 3, 7, 5)) -> tuple[Tensor, Tensor]:
    dice = torch.Generator().manual_seed(3)
    logits = torch.randn(shape, generator=dice, dtype=torch.float64)
    return logits, torch.randint(shape[1], (shape[0], *shape[2:]), generator=dice)


def gradient(loss, x: Tensor, *others: Tensor) -> tuple[Tensor, Tensor]:
    leaf = x.detach().requires_grad_()
    value = loss(leaf, *others)
    (found,) = torch.autograd.grad(value, leaf, torch.ones_like(value))
    return value.detach(), found


@pytest.fixture(params=[1, 11, 2**10])
def _block(request, monkeypatch) -> None:
    """Blocks of less than a position, of some, and of more than all."""
    monkeypatch.setattr(blocks, "_CACHED", request.param)


@pytest.mark.usefixtures("_block")
@pytest.mark.parametrize("shape", [(2, 3, 7, 5), (1, 3, 37), (13, 3), (1, 3), (5, 2, 1, 1)])
def test_blocks_give_the_values_and_slopes_of_the_plain_formula(shape) -> None:
    x, index = sample(shape)
    torch.testing.assert_close(gradient(lambda x, i: in_blocks(surprise, x, i), x, index), gradient(surprise, x, index))
    y = x.flip(0)
    torch.testing.assert_close(gradient(lambda x, y: in_blocks(gap, x, y), x, y), gradient(gap, x, y))


@pytest.mark.usefixtures("_block")
@pytest.mark.parametrize("shape", [(), (17,), (0,), (0, 3, 2), (2, 3, 0)])
def test_numbers_of_any_axes_go_through_blocks(shape) -> None:
    x = torch.linspace(-1, 1, max(1, torch.Size(shape).numel()), dtype=torch.float64)[: torch.Size(shape).numel()]
    x = x.view(shape)
    torch.testing.assert_close(gradient(lambda x, y: in_blocks(gap, x, y), x, x * x), gradient(gap, x, x * x))


@pytest.mark.usefixtures("_block")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("counts", [(2, 7, 5), (1, 7, 1), (2, 1, 1)])
def test_what_elements_count_may_have_axes_of_size_1(reduction, counts) -> None:
    x, index = sample()
    count = torch.arange(torch.Size(counts).numel(), dtype=torch.float64).view(counts)

    def plain(x: Tensor) -> Tensor:
        cost = surprise(x, index) * count
        return {"none": cost, "sum": cost.sum(), "mean": cost.sum() / count.expand(2, 7, 5).sum()}[reduction]

    def ours(x: Tensor) -> Tensor:
        return reduce_in_blocks(surprise, x, index, count=count, reduction=reduction, shape=index.shape)

    torch.testing.assert_close(gradient(ours, x), gradient(plain, x))


@pytest.mark.usefixtures("_block")
@pytest.mark.parametrize(
    "layout",
    [
        lambda x: x.contiguous(memory_format=torch.channels_last),
        lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
        lambda x: torch.stack((x, x), -1)[..., 0],
        lambda x: x[:1, :, :, :1].expand(2, 3, 7, 5),
    ],
    ids=["channels last", "transposed", "every other number", "expanded"],
)
def test_the_layout_in_memory_changes_nothing(layout) -> None:
    x, index = sample()
    x = layout(x)
    torch.testing.assert_close(gradient(CrossEntropy(), x, index), gradient(F.cross_entropy, x.contiguous(), index))


def test_the_gradient_has_the_layout_of_the_logits() -> None:
    x, index = sample()
    _, slope = gradient(CrossEntropy(), x.contiguous(memory_format=torch.channels_last), index)
    assert slope.is_contiguous(memory_format=torch.channels_last)


def test_a_second_backward_pass_gives_the_same_again() -> None:
    x, index = sample()
    x.requires_grad_()
    value = 3 * Focal()(x, index)
    first, second = (torch.autograd.grad(value, x, retain_graph=True)[0] for _ in range(2))
    torch.testing.assert_close(first, second)
    (doubled,) = torch.autograd.grad(value, x, torch.tensor(2.0, dtype=torch.float64))
    torch.testing.assert_close(doubled, 2 * first)


def test_a_gradient_can_be_differentiated_before_and_after_a_backward_pass() -> None:
    x, _ = sample()
    few = x[:1, :1, :2, :2].clone().requires_grad_()
    aim = few.detach().square()
    torch.autograd.gradgradcheck(lambda x: in_blocks(gap, x, aim).sum(), few)
    x.requires_grad_()
    value = in_blocks(gap, x, torch.zeros_like(x)).sum()
    value.backward(retain_graph=True)
    (slope,) = torch.autograd.grad(value, x, create_graph=True)
    torch.testing.assert_close(slope, x.grad)
    plain = gap(x, torch.zeros_like(x)).sum()
    (expected,) = torch.autograd.grad(plain, x, create_graph=True)
    torch.testing.assert_close(torch.autograd.grad(slope.sum(), x), torch.autograd.grad(expected.sum(), x))


def test_a_target_or_a_weight_that_wants_a_gradient_gets_it() -> None:
    x, _ = sample()
    shares = x.flip(0).softmax(1).requires_grad_()
    CrossEntropy()(x, shares).backward()
    torch.testing.assert_close(shares.grad, -F.log_softmax(x, 1) / 70)
    weight = torch.ones(2, 7, 5, dtype=torch.float64, requires_grad=True)
    index = x.argmin(1)
    (Focal(reduction="sum")(x, index, sample_weight=weight)).backward()
    torch.testing.assert_close(weight.grad, Focal(reduction="none")(x, index))


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # of torch.func.jvp itself
def test_the_transforms_of_torch_func_go_through() -> None:
    x, index = sample()
    loss = Focal()
    _, expected = gradient(loss, x, index)
    torch.testing.assert_close(torch.func.grad(loss)(x, index), expected)
    each = torch.func.vmap(torch.func.grad(loss))(x.unsqueeze(1), index.unsqueeze(1))
    torch.testing.assert_close(each.squeeze(1), 2 * expected)
    _, along = torch.func.jvp(lambda x: loss(x, index), (x,), (expected,))
    torch.testing.assert_close(along, expected.square().sum())


def test_without_a_gradient_values_are_the_same() -> None:
    x, index = sample()
    labels = x > 0
    for loss, target in ((Focal(), index), (Quadratic(), index), (Varifocal(), labels)):
        torch.testing.assert_close(loss(x, target), loss(x.clone().requires_grad_(), target).detach())


def test_a_block_holds_no_more_than_the_cache(monkeypatch) -> None:
    monkeypatch.setattr(blocks, "_CACHED", 32)
    seen = []

    def spy(x: Tensor) -> Tensor:
        seen.append(x.shape)
        return x.square()

    in_blocks(spy, torch.zeros(2, 3, 100))
    most = 32 * torch.get_num_threads()
    assert len(seen) > 600 // most
    assert max(shape.numel() for shape in seen) <= most


def test_by_autograd_any_price_of_one_s_own_gets_its_slope() -> None:
    from piste.losses.labels.base import LabelLoss

    class Missing(LabelLoss):
        def phi(self, log_p: Tensor) -> Tensor:
            return 1 - log_p.exp()

    x, index = sample()
    expected = gradient(lambda x: 1 - x.softmax(1).gather(1, index.unsqueeze(1)).mean(), x)
    torch.testing.assert_close(gradient(Missing(), x, index), expected)
