"""What losses that look through a network promise about it: a frozen copy, cut behind the last layer, no download."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from piste.losses import Perceptual, Style
from piste.losses.features.layers import Layers, pretrained
from piste.losses.features.untrained import untrained

PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(4), nn.Dropout(), nn.Conv2d(4, 2, 1))


def images(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", [Perceptual, Style])
class TestFrozenCopy:
    def test_the_network_given_stays_as_it_was_and_is_kept_under_its_name(self, kind) -> None:
        given = network().train()
        before = copy.deepcopy(given.state_dict())
        loss = kind(network=given, layers=["0", "4"], **PLAIN)
        x = images(2, 3, 6, 5).requires_grad_()
        loss(x, images(2, 3, 6, 5).flip(0)).backward()
        assert loss.network is given
        assert given.training
        assert given[1].inplace
        assert all(weight.requires_grad and weight.grad is None for weight in given.parameters())
        assert all(not module._forward_hooks for module in given.modules())
        assert all(torch.equal(weight, before[name]) for name, weight in given.state_dict().items())
        assert x.grad.any()

    def test_what_becomes_of_the_network_given_changes_nothing(self, kind) -> None:
        given = network()
        loss, x = kind(network=given, layers=["4"], **PLAIN), images(2, 3, 6, 5)
        before = loss(x, x.flip(0))
        with torch.no_grad():
            given[0].weight.mul_(3)
        assert loss(x, x.flip(0)) == before

    def test_it_stays_in_eval_mode_with_nothing_to_train_or_to_save(self, kind) -> None:
        loss = kind(network=network(), layers=["4"], **PLAIN).train()
        x = images(2, 3, 6, 5)
        assert loss(x, x.flip(0)) == loss(x, x.flip(0))
        assert not list(loss.parameters())
        assert not loss.state_dict()
        assert all(
            torch.equal(a, b) for a, b in zip(loss.buffers(), pickle.loads(pickle.dumps(loss)).buffers(), strict=True)
        )

    def test_its_weights_move_with_the_loss(self, kind) -> None:
        loss = kind(network=network(), layers=["4"], **PLAIN)
        assert {weight.device.type for weight in loss.to("meta").buffers()} == {"meta"}


def test_outputs_are_those_of_the_network_also_before_a_layer_that_works_in_place() -> None:
    x, given = images(2, 3, 6, 5), network().eval()
    convolved, last = Layers(given, ["0", "4"], **PLAIN)(x)
    assert convolved.min() < 0
    torch.testing.assert_close(convolved, given[0](x))
    torch.testing.assert_close(last, given(x))


def test_images_are_normalised_per_channel() -> None:
    (seen,) = Layers(nn.Sequential(nn.Identity()), ["0"], mean=(0.0, 0.5), std=(1.0, 0.25))(torch.ones(1, 2, 1, 1))
    assert seen.flatten().tolist() == [1.0, 2.0]


def test_nothing_is_kept_or_run_behind_the_last_layer() -> None:
    seen = Layers(get_model("resnet18"), ["layer1.0.relu", "conv1"], **PLAIN)
    assert not [name for name, _ in seen.named_modules() if "layer2" in name or "fc" in name or "layer1.1" in name]


def test_a_module_called_twice_counts_with_its_last_call() -> None:
    block = get_model("resnet18").layer1[0].eval()
    x = images(1, 64, 4, 4)
    (seen,) = Layers(block, ["relu"], mean=(0.0,) * 64, std=(1.0,) * 64)(x)
    torch.testing.assert_close(seen, block(x))


def test_vgg_s_default_layers_are_the_rectified_ends_of_its_blocks() -> None:
    """The third convolution's ReLU behind the second pooling is relu3_3."""
    with torch.device("meta"):
        features = get_model("vgg16").features
    for index, block, place in ((3, 1, 2), (8, 2, 2), (15, 3, 3), (22, 4, 3)):
        before = list(features[:index])
        pools = [i for i, module in enumerate(before) if isinstance(module, nn.MaxPool2d)]
        since = before[pools[-1] :] if pools else before
        assert isinstance(features[index], nn.ReLU)
        assert len(pools) == block - 1
        assert sum(isinstance(module, nn.Conv2d) for module in since) == place


class TestRefusals:
    def test_an_unknown_layer_is_named_beside_known_ones(self) -> None:
        with pytest.raises(ValueError, match=r"`layers` must be names of.*such as 0, 1, 2, 3, 4; got 'relu3_3'"):
            Perceptual(network=network(), layers=["relu3_3"])

    def test_a_network_with_branches_cannot_be_traced(self) -> None:
        class Branching(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x if x.sum() > 0 else -x

        with pytest.raises(ValueError, match=r"must be one that torch\.fx can trace; Branching: symbolically"):
            Perceptual(network=Branching(), layers=["0"])

    def test_grey_images_are_refused_by_a_network_of_colors(self) -> None:
        loss = Perceptual(network=network(), layers=["0"])
        with pytest.raises(ValueError, match=r"`prediction` must have 3 channels.*image\.expand\(-1, 3, -1, -1\)"):
            loss(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8))

    def test_weights_for_a_network_that_has_its_own_are_refused(self) -> None:
        with pytest.raises(ValueError, match="`weights` goes with a network by name"):
            Style(network=network(), layers=["0"], weights="vgg16.pth")

    def test_as_many_weights_as_layers(self) -> None:
        with pytest.raises(ValueError, match="`layer_weights` must be one per layer; got 1 for 2 layers"):
            Perceptual(network=network(), layers=["0", "1"], layer_weights=[1.0])
        with pytest.raises(ValueError, match=r"`mean` must be a list of numbers, one per channel; got \[\]"):
            Perceptual(network=network(), layers=["0", "1"], mean=[])


class TestWeightsFromAFile:
    def test_a_missing_file_is_named_with_where_to_get_it_and_nothing_is_downloaded(
        self, tmp_path, monkeypatch
    ) -> None:
        monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
        place = tmp_path / "checkpoints" / "vgg16-397923af.pth"
        url = "https://download.pytorch.org/models/vgg16-397923af.pth"
        for make in (Perceptual, Style):
            with pytest.raises(
                ValueError, match="`weights` must be a file with torchvision's weights of vgg16"
            ) as error:
                make()
            assert str(place) in str(error.value)
            assert url in str(error.value)
        assert not list(tmp_path.iterdir())

    def test_a_file_s_weights_are_the_network_s_and_no_random_number_is_drawn(self, tmp_path) -> None:
        torch.manual_seed(1)
        saved = get_model("squeezenet1_1").eval()
        torch.save(saved.state_dict(), tmp_path / "weights.pth")
        state = torch.get_rng_state()
        loaded = pretrained("squeezenet1_1", tmp_path / "weights.pth").eval()
        assert torch.equal(torch.get_rng_state(), state)
        torch.testing.assert_close(loaded(images(1, 3, 32, 32)), saved(images(1, 3, 32, 32)))

    def test_a_file_of_another_network_is_refused(self, tmp_path) -> None:
        torch.save(network().state_dict(), tmp_path / "other.pth")
        with pytest.raises(ValueError, match=r"weights of vgg16; .*other\.pth is not"):
            Perceptual(weights=tmp_path / "other.pth")

    def test_without_torchvision_the_error_says_so(self, monkeypatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "torchvision.models", None)
        with pytest.raises(
            ValueError, match="`network` 'vgg16' is torchvision's: install torchvision, or give a network"
        ):
            Perceptual()


class TestRandomWeights:
    def test_two_are_the_same_and_no_random_number_is_drawn(self) -> None:
        x, y = images(2, 3, 16, 16), images(2, 3, 16, 16).flip(3)
        state = torch.get_rng_state()
        values = [make(weights="random")(x, y) for make in (Perceptual, Perceptual, Style, Style)]
        assert torch.equal(torch.get_rng_state(), state)
        assert values[0] == values[1] > 0
        assert values[2] == values[3] > 0

    def test_a_network_by_name_is_torchvision_s_and_its_layers_keep_their_names_and_their_scale(self) -> None:
        for name in ("vgg11", "vgg19"):
            network = untrained(name)
            with torch.device("meta"):
                features = get_model(name).features
            wanted = [(f"features.{key}", value.shape) for key, value in features.state_dict().items()]
            assert [(key, value.shape) for key, value in network.state_dict().items()] == wanted
        (seen,) = Layers(network, ["features.35"], (0.0,) * 3, (1.0,) * 3)(images(1, 3, 64, 64))
        assert 0.03 < seen.square().mean().sqrt() < 30  # neither dies out nor explodes over 16 layers

    def test_other_networks_and_layers_of_the_classifier_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"must be one of 'vgg11', .*; got 'vgg17'"):
            Perceptual(network="vgg17", weights="random")
        with pytest.raises(ValueError, match="must be names of the network"):
            Perceptual(weights="random", layers=["classifier.0"])
