"""Pairs of networks: each makes and scores samples of the asked shape, and each setting acts."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from piste.losses import GradientPenalty
from piste.models.generation.build import build_discriminator, build_generator
from piste.models.generation.recipe import GenerationDiscriminatorRecipe, GenerationModelRecipe


def generator(shape, **keys):
    return build_generator(GenerationModelRecipe(**{"latent": 5, "width": 4} | keys), shape)


def critic(shape, model="dcgan", **keys):
    return build_discriminator(GenerationDiscriminatorRecipe(**{"width": 4} | keys).completed(model), shape)


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 16, 24), (1, 8, 8), (3, 40, 20)])
@pytest.mark.parametrize("name", ["dcgan", "mlp"])
def test_a_pair_makes_and_scores_images_of_any_size(name, shape):
    images = generator(shape, name=name)(torch.randn(3, 5))
    assert images.shape == (3, *shape)
    assert images.abs().max() <= 1
    assert critic(shape, name)(images).shape == (3,)


def test_an_mlp_makes_points_wherever_they_lie():
    model = generator((2,), name="mlp", layers=1)
    assert model(100 * torch.randn(50, 5)).abs().max() > 1
    assert critic((2,), "mlp")(torch.randn(7, 2)).shape == (7,)


@pytest.mark.parametrize(
    ("name", "norm"),
    [("dcgan", "instance"), ("dcgan", "spectral"), ("dcgan", "none"), ("mlp", "spectral"), ("mlp", "none")],
)
def test_a_gradient_penalty_goes_with_all_norms_but_batch(name, norm):
    shape = (3, 16, 16) if name == "dcgan" else (2,)
    network = critic(shape, name, norm=norm)
    real, fake = torch.randn(4, *shape), torch.randn(4, *shape)
    GradientPenalty()(network, real, fake).backward()
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_without_a_batch_norm_each_image_is_scored_by_itself(norm):
    network, images = critic((3, 16, 16), norm=norm).train(), torch.randn(4, 3, 16, 16)
    torch.testing.assert_close(network(images)[:2], network(images[:2]))
    assert not torch.allclose((batch := critic((3, 16, 16), norm="batch"))(images)[:2], batch(images[:2]))


def test_norms_stand_where_they_belong():
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in critic((3, 16, 16)).modules())
    assert not any(isinstance(layer, nn.BatchNorm1d) for layer in critic((2,), "mlp").modules())
    assert any(isinstance(layer, nn.BatchNorm1d) for layer in critic((2,), "mlp", norm="batch").modules())
    spectral = critic((3, 16, 16), norm="spectral").train()
    for _ in range(50):
        spectral(torch.randn(2, 3, 16, 16))
    weights = [layer.weight for layer in spectral.modules() if isinstance(layer, nn.Conv2d)]
    assert all(0.8 < torch.linalg.matrix_norm(weight.flatten(1), 2) < 1.1 for weight in weights)


def test_every_setting_acts():
    images = (3, 16, 16)
    assert size(generator(images, latent=9)) > size(generator(images))
    assert size(generator(images, width=8)) > size(generator(images))
    assert size(generator(images, name="mlp", layers=3)) > size(generator(images, name="mlp"))
    assert size(critic(images, width=8)) > size(critic(images))
    assert size(critic(images, "mlp", layers=3)) > size(critic(images, "mlp"))
    assert size(critic(images, "dcgan", name="mlp")) == size(critic(images, "mlp"))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: generator((1, 30, 27)), "`model.name`: dcgan halves images .* 27x30 can't be halved; add {resize"),
        (lambda: generator((2,)), "`model.name`: dcgan is for images, and these data are points; take mlp"),
        (lambda: critic((2,)), "`discriminator.name`: dcgan is for images"),
        (lambda: generator((2,), name="dcgan", layers=3), "`model.layers` is a key of mlp"),
        (lambda: critic((1, 8, 8), layers=3), "`discriminator.layers` is a key of mlp"),
        (lambda: critic((2,), "mlp", norm="instance"), "instance is over the pixels of a channel, which mlp has none"),
        (lambda: critic((1, 8, 8), norm="spectral", weight_clip=0.1), "`discriminator.weight_clip` cuts what norm: sp"),
    ],
)
def test_what_cannot_be_built_is_refused(build, message):
    with pytest.raises((ValueError, ValidationError), match=message):
        build()
