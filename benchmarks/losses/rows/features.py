"""Feature losses: images seen through windows or through a network."""

import copy
from collections import OrderedDict
from collections.abc import Iterator
from types import SimpleNamespace
from unittest.mock import patch

import lpips
import piq
import torch
from kornia.losses import ssim_loss
from kornia.losses import total_variation as kornia_variation
from monai.losses import SSIMLoss
from torch import nn
from torchmetrics.functional import image as torchmetrics
from torchvision.models import get_model

from piste import losses

from ..row import Entrant, Inputs, Row, Setting

PASS = Entrant("torch x.square().mean()", lambda x, *_: x.square().mean())
BORDER = "windows hang over the border"


def rows(quick: bool) -> Iterator[Row]:
    """Windows, differences, then networks of random weights, the same for everyone."""
    small, large = images(quick, (4, 3, 256, 256)), images(quick, (4, 3, 512, 512), least=192)
    yield Row(
        losses.SSIM(),
        small,
        PASS,
        (
            Entrant("piq SSIMLoss", piq.SSIMLoss(downsample=False)),
            Entrant("kornia ssim_loss", lambda x, y: ssim_loss(x, y, 11, eps=0.0, padding="valid"), factor=2.0),
            Entrant("MONAI SSIMLoss", SSIMLoss(spatial_dims=2, data_range=1.0)),
            Entrant(
                "torchmetrics structural_similarity_index_measure",
                lambda x, y: 1 - torchmetrics.structural_similarity_index_measure(x, y, data_range=1.0),
                differs=BORDER,
            ),
        ),
    )
    yield Row(
        losses.MultiScaleSSIM(),
        large,
        PASS,
        (
            Entrant("piq multi_scale_ssim", lambda x, y: 1 - piq.multi_scale_ssim(x, y)),
            Entrant(
                "torchmetrics multiscale_structural_similarity_index_measure",
                lambda x, y: 1 - torchmetrics.multiscale_structural_similarity_index_measure(x, y, data_range=1.0),
                differs=BORDER,
            ),
        ),
    )
    numbers = 3 * (64 if quick else 256) ** 2
    yield Row(
        losses.TotalVariation(),
        images(quick, (4, 3, 256, 256), alone=True),
        PASS,
        (
            Entrant("piq TVLoss", piq.TVLoss(norm_type="l1"), factor=1 / numbers),
            Entrant("kornia total_variation", lambda x: kornia_variation(x).sum(1).mean(), factor=1 / numbers),
            Entrant(
                "torchmetrics total_variation", lambda x: torchmetrics.total_variation(x, "mean"), factor=1 / numbers
            ),
        ),
    )
    yield from through_networks(images(quick, (2, 3, 128, 128), least=64))


def through_networks(setting: Setting) -> Iterator[Row]:
    """VGG up to its tenth layer, and AlexNet."""
    vgg = _random("vgg16")[:10]
    side = int(setting.name.split(", ")[-1].rstrip("]"))
    positions, channels = (side // 2) ** 2, 128
    yield Row(
        losses.Perceptual(network=vgg, layers=["8"]),
        setting,
        PASS,
        (Entrant("piq ContentLoss", piq.ContentLoss(copy.deepcopy(vgg), layers=["8"]), factor=1 / channels),),
        words="Perceptual(VGG-16, relu2_2)",
    )
    yield Row(
        losses.Style(network=vgg, layers=["8"]),
        setting,
        PASS,
        (Entrant("piq StyleLoss", piq.StyleLoss(copy.deepcopy(vgg), layers=["8"]), factor=1 / positions**2),),
        words="Style(VGG-16, relu2_2)",
    )
    features, device = _random("alexnet"), torch.get_default_device()
    with patch.object(
        lpips.pretrained_networks.tv, "alexnet", lambda pretrained: SimpleNamespace(features=copy.deepcopy(features))
    ):
        theirs = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).requires_grad_(False).to(device)
    yield Row(
        losses.LPIPS(net="alex", network=nn.Sequential(OrderedDict(features=features)), black=-1.0),
        setting,
        PASS,
        (Entrant("lpips LPIPS", lambda x, y: theirs(x, y).mean()),),
        words="LPIPS(net='alex')",
    )


def _random(name: str) -> nn.Sequential:
    """The features of one of torchvision's networks, with weights of a fixed draw."""
    with torch.device("meta"):
        features = get_model(name).features
    features = features.to_empty(device=torch.get_default_device()).requires_grad_(False)
    dice = torch.Generator().manual_seed(8)
    for weight in features.state_dict().values():
        fan_in = weight[0].numel() if weight.dim() > 1 else 100
        weight.copy_(torch.randn(weight.shape, generator=dice, device="cpu") * (2 / fan_in) ** 0.5)
    return features


def images(quick: bool, full: tuple[int, ...], *, alone: bool = False, least: int = 64) -> Setting:
    """Images with values from 0 to 1, and some that look somewhat like them."""
    shape = tuple(min(size, least) for size in full) if quick else full

    def draw(dice: torch.Generator) -> Inputs:
        target = torch.rand(shape, generator=dice)
        prediction = 0.7 * target + 0.3 * torch.rand(shape, generator=dice)
        return Inputs((prediction,), () if alone else (target,))

    return Setting(str(list(shape)), draw)
