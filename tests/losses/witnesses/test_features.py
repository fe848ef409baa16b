"""Image losses beside independent implementations."""

import copy
from types import SimpleNamespace

import lpips
import piq
import pytest
import torch
from kornia.losses import ssim_loss
from kornia.losses import total_variation as kornia_variation
from monai.losses import SSIMLoss
from torch import nn
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
    total_variation,
)
from torchvision.models import get_model

from piste.losses import LPIPS, SSIM, MultiScaleSSIM, Perceptual, Style, TotalVariation

X, Y = (torch.rand(3, 2, 31, 37, generator=torch.Generator().manual_seed(i), dtype=torch.float64) for i in (0, 1))
X = 0.6 * X + 0.4 * Y
COARSE = [torch.rand(2, 2, 192, 192, generator=torch.Generator().manual_seed(i), dtype=torch.float64) for i in (2, 3)]
COARSE[0] = 0.2 * COARSE[0] + 0.8 * COARSE[1]


def slope(function, *images: torch.Tensor) -> torch.Tensor:
    """The gradient at the first of the images."""
    first = images[0].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(first, *images[1:]).sum(), first)
    return gradient


def test_ssim_is_piq_s(witness) -> None:
    witness("ssim", "piq SSIMLoss", SSIM(reduction="none")(X, Y), piq.SSIMLoss(reduction="none")(X, Y))
    witness("ssim", "piq SSIMLoss", slope(SSIM(), X, Y), slope(piq.SSIMLoss(), X, Y))
    ours = SSIM(window=5, sigma=0.7, k1=0.05, k2=0.2, data_range=3.0)
    theirs = piq.SSIMLoss(kernel_size=5, kernel_sigma=0.7, k1=0.05, k2=0.2, data_range=3.0)
    witness("ssim", "piq SSIMLoss", ours(3 * X, 3 * Y), theirs(3 * X, 3 * Y))


def test_ssim_is_torchmetrics_s_inside_the_border(witness) -> None:
    _, scores = structural_similarity_index_measure(X, Y, data_range=1.0, return_full_image=True)
    inside = scores[..., 5:-5, 5:-5]
    witness("ssim", "torchmetrics structural_similarity_index_measure", SSIM()(X, Y), 1 - inside.mean())


def test_torchmetrics_is_wrong_about_the_border() -> None:
    """Its mean is also over windows that hang over the border, filled by reflection; the authors' code leaves them."""
    cornered = X.clone()
    cornered[..., 0, 0] = 0.5
    theirs = [structural_similarity_index_measure(x, X, data_range=1.0).item() for x in (cornered, X)]
    one_window_of_all = (SSIM()(cornered, X) * 21 * 27).item()
    assert one_window_of_all == pytest.approx(SSIM()(cornered[..., :11, :11], X[..., :11, :11]).item())
    assert (theirs[1] - theirs[0]) * 31 * 37 > 4 * one_window_of_all


def test_ssim_is_twice_kornia_s_on_valid_windows(witness) -> None:
    theirs = 2 * ssim_loss(X, Y, window_size=11, eps=0.0, padding="valid")
    witness("ssim", "kornia ssim_loss", SSIM()(X, Y), theirs)


def test_ssim_is_monai_s(witness) -> None:
    """In float32, which MONAI's window is made in."""
    theirs = SSIMLoss(spatial_dims=2, data_range=1.0)(X.float(), Y.float())
    witness("ssim", "MONAI SSIMLoss", SSIM()(X.float(), Y.float()), theirs, rtol=1e-5)


def test_kornia_is_wrong_about_black_images() -> None:
    """Its eps in the denominator, beside c1 c2 = 9e-8, keeps equal black images from costing 0."""
    black = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    assert SSIM()(black, black) == 0
    assert ssim_loss(black, black, window_size=11).item() == pytest.approx(1e-12 / (9e-8 + 1e-12) / 2)


def test_piq_is_wrong_about_large_images_by_default() -> None:
    """It averages them down first, as the authors' later code does; eq. 13 does not."""
    x, y = torch.rand(2, 1, 1, 400, 400, generator=torch.Generator().manual_seed(0))
    ours = SSIM()(x, y)
    torch.testing.assert_close(piq.SSIMLoss(downsample=False)(x, y), ours, rtol=1e-4, atol=1e-5)
    assert abs(piq.SSIMLoss()(x, y) - ours) > 0.01


def test_total_variation_is_the_peers_sum_over_the_image_s_numbers(witness) -> None:
    numbers = X[0].numel()
    ours = numbers * TotalVariation(reduction="none")(X)
    witness("total_variation", "piq TVLoss", ours, piq.TVLoss(norm_type="l1", reduction="none")(X))
    witness("total_variation", "torchmetrics total_variation", ours, total_variation(X, reduction="none"))
    witness("total_variation", "kornia total_variation", ours, kornia_variation(X).sum(1))
    squared = numbers * TotalVariation(exponent=2.0, reduction="none")(X)
    witness("total_variation", "piq TVLoss", squared, piq.TVLoss(norm_type="l2_squared", reduction="none")(X))


def test_piq_is_wrong_about_the_isotropic_form() -> None:
    """Its "l2" is one root of the whole image's sum: ten steps of 1 cost 3.2, not 10, and that depends on the size."""
    stairs = torch.arange(11.0).view(1, 1, 1, 11)
    assert TotalVariation(isotropic=True)(stairs).item() * 11 == pytest.approx(10)
    assert piq.TVLoss(norm_type="l2")(stairs).item() == pytest.approx(10**0.5)


def test_multi_scale_ssim_is_piq_s(witness) -> None:
    """On sizes that stay even: at odd ones piq pads above and to the left."""
    witness("multi_scale_ssim", "piq multi_scale_ssim", MultiScaleSSIM(reduction="none")(*COARSE), piq_scores(*COARSE))
    theirs = slope(piq_scores, *COARSE) / len(COARSE[0])
    witness("multi_scale_ssim", "piq multi_scale_ssim", slope(MultiScaleSSIM(), *COARSE), theirs)


def piq_scores(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return 1 - piq.multi_scale_ssim(x, y, reduction="none")


def test_piq_is_wrong_about_the_exponents_of_its_multi_scale_loss() -> None:
    """The paper's sum to 1.0001; piq's loss, not its function, divides them by that."""
    theirs, printed = piq.MultiScaleSSIMLoss(reduction="none")(*COARSE), piq_scores(*COARSE)
    assert not torch.allclose(theirs, printed, rtol=1e-5)
    torch.testing.assert_close(1 - theirs, (1 - printed) ** (1 / 1.0001))


def test_torchmetrics_is_wrong_about_the_coarsest_scale_of_multi_scale_ssim() -> None:
    """Its mean there is over windows that hang over the border too, as in its SSIM."""
    x, y = (each[:1, :1] for each in COARSE)
    theirs = multiscale_structural_similarity_index_measure(x, y, data_range=1.0)
    ours = 1 - MultiScaleSSIM()(x, y)
    assert abs(ours - theirs) > 1e-4
    coarsest = [torch.nn.functional.avg_pool2d(each, 16) for each in (x, y)]
    bordered = structural_similarity_index_measure(*coarsest, data_range=1.0)
    torch.testing.assert_close(ours * (bordered / (1 - SSIM()(*coarsest))) ** 0.1333, theirs)


def network(*, inplace: bool = False) -> nn.Sequential:
    torch.manual_seed(3)
    layers = [
        nn.Conv2d(3, 4, 3),
        nn.ReLU(inplace=inplace),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3),
        nn.ReLU(inplace=inplace),
    ]
    return nn.Sequential(*layers).double()


COLOR = torch.rand(2, 2, 3, 12, 10, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def test_perceptual_times_channels_is_piq_s(witness) -> None:
    """Piq means over positions and sums over channels; the paper divides by all three."""
    for layer, channels in (("1", 4), ("4", 6)):
        ours = Perceptual(network=network(), layers=[layer], reduction="none")
        theirs = piq.ContentLoss(feature_extractor=network(), layers=[layer], reduction="none")
        witness("perceptual", "piq ContentLoss", channels * ours(*COLOR), theirs(*COLOR))


def test_style_times_positions_squared_is_piq_s(witness) -> None:
    """Piq does not divide the Gram matrix by C H W, and means over its C x C products."""
    for layer, positions in (("1", 80), ("4", 6)):
        ours = Style(network=network(), layers=[layer], reduction="none")
        theirs = piq.StyleLoss(feature_extractor=network(), layers=[layer], reduction="none")
        witness("style", "piq StyleLoss", positions**2 * ours(*COLOR), theirs(*COLOR))


def test_piq_is_wrong_about_a_layer_before_one_that_works_in_place() -> None:
    """Its features of a convolution are overwritten by the ReLU behind it, as in torchvision's VGG."""
    theirs = piq.ContentLoss(feature_extractor=network(inplace=True), layers=["0", "4"], weights=[1.0, 0.0])
    clean = piq.ContentLoss(feature_extractor=network(), layers=["0", "4"], weights=[1.0, 0.0])
    assert not torch.isclose(theirs(*COLOR), clean(*COLOR))
    ours = Perceptual(network=network(inplace=True), layers=["0"])
    torch.testing.assert_close(4 * ours(*COLOR), clean(*COLOR))


class Trunk(nn.Module):
    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.features(images)


@pytest.mark.parametrize("net", ["alex", "vgg", "squeeze"])
def test_lpips_is_that_of_the_authors_package_on_the_same_random_network(witness, monkeypatch, net) -> None:
    name = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}[net]
    with torch.device("meta"):
        features = get_model(name).features
    features = features.to_empty(device="cpu").double()
    dice = torch.Generator().manual_seed(8)
    for weight in features.state_dict().values():
        fan_in = weight[0].numel() if weight.dim() > 1 else 100
        weight.copy_(torch.randn(weight.shape, generator=dice) * (2 / fan_in) ** 0.5)
    given = SimpleNamespace(features=copy.deepcopy(features))
    monkeypatch.setattr(lpips.pretrained_networks.tv, name, lambda pretrained: given)
    theirs = lpips.LPIPS(net=net, pnet_rand=True, verbose=False).double()
    x, y = torch.rand(2, 2, 3, *((37, 34) if net == "vgg" else (70, 67)), generator=dice, dtype=torch.float64)
    ours = LPIPS(net=net, network=Trunk(features), black=-1.0, reduction="none")
    witness("lpips", f"lpips LPIPS({net})", ours(x, y), theirs(x, y).flatten())
    witness("lpips", f"lpips LPIPS({net})", slope(ours, x, y), slope(theirs, x, y))


def test_the_lpips_package_is_wrong_about_positions_without_any_channel() -> None:
    """The root in its normalisation has no slope at 0, and gives NaN to whatever leads there."""
    dark = torch.zeros(1, 4, 1, 1, requires_grad=True)
    lpips.normalize_tensor(dark).sum().backward()
    assert dark.grad.isnan().all()
