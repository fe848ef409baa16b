"""The discriminator scores patches of the size it says, each by what it sees alone."""

import pytest
import torch
from pydantic import ValidationError

from piste.models.restoration.critic import build_critic, least_side, patch_side
from piste.models.restoration.recipe import RestorationDiscriminatorRecipe


def critic(**keys):
    torch.manual_seed(2)
    return build_critic(RestorationDiscriminatorRecipe.model_validate({"width": 4, **keys}))


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_score_sees_a_patch_and_no_more(layers):
    model = critic(layers=layers, norm="none")
    side = 2 * patch_side(layers)
    image = torch.rand(1, 3, side, side, requires_grad=True)
    scores = model(image)
    middle = scores.shape[-1] // 2
    scores[0, 0, middle, middle].backward()
    seen = image.grad.abs().sum((0, 1)).nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [patch_side(layers)] * 2


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_smallest_image_has_one_score(layers):
    model, side = critic(layers=layers), least_side(layers)
    assert model(torch.rand(2, 3, side, side)).shape == (2, 1, 1, 1)
    with pytest.raises(RuntimeError):
        model(torch.rand(2, 3, side - 1, side))


def test_spectral_norm_bounds_how_far_scores_move():
    model = critic(norm="spectral")
    for _ in range(30):  # the power iteration comes to rest
        model(torch.rand(2, 3, 32, 32))
    model.eval()
    image = torch.rand(1, 3, 32, 32)
    near = image + 1e-3 * torch.randn_like(image)
    # a stride-2 kernel of 4 x 4 covers each pixel by four windows: spectral norm of the kernel matrix, times 2
    assert (model(image) - model(near)).norm() <= 2 * 2 * 4 * 4 * (image - near).norm()


def test_instance_norm_keeps_images_apart():
    model = critic(norm="instance")
    images = torch.rand(3, 3, 24, 24)
    torch.testing.assert_close(model(images)[1:2], model(images[1:2]))


def test_a_clip_without_effect_is_refused():
    with pytest.raises(ValidationError, match="weight_clip has no effect"):
        RestorationDiscriminatorRecipe.model_validate({"weight_clip": 0.01})
    assert RestorationDiscriminatorRecipe.model_validate({"weight_clip": 0.01, "norm": "none"}).weight_clip == 0.01
