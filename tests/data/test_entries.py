"""An entry is a name, or a name with settings; what is wrong with one is said in a line."""

import pytest
from pydantic import BaseModel, ConfigDict, Field

from piste.data.entries import read_entry, snake_case


class Blur(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sigma: float = Field(gt=0)
    reach: int = 3


def test_a_name_stands_for_a_class():
    assert snake_case("RandomSizedCrop") == "random_sized_crop"
    assert read_entry({"blur": {"sigma": 2}}, {"blur": Blur}, "a step") == Blur(sigma=2, reach=3)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("blr", "no step is called blr; nearest: blur; there are blur"),
        ("blur", "blur needs the setting sigma"),
        ({"blur": 3}, "blur takes settings such as {sigma, reach}; got 3"),
        ({"blur": {"sigma": -1}}, "blur.sigma must be greater than 0; got -1"),
        ({"blur": {"sigma": 1, "rech": 2}}, "blur has no setting rech; nearest: reach; there are reach, sigma"),
        ({"blur": {}, "more": {}}, "a step is a name or {name: {settings}}; got {'blur': {}, 'more': {}}"),
        (7, "a step is a name or {name: {settings}}; got 7"),
    ],
)
def test_what_is_wrong_is_said(entry, message):
    with pytest.raises(ValueError) as error:
        read_entry(entry, {"blur": Blur}, "a step")
    assert str(error.value) == message
