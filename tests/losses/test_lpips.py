"""What LPIPS alone promises: directions of channels, weighed by the heads of its package, and no download."""

import lpips as package
import pytest
import torch
from torch import nn

from piste.losses import LPIPS
from piste.losses.features import lpips as module
from piste.losses.features.lpips import CHANNELS
from piste.losses.features.stand_ins import Seeded


def passing(net: str) -> nn.Module:
    """A network whose layers all hold what is above 0 of red in their first channel, and below 0 in their second."""
    network = Seeded(CHANNELS[net])
    for i, (index, count) in enumerate(CHANNELS[net].items()):
        convolution = nn.Conv2d(network.features[index][0].in_channels, count, 1)
        with torch.no_grad():
            convolution.weight.zero_()
            convolution.bias.zero_()
            convolution.weight[0, 0], convolution.weight[1, 1 if i else 0] = 1.0, 1.0 if i else -1.0
        network.features[index] = nn.Sequential(convolution, nn.ReLU())
    return network


@pytest.mark.parametrize("net", CHANNELS)
def test_opposite_directions_cost_the_heads_weights_of_both_channels(net) -> None:
    """White lights the first channel and black the second: at length 1 each, a layer costs w_1 + w_2."""
    file = package.__path__[0] + f"/weights/v0.1/{net}.pth"
    expected = sum(
        head.flatten()[:2].sum() for head in torch.load(file, map_location="cpu", weights_only=True).values()
    )
    value = LPIPS(net=net, network=passing(net))(torch.ones(1, 3, 4, 5), torch.zeros(1, 3, 4, 5))
    torch.testing.assert_close(value, expected)


def test_the_length_of_what_a_layer_gives_does_not_matter() -> None:
    grey, white = torch.full((1, 3, 4, 5), 0.8), torch.ones(1, 3, 4, 5)
    assert LPIPS(network=passing("alex"))(white, grey) == pytest.approx(0, abs=1e-12)


def test_a_layer_that_is_dark_everywhere_has_a_finite_slope() -> None:
    """Red at its mean is exactly 0 in all channels, where the length has no slope."""
    loss = LPIPS(network=passing("alex"), black=-1.0)
    middle = torch.full((1, 3, 4, 5), -0.030).requires_grad_()
    value = loss(middle, torch.ones(1, 3, 4, 5))
    value.backward()
    assert value > 0
    assert middle.grad.isfinite().all()


def test_black_and_white_say_what_values_mean() -> None:
    x, y = torch.rand(2, 2, 3, 9, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    network = Seeded(CHANNELS["alex"], stride=3)
    expected = LPIPS(network=network)(x, y)
    torch.testing.assert_close(LPIPS(network=network, black=-1.0)(2 * x - 1, 2 * y - 1), expected)
    torch.testing.assert_close(LPIPS(network=network, black=255.0, white=0.0)(255 * (1 - x), 255 * (1 - y)), expected)
    with pytest.raises(ValueError, match=r"`black` and `white` must differ; got 1\.0 for both"):
        LPIPS(black=1.0)


@pytest.mark.parametrize(
    ("net", "file"),
    [("alex", "alexnet-owt-7be5be79.pth"), ("vgg", "vgg16-397923af.pth"), ("squeeze", "squeezenet1_1-b8a52dc0.pth")],
)
def test_a_missing_file_of_the_network_is_named_and_not_downloaded(net, file, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ValueError, match=rf"`weights` must be a file.*no .*{file}.*fetch https://.*{file}"):
        LPIPS(net=net)
    assert not list(tmp_path.iterdir())


def test_without_its_package_the_error_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    module.heads.cache_clear()
    with pytest.raises(ValueError, match=r"`net` 'alex' has its heads in the package lpips.*pip install lpips"):
        LPIPS(network=Seeded(CHANNELS["alex"]))


def test_a_network_of_other_layers_or_channels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`layers` must be names of the network's modules.*got 'features\.12'"):
        LPIPS(net="squeeze", network=Seeded(CHANNELS["alex"]))
    image = torch.zeros(1, 3, 4, 4)
    with pytest.raises(ValueError, match=r"`network` must give 192 channels at features\.4.*got 128"):
        LPIPS(network=Seeded({**CHANNELS["alex"], 4: 128}))(image, image)
