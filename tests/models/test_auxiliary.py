"""Deep supervision: which stages get a head, that each is trained, and that evaluation does not see them."""

import copy

import pytest
import torch
from torch import nn

from piste.models.auxiliary import STAGES, DeeplySupervised, Supervised
from piste.models.recipe import SegmentationModelRecipe
from piste.models.segmentation import architectures, build_segmentation_model, input_multiple

SETTINGS: dict[str, dict[str, object]] = {"dpt": {"encoder": "tu-vit_tiny_patch16_224"}}


def built(factors: list[float], **settings: object) -> nn.Module:
    torch.manual_seed(5)
    recipe = SegmentationModelRecipe.model_validate({"auxiliary": factors, **settings})
    return build_segmentation_model(recipe, channels=3)


@pytest.mark.parametrize("name", sorted(STAGES))
def test_coarser_stages_score_every_pixel_and_all_heads_learn(name: str) -> None:
    model = built([0.4, 0.2], name=name, **SETTINGS.get(name, {}))
    assert isinstance(model, DeeplySupervised)
    sizes: list[int] = []
    for stage in model.stages:
        model.network.get_submodule(stage).register_forward_hook(lambda *call: sizes.append(call[2].shape[2]))
    side = {"dpt": 224, "pan": 128}.get(name, 64)
    output = model.train()(torch.randn(2, 3, side, side))
    assert isinstance(output, Supervised)
    assert [each.shape for each in output.auxiliary] == [output.logits.shape] * 2 == [(2, 3, side, side)] * 2
    assert sizes == sorted(sizes), "the decoder passes them from coarse to fine"
    assert len(set(sizes)) == 2
    assert sizes[-1] < side
    torch.stack([each.square().mean() for each in output.auxiliary]).sum().backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.heads.parameters())


def test_a_head_reads_the_stage_before_the_last_first() -> None:
    model = built([1.0, 1.0], depth=3, width=16)
    assert isinstance(model, DeeplySupervised)
    assert model.stages == ["decoder.blocks.1", "decoder.blocks.0"]
    seen = {}
    for stage in model.stages:
        model.network.get_submodule(stage).register_forward_hook(lambda m, i, o, at=stage: seen.update({at: o}))
    output = model.train()(torch.randn(2, 3, 32, 24))
    for stage, head, found in zip(model.stages, model.heads, output.auxiliary, strict=True):
        weight, bias = head.weight[:, :, 0, 0], head.bias
        scores = torch.einsum("kc,nchw->nkhw", weight, seen[stage]) + bias[:, None, None]
        torch.testing.assert_close(found, nn.Upsample((32, 24), mode="bilinear")(scores))


def test_heads_change_neither_the_networks_weights_nor_what_it_says_in_evaluation() -> None:
    model, plain, image = built([0.5], depth=3).eval(), built([], depth=3).eval(), torch.randn(1, 3, 32, 32)
    assert isinstance(model, DeeplySupervised)
    torch.testing.assert_close(model.network.state_dict(), plain.state_dict(), rtol=0, atol=0)
    with torch.no_grad():
        torch.testing.assert_close(model(image), plain(image), rtol=0, atol=0)
    trained, expected = model.train()(image), plain.train()(image)
    torch.testing.assert_close(trained.logits, expected, rtol=0, atol=0)


def test_a_copy_of_the_model_hears_of_its_own_stages() -> None:
    model = built([0.5], depth=3).train()
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for p in twin.parameters():
            p.zero_()
    assert model(torch.randn(2, 3, 32, 32)).auxiliary[0].abs().sum() > 0
    assert twin(torch.randn(2, 3, 32, 32)).auxiliary[0].abs().sum() == 0


def test_the_multiple_of_an_input_is_that_of_the_network() -> None:
    multiples = [input_multiple(SegmentationModelRecipe(name="unet++", depth=3, auxiliary=some)) for some in ([], [1])]
    assert multiples == [8, 8]


def test_refusals() -> None:
    def words(**settings: object) -> str:
        with pytest.raises(ValueError, match=r"`model.auxiliary`|auxiliary\.0") as caught:
            input_multiple(SegmentationModelRecipe.model_validate(settings))
        return str(caught.value)

    assert set(STAGES) < set(architectures())
    said = words(name="pspnet", auxiliary=[0.4])
    assert all(name in said for name in ("pspnet", *STAGES))
    assert "each of 3 coarser stages, and unet of this depth has 2" in words(depth=3, auxiliary=[0.4, 0.2, 0.1])
    assert "greater than 0" in words(auxiliary=[0.0])
