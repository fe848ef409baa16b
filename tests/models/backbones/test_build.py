"""Backbones by name: each builds, each setting acts, each mistake is named."""

import pytest
import torch
from torch import nn

from piste.models.backbones.build import build_backbone, check_backbone, check_input, set_prior
from piste.models.backbones.recipe import BackboneRecipe

SMALL = {"name": "small_cnn", "width": 4, "depth": 2}


def recipe(**keys: object) -> BackboneRecipe:
    return BackboneRecipe.model_validate(keys)


def parameters(**keys: object) -> int:
    return sum(p.numel() for p in build_backbone(recipe(**keys), 3).parameters())


@pytest.mark.parametrize(
    "keys",
    [
        SMALL,
        {"name": "resnet18"},
        {"name": "efficientnet_b0"},
        {"name": "fbnetv3_b"},
        {"name": "mobilenetv3_small_050"},
        {"name": "vit_tiny_patch16_224", "options": {"img_size": 32, "patch_size": 8, "depth": 2}},
    ],
    ids=lambda keys: keys["name"],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_of_the_field_look_at_images(keys: dict[str, object], channels: int) -> None:
    chosen = recipe(**keys, channels=channels)
    check_input(chosen, [(32, 32)])
    with torch.device("meta"):
        model = build_backbone(chosen, 5).eval()
    assert model(torch.zeros(2, channels, 32, 32, device="meta")).shape == (2, 5)


def test_weights_come_from_the_random_state() -> None:
    for keys in (SMALL, {"name": "resnet18"}):
        states = []
        for _ in range(2):
            torch.manual_seed(7)
            states.append(build_backbone(recipe(**keys), 2).state_dict())
        torch.testing.assert_close(*states, rtol=0, atol=0)


def test_width_and_depth_shape_the_small_network() -> None:
    # convolutions 3*4*9, 4*4*9, their norms 2*4 each; 4*8*9, 8*8*9, 2*8 each; linear 8*3 + 3
    assert parameters(**SMALL) == 108 + 144 + 16 + 288 + 576 + 32 + 27
    assert parameters(name="small_cnn") == parameters(name="small_cnn", width=32, depth=3)


@pytest.mark.parametrize("name", ["small_cnn", "resnet18"])
def test_dropout_acts_while_training_alone(name: str) -> None:
    model = build_backbone(recipe(name=name, dropout=0.5), 3)
    images = torch.randn(4, 3, 32, 32)
    model.train()
    assert not torch.equal(model(images), model(images))
    model.eval()
    assert torch.equal(model(images), model(images))


@pytest.mark.parametrize("keys", [SMALL, {"name": "mobilenetv3_small_050"}], ids=lambda keys: keys["name"])
def test_a_fresh_model_gives_every_class_its_prior(keys: dict[str, object]) -> None:
    model = build_backbone(recipe(**keys), 7)
    set_prior(model, 0.01)
    head = model.get_classifier()
    nn.init.zeros_(head.weight)
    probs = model.eval()(torch.randn(2, 3, 32, 32)).sigmoid()
    torch.testing.assert_close(probs, torch.full((2, 7), 0.01))


def test_a_prior_needs_a_bias() -> None:
    model = build_backbone(recipe(**SMALL), 7)
    model.classifier = nn.Linear(8, 7, bias=False)
    with pytest.raises(ValueError, match=r"`model.prior` is set by the last layer's bias"):
        set_prior(model, 0.01)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"name": "resnet19"}, "nearest: resnet1"),
        ({"name": "smal_cnn"}, "nearest: small_cnn"),
        ({"name": "resnet18.a1_in1k"}, r"pretrained sets stand in model.weights=a1_in1k"),
        ({"name": "resnet18", "width": 8}, r"`model.width` is for small_cnn"),
        ({"name": "resnet18", "depth": 2}, r"`model.depth` is for small_cnn"),
        ({"name": "small_cnn", "weights": True}, r"`model.weights` does not apply to small_cnn"),
        ({"name": "small_cnn", "options": {"x": 1}}, r"`model.options` does not apply to small_cnn"),
        ({"name": "resnet18", "options": {"num_classes": 3}}, r"`model.options.num_classes` follows"),
        ({"name": "resnet18", "options": {"img_sise": 3}}, r"resnet18 with {'img_sise': 3} can't be built"),
        ({"name": "resnet18", "weights": "a1_in2k"}, r"`model.weights` is 'a1_in2k'; nearest: a1_in1k"),
        ({"name": "resnet10t", "weights": "x"}, r"`model.weights` is 'x'; there are"),
        ({"name": "vit_tiny_patch16_384", "weights": "a1_in1k"}, r"`model.weights` is 'a1_in1k'"),
    ],
)
def test_mistakes_are_named(keys: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        build_backbone(recipe(**keys), 2)
    assert "\n" not in str(caught.value)


def test_images_of_the_wrong_size_are_refused_with_the_cure() -> None:
    with pytest.raises(ValueError, match=r"vit_tiny_patch16_224 can't take images of 28x20 .*height: 224.*img_size"):
        check_input(recipe(name="vit_tiny_patch16_224"), [(20, 28)])
    with pytest.raises(
        ValueError, match=r"4 stages of small_cnn need images of 8 pixels a side or more; these are 9x7"
    ):
        check_input(recipe(name="small_cnn", depth=4), [(7, 9)])
    check_input(recipe(name="small_cnn", depth=4), [(8, 8)])


@pytest.mark.parametrize("weights", [True, "a1_in1k"])
def test_pretrained_weights_fail_offline_in_one_line(monkeypatch: pytest.MonkeyPatch, weights: object) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    chosen = recipe(name="resnet18", weights=weights)
    check_backbone(chosen)
    with pytest.raises(ValueError, match=rf"`model.weights`: {weights} for resnet18 could not be loaded") as caught:
        build_backbone(chosen, 2)
    assert "\n" not in str(caught.value)
