"""Shares of classes in splits and limits, and labels made wrong: drawn by their seeds, training labels alone."""

from pathlib import Path

import numpy as np
import pytest
import torch

from piste.data.classification.choose import noisy, strata_of
from piste.data.classification.labelled import Labelled
from piste.data.classification.opened import ClassificationData, open_classification
from piste.data.classification.recipe import ClassificationDataRecipe, LabelNoiseRecipe
from piste.data.limit import LimitRecipe, limited
from piste.data.pictures import ImageArray
from piste.data.problems import DataError
from tests.data.files import picture, save

PLACE = Path("x")


def digits(**keys: object) -> ClassificationData:
    return open_classification(ClassificationDataRecipe.model_validate({"path": "digits", **keys}))


def test_every_split_has_its_share_of_every_class() -> None:
    opened = digits()
    whole = sum(targets.bincount() for targets in opened.targets.values())
    for split, share in (("train", 0.7), ("val", 0.15), ("test", 0.15)):
        assert (opened.targets[split].bincount() - share * whole).abs().max() <= 2


def test_a_limit_keeps_the_shares_of_the_classes() -> None:
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    found = limited(LimitRecipe(train=20), {"train": list(range(100)), "val": [1]}, labels)
    assert np.bincount(labels[found["train"]]).tolist() == [12, 6, 2]
    assert found["train"] == sorted(set(found["train"]))
    assert found["val"] == [1]
    other = limited(LimitRecipe(train=20, seed=1), {"train": list(range(100)), "val": [1]}, labels)
    assert other["train"] != found["train"]


def test_a_limit_beyond_what_there_is_is_refused() -> None:
    with pytest.raises(ValueError, match=r"data.limit.val is 9000, and the split has 269 images"):
        digits(limit={"val": 9000})


def test_the_rarest_label_of_an_image_is_its_stratum() -> None:
    labels = np.array([[True, True, False], [True, False, False], [False, False, False], [True, True, True]])
    pixels = np.zeros((4, 2, 2), np.uint8)
    assert strata_of(Labelled(PLACE, ImageArray(pixels, "abcd"), ("a", "b", "c"), labels)).tolist() == [1, 0, 3, 2]


def test_noise_moves_its_share_of_labels_to_the_other_classes_alike() -> None:
    labels = np.repeat(np.arange(5), 4000)
    found = noisy(LabelNoiseRecipe(rate=0.4), labels, 5, PLACE)
    matrix = torch.zeros(5, 5).index_put_(
        (torch.tensor(labels), torch.tensor(found)), torch.tensor(1.0), accumulate=True
    )
    expected = torch.full((5, 5), 0.1).fill_diagonal_(0.6)
    # a share of 4000 draws deviates by 0.008 at the most likely; five deviations are allowed
    torch.testing.assert_close(matrix / 4000, expected, atol=0.04, rtol=0)


def test_noise_of_1_leaves_no_label_right_and_noise_of_0_all() -> None:
    labels = np.arange(300) % 3
    assert not (noisy(LabelNoiseRecipe(rate=1.0), labels, 3, PLACE) == labels).any()
    assert noisy(LabelNoiseRecipe(rate=0.0), labels, 3, PLACE) is labels


def test_only_training_labels_are_made_wrong_and_the_seed_says_which() -> None:
    right, wrong, again, other = (
        digits(label_noise=noise) for noise in (None, {"rate": 0.3}, {"rate": 0.3}, {"rate": 0.3, "seed": 1})
    )
    for split in ("val", "test"):
        assert torch.equal(right.targets[split], wrong.targets[split])
    assert wrong.noise == (right.targets["train"] != wrong.targets["train"]).sum() > 300
    assert torch.equal(wrong.targets["train"], again.targets["train"])
    assert not torch.equal(wrong.targets["train"], other.targets["train"])
    assert right.noise == 0


def test_noise_is_refused_where_images_have_several_labels(tmp_path: Path) -> None:
    for i in range(20):
        save(tmp_path / f"{i}.png", picture(i))
    text = "".join(f"{i}.png,{'a;b' if i % 2 else 'a'}\n" for i in range(20))
    (tmp_path / "labels.csv").write_text(f"path,labels\n{text}")
    with pytest.raises(DataError, match=r"data.label_noise makes one class of another"):
        open_classification(
            ClassificationDataRecipe.model_validate({"path": str(tmp_path), "label_noise": {"rate": 0.1}})
        )
