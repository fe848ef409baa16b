"""Augmentations are found by name, and what is wrong with their settings is said in one line."""

import pytest
from pydantic import BaseModel, TypeAdapter

from piste.data.augment import AUGMENTATIONS, Augmentation, Entry, read_augmentation
from piste.data.augment.turns import Rotate

SIZED = {"crop": {"height": 3, "width": 3}, "centre_crop": {"height": 3, "width": 3}}
SIZED |= {"random_sized_crop": {"height": 3, "width": 3}, "resize": {"longest": 3}}


class Holder(BaseModel):
    steps: list[Entry]


def test_every_augmentation_has_its_name():
    assert set(AUGMENTATIONS.values()) == set(Augmentation.__subclasses__())
    assert set(AUGMENTATIONS) == {
        *("horizontal_flip", "vertical_flip", "rotate90", "rotate", "shear", "shift_scale_rotate"),
        *("crop", "random_sized_crop", "centre_crop", "resize"),
        *("colour_jitter", "equalize", "blur", "gaussian_noise", "grey"),
        *("mosaic", "copy_paste"),
    }


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_what_is_written_is_read_again(name):
    holder = Holder.model_validate({"steps": [{name: SIZED.get(name)}]})
    written = holder.model_dump(mode="json")
    assert list(written["steps"][0]) == [name]
    assert "p" in written["steps"][0][name]
    assert Holder.model_validate(written) == holder


def test_a_name_alone_has_the_defaults():
    assert read_augmentation("rotate") == Rotate()
    assert read_augmentation({"rotate": None}) == Rotate()
    assert read_augmentation({"rotate": {"degrees": 3}}) == Rotate(degrees=3)
    assert read_augmentation(Rotate(p=1)) == Rotate(p=1)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "horizontal_flipp",
            "no augmentation is called horizontal_flipp; nearest: horizontal_flip, vertical_flip; there are blur,",
        ),
        ({"rotate": {"degres": 3}}, "rotate has no setting degres; nearest: degrees; there are degrees, p"),
        ({"rotate": {"degrees": 270}}, "rotate.degrees must be less than or equal to 180; got 270"),
        ({"rotate": {"p": 1.5}}, "rotate.p must be less than or equal to 1; got 1.5"),
        ({"rotate": {"degrees": float("nan")}}, "rotate.degrees must be a finite number; got nan"),
        ({"blur": {"sigma": [2, 1]}}, "blur.sigma: a range goes from low to high; got [2.0, 1.0]"),
        ({"crop": {"height": 3}}, "crop needs the setting width"),
        ({"resize": {"height": 3}}, "resize takes height and width, or longest, or smallest; got height"),
        ({"rotate": 3}, "rotate takes settings such as {p, degrees}; got 3"),
        ({"rotate": {}, "blur": {}}, "an augmentation is a name or {name: {settings}}; got {'rotate': {}, 'blur': {}}"),
        (3, "an augmentation is a name or {name: {settings}}; got 3"),
    ],
)
def test_mistakes_are_named_in_one_line(entry, message):
    with pytest.raises(ValueError) as caught:
        read_augmentation(entry)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_mistake_in_a_list_keeps_its_place():
    with pytest.raises(ValueError) as caught:
        TypeAdapter(list[Entry]).validate_python(["grey", "gray"])
    assert caught.value.errors()[0]["loc"] == (1,)
