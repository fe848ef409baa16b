"""An image taken tile by tile comes out as taken whole, with no seam."""

import pytest
import torch
from torch import nn

from piste.models.restoration.networks import build_restoration_model
from piste.models.restoration.recipe import RestorationModelRecipe
from piste.models.restoration.tiles import in_tiles


@pytest.mark.parametrize("size", [(50, 70), (33, 16), (16, 90), (12, 12)])
@pytest.mark.parametrize("scale", [1, 3])
@torch.no_grad()
def test_tiles_are_the_whole(size, scale):
    torch.manual_seed(0)
    model = build_restoration_model(RestorationModelRecipe(width=4, blocks=2), scale)
    for parameter in model.last[-1].parameters():
        nn.init.normal_(parameter, std=0.1)
    image = torch.rand(2, 3, *size)
    pieces = in_tiles(model, image, scale, side=16, margin=12)
    torch.testing.assert_close(pieces, model(image))


@torch.no_grad()
def test_no_tile_is_larger_than_it_may_be():
    seen = []

    class Watching(nn.Module):
        def forward(self, images):
            seen.append(tuple(images.shape[2:]))
            return images

    image = torch.rand(1, 3, 100, 40)
    assert torch.equal(in_tiles(Watching(), image, 1, side=16, margin=4), image)
    assert max(max(size) for size in seen) <= 24
