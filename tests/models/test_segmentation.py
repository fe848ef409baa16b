"""Architectures by name: each builds, each setting acts, each mistake is named."""

import pytest
import torch

from piste.models.recipe import SegmentationModelRecipe
from piste.models.segmentation import architectures, build_segmentation_model, check_model, input_multiple

NAMED_BY_THE_ISSUE = {"unet", "unet++", "fpn", "pspnet", "pan", "linknet", "deeplabv3+"}


def parameters(**settings: object) -> int:
    model = build_segmentation_model(SegmentationModelRecipe.model_validate(settings), channels=2)
    return sum(p.numel() for p in model.parameters())


def test_the_fields_architectures_are_there() -> None:
    assert set(architectures()) >= NAMED_BY_THE_ISSUE


@pytest.mark.parametrize("name", sorted(set(architectures()) - {"dpt"}))
def test_every_architecture_scores_every_pixel(name: str) -> None:
    model = build_segmentation_model(SegmentationModelRecipe(name=name, encoder="resnet18"), channels=3).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 128, 128)).shape == (1, 3, 128, 128)


@pytest.mark.parametrize(("name", "depth"), [("fpn", 3), ("fpn", 4), ("pspnet", 2), ("pspnet", 4), ("linknet", 3)])
def test_every_pixel_is_scored_at_any_depth(name: str, depth: int) -> None:
    model = build_segmentation_model(SegmentationModelRecipe(name=name, depth=depth), channels=3).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 3, 64, 64)


def test_a_vision_transformer_drives_dpt() -> None:
    model = build_segmentation_model(
        SegmentationModelRecipe(name="dpt", encoder="tu-vit_tiny_patch16_224"), channels=2
    ).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 224, 224)).shape == (1, 2, 224, 224)


def test_an_encoder_of_timm_works() -> None:
    assert parameters(encoder="tu-mobilenetv3_small_050", width=32) > 0


def test_weights_come_from_the_random_state() -> None:
    torch.manual_seed(7)
    first = build_segmentation_model(SegmentationModelRecipe(), 2).state_dict()
    torch.manual_seed(7)
    second = build_segmentation_model(SegmentationModelRecipe(), 2).state_dict()
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_width_narrows_the_decoder() -> None:
    assert parameters(width=64) < parameters()
    assert parameters(width=256) == parameters(width=[256, 128, 64, 32, 16]) == parameters()
    assert parameters(name="fpn", width=64) < parameters(name="fpn")


def test_depth_shortens_encoder_and_decoder() -> None:
    assert parameters(depth=3) < parameters()


def test_options_reach_the_architecture() -> None:
    assert parameters(options={"decoder_attention_type": "scse"}) > parameters()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"name": "unett"}, "nearest: unet"),
        ({"encoder": "resnet19"}, "nearest: resnet1"),
        ({"encoder": "tu-resnet19"}, "nearest: tu-resnet1"),
        ({"name": "linknet", "width": 64}, "`model.width` does not apply to linknet"),
        ({"width": [64, 32]}, "one number for each of the 5 stages of unet"),
        ({"name": "fpn", "width": [64, 32]}, "one number for fpn"),
        ({"options": {"decoder_attention": "scse"}}, "nearest: decoder_attention_type"),
    ],
)
def test_mistakes_are_named(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        check_model(SegmentationModelRecipe.model_validate(settings))
    assert "\n" not in str(caught.value)


def test_pretrained_weights_fail_offline_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=r"`model.weights`: imagenet for resnet18 could not be loaded") as caught:
        build_segmentation_model(SegmentationModelRecipe(encoder="resnet18", weights="imagenet"), 2)
    assert "\n" not in str(caught.value)


def test_an_unknown_pretrained_set_names_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"Available options are: \['imagenet'"):
        build_segmentation_model(SegmentationModelRecipe(encoder="resnet18", weights="image-net"), 2)


@pytest.mark.parametrize("name", sorted(set(architectures()) - {"dpt"}))
def test_images_padded_to_the_multiple_fit(name: str) -> None:
    recipe = SegmentationModelRecipe(name=name)
    side = -(-160 // input_multiple(recipe)) * input_multiple(recipe)
    model = build_segmentation_model(recipe, channels=2).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, side, side)).shape[-2:] == (side, side)


def test_the_multiple_follows_from_the_depth() -> None:
    multiples = [input_multiple(SegmentationModelRecipe(name="unet++", depth=depth)) for depth in (3, 5)]
    assert multiples == [8, 32]
