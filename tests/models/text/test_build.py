"""Networks that read lines: shapes, the same answer alone and in a batch, and every setting acts."""

import pytest
import torch
from pydantic import ValidationError

from piste.models.text.build import build_text_model
from piste.models.text.columns import steps_of
from piste.models.text.recipe import Beam, Greedy, TextModelRecipe
from piste.models.text.transformer import _positions

SMALL = {"channels": 16, "width": 16, "depth": 2}
NAMES = ("crnn", "transformer")


def model_of(height=32, classes=7, **settings):
    recipe = TextModelRecipe.model_validate(SMALL | settings)
    torch.manual_seed(1)
    return build_text_model(recipe, height=height, classes=classes).eval()


def moved(model):
    """The model with norms that have seen something, so that zero in is not zero out."""
    with torch.no_grad():
        for norm in model.columns.norms:
            norm.running_mean.uniform_(-1, 1)
            norm.bias.uniform_(0, 1)
    return model


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stride", [2, 4, 8])
@torch.no_grad()
def test_a_line_has_a_step_for_each_stride_that_it_begins(name, stride):
    model = model_of(name=name, stride=stride, height=48)
    for width in (1, 15, 16, 17):
        assert model(torch.zeros(2, 3, 48, width)).shape == (2, -(-width // stride), 7)
    assert steps_of(torch.tensor([1, 8, 9]), stride).tolist() == [-(-w // stride) for w in (1, 8, 9)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stride", [2, 8])
@torch.no_grad()
def test_a_line_scores_the_same_alone_and_beside_wider_ones(name, stride):
    model = moved(model_of(name=name, stride=stride))
    narrow, wide = torch.randn(3, 32, 37), torch.randn(3, 32, 90)
    batch = torch.zeros(2, 3, 32, 90)
    batch[0, :, :, :37], batch[1] = narrow, wide
    together = model(batch, torch.tensor([37, 90]))
    steps = -(-37 // stride)
    torch.testing.assert_close(together[0, :steps], model(narrow[None])[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together[1], model(wide[None])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_every_step_knows_of_the_whole_line(name):
    model = moved(model_of(name=name))
    image = torch.randn(1, 3, 32, 80)
    changed = image.clone()
    changed[..., 72:] += 1
    assert not torch.allclose(model(image)[0, 0], model(changed)[0, 0], rtol=0, atol=1e-7)


@torch.no_grad()
def test_a_transformer_knows_places():
    positions = _positions(50, 16, torch.device("cpu"))
    assert torch.cdist(positions, positions).fill_diagonal_(1).min() > 0.1
    image = torch.randn(1, 3, 32, 8).repeat(1, 1, 1, 10)
    scores = moved(model_of(name="transformer"))(image)[0]
    assert not torch.allclose(scores[4], scores[8], atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_learns(name):
    model = model_of(name=name).train()
    model(torch.randn(2, 3, 32, 40), torch.tensor([40, 33])).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_layers_of_the_encoder_begin_apart():
    layers = model_of(name="transformer").encoder.layers
    assert not torch.equal(layers[0].linear1.weight, layers[1].linear1.weight)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("more", [{"channels": 32}, {"width": 32}, {"depth": 3}])
def test_settings_make_the_network_larger(name, more):
    def size(**settings):
        return sum(p.numel() for p in model_of(name=name, **settings).parameters())

    assert size(**more) > size()


def test_weights_come_from_the_random_state():
    torch.testing.assert_close(model_of().state_dict(), model_of().state_dict(), rtol=0, atol=0)


def test_dropout_acts_in_training_alone():
    for name in NAMES:
        model, image = model_of(name=name, dropout=0.5), torch.randn(1, 3, 32, 40)
        assert torch.equal(model(image), model(image))
        model.train()
        assert not torch.equal(model(image), model(image))


@pytest.mark.parametrize(
    ("entry", "decoding", "written"),
    [
        ("greedy", Greedy(), "greedy"),
        ("beam", Beam(width=10), {"beam": {"width": 10}}),
        ({"beam": {"width": 3}}, Beam(width=3), {"beam": {"width": 3}}),
        ({"greedy": None}, Greedy(), "greedy"),
    ],
)
def test_a_decoding_is_a_name_or_a_name_with_settings(entry, decoding, written):
    recipe = TextModelRecipe.model_validate({"decode": entry})
    assert recipe.decode == decoding
    assert recipe.model_dump(mode="json")["decode"] == written
    assert TextModelRecipe.model_validate(recipe.model_dump(mode="json")) == recipe


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"decode": "beems"}, "no decoding is called beems; nearest: beam"),
        ({"decode": {"greedy": {"width": 3}}}, "greedy has no setting width"),
        ({"decode": {"beam": {"width": 0}}}, "beam.width must be greater than or equal to 1; got 0"),
        ({"heads": 2}, "`model.heads` does not apply to crnn"),
        ({"name": "transformer", "width": 18}, "multiple of the 4 heads; got 18; take 16"),
        ({"name": "lstm"}, "'crnn' or 'transformer'"),
    ],
)
def test_mistakes_are_named(settings, words):
    with pytest.raises(ValidationError) as caught:
        TextModelRecipe.model_validate(settings)
    assert words in str(caught.value)


def test_a_height_that_cannot_be_halved_is_refused():
    with pytest.raises(ValueError, match=r"`data.height` must be a multiple of 16 .*; got 40; take 32"):
        model_of(height=40)
