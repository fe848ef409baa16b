"""The layout of a folder with independent labels: `images/`, and `masks/LABEL/` for each label, with equal stems."""

from collections.abc import Sequence
from pathlib import Path

from piste.data.folder import Files, Listing, Sample, files_by_stem
from piste.data.images import read_size
from piste.data.labelled import LabelMasks
from piste.data.problems import DataError, Problem
from piste.names import nearest


def list_labelled(folder: Path, labels: Sequence[str]) -> Listing:
    """Images with a mask of each label, verified from the files' headers alone.

    Args:
        folder: holds `images/` and `masks/`.
        labels: names of folders in `masks/`.
    """
    parts = [folder / "images", folder / "masks"]
    if missing := [part for part in parts if not part.is_dir()]:
        cure = "no such folder; a data set with labels holds images/ and a folder in masks/ for each of them"
        return Listing([], [], [Problem(part, cure) for part in missing])
    there = sorted(part.name for part in parts[1].iterdir() if part.is_dir())
    lost = [label for label in labels if label not in there]
    if lost:
        offered = nearest(lost[0], there) if there else "it holds no folder"
        listed = [Problem(parts[1] / label, f"no such folder for the label {label}; {offered}") for label in lost]
        return Listing([], [], listed)
    images, masks = files_by_stem(parts[0]), {label: files_by_stem(parts[1] / label) for label in labels}
    problems = [*images.problems, *(problem for files in masks.values() for problem in files.problems)]
    if not images.files:
        problems.append(Problem(parts[0], "holds no image"))
    samples = []
    for name, image in sorted(images.files.items()):
        try:
            samples.append(_sample(name, image, masks))
        except DataError as error:
            problems.extend(error.problems)
    for files in masks.values():
        for name, path in files.files.items():
            if name not in images.files:
                problems.append(Problem(path, f"mask without image: add images/{name}.png or remove the mask"))
    return Listing(samples, sorted(images.files), problems)


def _sample(name: str, image: Path, masks: dict[str, Files]) -> Sample:
    """An image with all of its masks.

    Raises:
        DataError: everything that is wrong with them.
    """
    problems: list[Problem] = []
    size, paths = read_size(image), []
    for label, files in masks.items():
        path = files.files.get(name)
        if path is None:
            cure = f"add masks/{label}/{name}.png, all 0 where the image has none, or remove the image"
            problems.append(Problem(image, f"image without mask of {label}: {cure}"))
            continue
        paths.append(path)
        if path.suffix.lower() in (".jpg", ".jpeg"):
            problems.append(Problem(path, "is a JPEG, which changes values, so that no becomes yes; save masks as PNG"))
        found = read_size(path)
        if found != size:
            came = f"is {found[1]}x{found[0]} pixels (width x height)"
            rule = f"its image {image.name} is {size[1]}x{size[0]}"
            problems.append(Problem(path, f"{came} but {rule}; export the mask at the size of the image"))
    if problems:
        raise DataError(*problems)
    return Sample(name, image, LabelMasks(tuple(paths)), size)
