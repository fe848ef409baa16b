"""Networks take images of any size, begin as bicubic upscaling, and restore an image alike in any company."""

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from torch import nn

from piste.models.restoration.networks import build_restoration_model
from piste.models.restoration.recipe import RestorationModelRecipe
from piste.models.restoration.upscale import upscaled

SMALL = [{"name": "edsr", "width": 4, "blocks": 2}, {"name": "unet", "width": 4, "depth": 2}]


def network(section, scale, *, stirred=False):
    torch.manual_seed(1)
    model = build_restoration_model(RestorationModelRecipe.model_validate(section), scale)
    if stirred:
        for parameter in model.last[-1].parameters():
            nn.init.normal_(parameter, std=0.1)
    return model


@pytest.mark.parametrize("section", SMALL)
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_it_begins_as_bicubic_upscaling_at_any_size(section, scale):
    images = torch.rand(2, 3, 7, 5)
    answer = network(section, scale)(images)
    assert answer.shape == (2, 3, 7 * scale, 5 * scale)
    assert torch.equal(answer, upscaled(images, scale))


@pytest.mark.parametrize("section", SMALL)
def test_every_weight_learns(section):
    model = network(section, 2, stirred=True)
    model(torch.rand(2, 3, 8, 8)).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_blocks_change_what_they_are_given_and_a_skip_leads_around_them_all():
    body = network(SMALL[0], 1).features
    for parameter in body.blocks.parameters():
        nn.init.zeros_(parameter)
    images = torch.rand(1, 3, 6, 6)
    torch.testing.assert_close(body(images), body.first(images) + body.after(body.first(images)))


@pytest.mark.parametrize("section", SMALL)
def test_company_changes_nothing_nor_does_the_mode(section):
    model, images = network(section, 2, stirred=True).train(), torch.rand(3, 3, 9, 6)
    torch.testing.assert_close(model(images)[:1], model(images[:1]))
    together = model(images)
    torch.testing.assert_close(model.eval()(images), together)


@pytest.mark.parametrize("section", SMALL)
def test_an_image_that_moves_by_the_multiple_is_answered_alike(section):
    model = network(section, 2, stirred=True)
    image = torch.rand(1, 3, 96, 96)
    whole, moved = model(image), model(image[:, :, 4:, 8:])
    inside = slice(56, -56)
    torch.testing.assert_close(
        whole[:, :, 8:, 16:][:, :, inside, inside], moved[:, :, inside, inside], atol=1e-5, rtol=0
    )


def test_upscaling_keeps_the_middle_and_straight_ramps():
    ramp = torch.linspace(0, 1, 16).view(1, 1, 1, 16).expand(1, 1, 16, 16)
    for scale in (2, 3, 4):
        big = upscaled(ramp, scale)
        assert big.mean().item() == pytest.approx(0.5, abs=1e-4)
        steps = big[0, 0, 8, 4 * scale : -4 * scale].diff()
        torch.testing.assert_close(steps, torch.full_like(steps, 1 / 15 / scale), atol=1e-5, rtol=0)
    assert upscaled(ramp, 1) is ramp


def test_upscaling_is_that_of_pillow():
    pixels = np.random.default_rng(0).integers(60, 200, (7, 9), dtype=np.uint8)
    witness = np.array(Image.fromarray(pixels.astype(np.float32)).resize((27, 21), Image.Resampling.BICUBIC))
    ours = upscaled(torch.from_numpy(pixels).float()[None, None], 3)[0, 0].numpy()
    np.testing.assert_allclose(ours, witness, atol=1e-3)


def test_the_section_says_what_belongs_to_which_network():
    assert RestorationModelRecipe().model_dump() == {"name": "edsr", "width": 32, "blocks": 8, "depth": None}
    unet = RestorationModelRecipe.model_validate({"name": "unet"})
    assert (unet.depth, unet.blocks) == (3, None)
    assert RestorationModelRecipe.model_validate(unet.model_dump()) == unet
    with pytest.raises(ValidationError, match=r"`model.depth` is a key of unet; edsr has blocks"):
        RestorationModelRecipe.model_validate({"depth": 2})
    with pytest.raises(ValidationError, match=r"`model.blocks` is a key of edsr; unet has depth"):
        RestorationModelRecipe.model_validate({"name": "unet", "blocks": 2})
    with pytest.raises(ValidationError, match="'edsr' or 'unet'"):
        RestorationModelRecipe.model_validate({"name": "resnet"})
