"""What augmentation does to images of which the whole is judged."""

from piste.data.picture_dataset import PictureDataset
from piste.tasks.base.examined import Pixels
from piste.tasks.base.panels import photograph

IMAGES = 6  # training images in the report's picture of augmented samples
VERSIONS = 4  # how often each of them is drawn


def augmented_pictures(dataset: PictureDataset) -> dict[str, Pixels | list[str]]:
    """Training images as they are, and as the first epochs show them; nothing where there is no augmentation.

    Args:
        dataset: the training images; its epoch is left at the first.
    """
    if not dataset.pipeline.steps:
        return {}
    places = range(0, len(dataset), max(len(dataset) // IMAGES, 1))[:IMAGES]
    names = [dataset.store.name(place) for place in places]
    arrays: dict[str, Pixels | list[str]] = {"names": names}
    for i, place in enumerate(places):
        arrays[f"original_{i}"] = photograph(dataset.store[place].permute(1, 2, 0).contiguous().numpy())
        for j in range(VERSIONS):
            dataset.set_epoch(j)
            arrays[f"augmented_{i}_{j}"] = photograph(dataset.pixels(place).permute(1, 2, 0).contiguous().numpy())
    dataset.set_epoch(0)
    return arrays
