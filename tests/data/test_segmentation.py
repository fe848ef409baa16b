"""A data set is opened, split and counted as the recipe says, and what can't be used is refused in one line."""

import numpy as np
import pytest
import torch

from piste.balance import ClassCounts
from piste.data import DataError, SegmentationDataRecipe, open_segmentation
from piste.data.folder import list_samples
from piste.data.segmentation import foreground_shares, reader_of
from tests.data.files import folder, labels, picture, save

SPLIT = dict.fromkeys("abcd", "train") | dict.fromkeys("ef", "val") | dict.fromkeys("gh", "test")


def recipe(path, **settings):
    return SegmentationDataRecipe(path=str(path), **{"classes": ["background", "lake"]} | settings)


def refusal(path, **settings):
    with pytest.raises(DataError) as caught:
        open_segmentation(recipe(path, **settings))
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{path}/", "").replace(f"{path}", "FOLDER")


def test_the_lakes_are_as_their_page_says():
    data = open_segmentation(SegmentationDataRecipe(path="lakes"))
    assert {split: len(samples) for split, samples in data.splits.items()} == {"train": 138, "val": 71, "test": 65}
    assert data.class_names == ("background", "lake")
    assert data.background == 0
    assert data.counts.total == 138 * 96 * 96
    assert 0.01 < data.counts.pixels[1] / data.counts.total < 0.03
    assert data.counts.images[0] == 138
    longitudes = [{sample.name[3:] for sample in samples} for samples in data.splits.values()]
    assert len(set.union(*longitudes)) == sum(map(len, longitudes))  # a column of tiles is in one split


def test_a_folder_is_opened(tmp_path):
    data = open_segmentation(recipe(folder(tmp_path, split=SPLIT)))
    assert {split: [s.name for s in samples] for split, samples in data.splits.items()} == {
        "train": ["a", "b", "c", "d"],
        "val": ["e", "f"],
        "test": ["g", "h"],
    }
    assert data.counts == ClassCounts(pixels=(4 * 43, 4 * 5), images=(4, 4), containing=(4 * 48, 4 * 48), total=4 * 48)
    assert len(data.dataset("val", train=False)) == 2


def test_only_training_masks_are_counted_and_only_after_what_is_prepared(tmp_path):
    folder(tmp_path, split=SPLIT)
    save(tmp_path / "masks/e.png", labels(lake=40))
    assert open_segmentation(recipe(tmp_path)).counts.pixels == (4 * 43, 4 * 5)
    # the five lake pixels are the first of the first row; the left half of the image keeps four of them
    half = [{"centre_crop": {"height": 6, "width": 6}}]
    assert open_segmentation(recipe(tmp_path, prepare=half)).counts.pixels == (4 * (36 - 4), 4 * 4)


def test_a_test_split_may_be_missing(tmp_path):
    folder(tmp_path, split=dict.fromkeys("abcd", "train") | dict.fromkeys("efgh", "val"))
    data = open_segmentation(recipe(tmp_path))
    assert set(data.splits) == {"train", "val"}
    with pytest.raises(ValueError, match="has no split test; there are train, val"):
        data.dataset("test", train=False)


def test_without_a_split_file_images_are_dealt_out_and_the_recipe_says_how(tmp_path):
    data = open_segmentation(recipe(folder(tmp_path)))
    assert data.recipe.split.ratio == (0.7, 0.15, 0.15)
    assert sum(len(samples) for samples in data.splits.values()) == 8


def test_opening_what_was_resolved_gives_the_same(tmp_path):
    folder(tmp_path)
    data = open_segmentation(recipe(tmp_path, classes=None, normalize="data"))
    assert data.recipe.classes == {"class_0": 0, "class_1": 1}
    again = open_segmentation(data.recipe)
    assert again.recipe == data.recipe
    assert again.splits == data.splits
    assert again.counts == data.counts


def test_data_statistics_are_those_of_the_training_images(tmp_path):
    data = open_segmentation(recipe(folder(tmp_path, split=SPLIT), normalize="data"))
    pixels = np.stack([picture(seed) for seed in range(4)]).reshape(-1, 3) / 255
    np.testing.assert_allclose(data.recipe.normalize.mean, pixels.mean(0), atol=1e-6)
    np.testing.assert_allclose(data.recipe.normalize.std, pixels.std(0), atol=1e-6)
    images = torch.stack([data.dataset("train", train=False)[i]["image"] for i in range(4)])
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(images.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)


def test_black_images_keep_their_scale(tmp_path):
    folder(tmp_path, split=SPLIT)
    for name in "abcdefgh":
        save(tmp_path / f"images/{name}.png", np.zeros((6, 8, 3), np.uint8))
    assert open_segmentation(recipe(tmp_path, normalize="data")).recipe.normalize.std == (1, 1, 1)


def test_raw_pictures_are_what_evaluation_sees(tmp_path):
    folder(tmp_path, split=SPLIT)
    image, mask = open_segmentation(recipe(tmp_path)).raw("val", 1)
    np.testing.assert_array_equal(image, picture(5))
    np.testing.assert_array_equal(mask, labels())
    cropped = open_segmentation(recipe(tmp_path, evaluate=[{"centre_crop": {"height": 2, "width": 2}}]))
    np.testing.assert_array_equal(cropped.raw("val", 1)[0], picture(5)[2:4, 3:5])
    assert cropped.dataset("val", train=False)[1]["image"].shape == (3, 2, 2)
    assert cropped.dataset("train", train=True)[1]["image"].shape == (3, 6, 8)


def test_augmented_pictures_are_what_training_sees(tmp_path):
    data = open_segmentation(recipe(folder(tmp_path, split=SPLIT), augment=["horizontal_flip", "blur", "rotate"]))
    dataset = data.dataset("train", train=True, seed=4)
    dataset.set_epoch(3)
    for index in range(4):
        image, mask = data.augmented(index, epoch=3, seed=4)
        mean, std = (np.array(getattr(data.recipe.normalize, key)) for key in ("mean", "std"))
        shown = dataset[index]["image"].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(shown, (image / 255 - mean) / std, atol=1e-5)
        np.testing.assert_array_equal(dataset[index]["target"], mask)
    pictures = [data.augmented(0, epoch=epoch)[0] for epoch in range(8)]
    assert any((other != pictures[0]).any() for other in pictures)


def test_splits_may_be_stratified_by_foreground(tmp_path):
    folder(tmp_path, [f"{i:02}" for i in range(20)])
    for i in range(10):
        save(tmp_path / f"masks/{i:02}.png", labels(lake=0))
    data = open_segmentation(recipe(tmp_path, split={"ratio": [0.5, 0.5], "stratify": True}))
    for samples in data.splits.values():
        assert abs(sum(int(sample.name) < 10 for sample in samples) - 5) <= 1


def test_foreground_is_a_share_of_what_counts(tmp_path):
    folder(tmp_path, split=SPLIT)
    mask = labels(lake=12)
    mask[3:] = 9
    save(tmp_path / "masks/a.png", mask)
    settled = recipe(tmp_path, ignore=9, background="background")
    shares = foreground_shares(settled, reader_of(settled), list_samples(tmp_path).samples)
    assert shares["a"] == 12 / 24
    assert shares["b"] == pytest.approx(5 / 48)


def test_stratifying_needs_a_background(tmp_path):
    folder(tmp_path)
    split = {"ratio": [0.5, 0.5], "stratify": True}
    assert refusal(tmp_path, classes=["land", "lake"], split=split) == (
        "FOLDER: data.split.stratify needs to know the background; name that class in data.background"
    )
    assert open_segmentation(recipe(tmp_path, classes=["land", "lake"], background="land", split=split))


def spoil_missing_mask(path):
    (path / "masks/b.png").unlink()


def spoil_missing_image(path):
    (path / "images/b.png").unlink()


def spoil_size(path):
    save(path / "masks/b.png", labels(3, 3, lake=1))


def spoil_value(path):
    save(path / "masks/b.png", labels(lake=2, value=7))


def spoil_empty(path):
    (path / "images/b.png").write_bytes(b"")


def spoil_mask_file(path):
    (path / "masks/b.png").write_bytes((path / "masks/b.png").read_bytes()[:50])


def spoil_split(path):
    (path / "split.csv").write_text("name,split\n" + "".join(f"{name},train\n" for name in "abcdefgh"))


def spoil_class(path):
    for name in "abcd":
        save(path / f"masks/{name}.png", labels(lake=0))


def spoil_folder(path):
    for file in (path / "masks").iterdir():
        file.unlink()
    (path / "masks").rmdir()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_missing_mask, "images/b.png: image without mask: add masks/b.png or remove the image"),
        (spoil_missing_image, "masks/b.png: mask without image: add images/b.png or remove the mask"),
        (spoil_size, "masks/b.png: is 3x3 pixels (width x height) but its image b.png is 8x6; "),
        (spoil_value, "masks/b.png: holds values that no class has: 7 (2 px); classes have 0, 1; add them to"),
        (spoil_empty, "images/b.png: is empty (0 bytes); restore the file or remove it"),
        (spoil_mask_file, "masks/b.png: broken image ("),
        (spoil_split, "split.csv: puts no image into val; name some"),
        (spoil_class, "masks: no training mask holds the class lake; move an image that has it into train, or remove"),
        (spoil_folder, "masks: no such folder; a data set holds images/ and masks/ with equal stems"),
    ],
)
def test_bad_data_is_refused_in_one_line_with_the_cure(tmp_path, spoil, message):
    spoil(folder(tmp_path, split=SPLIT))
    assert refusal(tmp_path).startswith(message)


def test_a_broken_training_image_is_refused_before_the_first_epoch(tmp_path):
    folder(tmp_path, split=SPLIT)
    content = (tmp_path / "images/b.png").read_bytes()
    (tmp_path / "images/b.png").write_bytes(content[: len(content) // 2])
    data = open_segmentation(recipe(tmp_path))  # the header is sound
    with pytest.raises(DataError, match=r"images/b\.png: broken image"):
        data.dataset("train", train=True)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        open_segmentation(recipe(tmp_path / "nowhere"))


def test_several_problems_are_one_line_that_says_how_many(tmp_path):
    folder(tmp_path, split=SPLIT)
    spoil_missing_mask(tmp_path)
    spoil_empty(tmp_path)
    (tmp_path / "masks/c.png").unlink()
    assert refusal(tmp_path).endswith("(1 more; `piste data check` lists them all)")
