"""The layout of a segmentation folder: `images/` and `masks/` with equal stems."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from piste.data.images import read_size
from piste.data.problems import DataError, Problem
from piste.names import nearest

if TYPE_CHECKING:
    from piste.data.labelled import LabelMasks
    from piste.data.outlined import OutlinedMask

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
BUILT_IN: Mapping[str, Mapping[str, int]] = {"lakes": {"background": 0, "lake": 255}}
"""The data sets inside the package, and the values of their classes in the masks."""


@dataclass(frozen=True)
class Sample:
    """An image and its mask.

    Args:
        name: the stem that both files share.
        image: path of the image.
        mask: path of the mask, or what it is drawn from, or those of each label.
        size: height and width in pixels.
    """

    name: str
    image: Path
    mask: "Path | OutlinedMask | LabelMasks"
    size: tuple[int, int]


@dataclass(frozen=True)
class Listing:
    """What a folder holds.

    Args:
        samples: usable pairs in the order of their names.
        names: every stem that has an image, usable or not.
        problems: what keeps the others from being used.
        classes: the value of each class, where a file says it.
        splits: the split of each name, where files say it.
    """

    samples: list[Sample]
    names: list[str]
    problems: list[Problem]
    classes: Mapping[str, int] | None = None
    splits: Mapping[str, str] | None = None


def locate(path: str, holds: str = "images/ and masks/", built_in: Collection[str] = BUILT_IN.keys()) -> Path:
    """The folder of a built-in data set, or the folder at `path`.

    A built-in name wins over a folder of that name in the working directory, which `./lakes` reaches.

    Args:
        path: a name or a place.
        holds: what is looked for in the folder, for the message.
        built_in: the data sets that the caller knows, for the message.

    Raises:
        FileNotFoundError: neither exists.
    """
    if path in BUILT_IN:
        return Path(str(resources.files("piste.data") / path))
    folder = Path(path).expanduser()
    if not folder.is_dir():
        hint = f"is a file; give the folder that holds {holds}" if folder.exists() else "does not exist"
        raise FileNotFoundError(f"data folder {path} {hint}; built-in data sets: {nearest(path, built_in)}")
    return folder


def list_samples(folder: Path) -> Listing:
    """Pair images with masks and compare their sizes, from the files' headers alone."""
    parts = [folder / "images", folder / "masks"]
    missing = [part for part in parts if not part.is_dir()]
    if missing:
        cure = "no such folder; a data set holds images/ and masks/ with equal stems"
        return Listing([], [], [Problem(part, cure) for part in missing])
    images, masks = (files_by_stem(part) for part in parts)
    problems = [*images.problems, *masks.problems]
    if not images.files:
        problems.append(Problem(parts[0], f"holds no image; {', '.join(SUFFIXES)} are read"))
    elif masks.files and not images.files.keys() & masks.files.keys():
        image, mask = next(iter(images.files.values())), next(iter(masks.files.values()))
        rule = f"masks/{image.stem}.png goes with images/{image.name}"
        problems.append(Problem(parts[1], f"no mask has the stem of an image: {rule}; rename such as {mask.name}"))
        return Listing([], sorted(images.files), problems)
    samples = []
    for name in sorted(images.files.keys() | masks.files.keys()):
        try:
            if name not in masks.files:
                raise DataError(_alone(images.files[name], "image", "mask", masks.others.get(name)))
            if name not in images.files:
                raise DataError(_alone(masks.files[name], "mask", "image", images.others.get(name)))
            samples.append(_measure(name, images.files[name], masks.files[name]))
        except DataError as error:
            problems.extend(error.problems)
    return Listing(samples, sorted(images.files), problems)


@dataclass(frozen=True)
class Files:
    """A folder's files by stem.

    Args:
        files: images of a kind that is read.
        others: files of other kinds.
        problems: of images, those whose stem another has.
    """

    files: dict[str, Path]
    others: dict[str, Path]
    problems: list[Problem]


def files_by_stem(folder: Path) -> Files:
    """The files of a folder by stem; hidden ones and folders are passed over."""
    found = Files({}, {}, [])
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_dir():
            continue
        if path.suffix.lower() not in SUFFIXES:
            found.others[path.stem] = path
        elif path.stem in found.files:
            cure = f"has the stem of {found.files[path.stem].name}; keep one, or rename it and its partner"
            found.problems.append(Problem(path, cure))
        else:
            found.files[path.stem] = path
    return found


def _measure(name: str, image: Path, mask: Path) -> Sample:
    size, mask_size = read_size(image), read_size(mask)
    if size != mask_size:
        came = f"is {mask_size[1]}x{mask_size[0]} pixels (width x height)"
        rule = f"its image {image.name} is {size[1]}x{size[0]}"
        raise DataError(Problem(mask, f"{came} but {rule}; export the mask at the size of the image"))
    return Sample(name, image, mask, size)


def _alone(path: Path, kind: str, partner: str, other: Path | None) -> Problem:
    """An image without mask or a mask without image, with the file that may have been meant."""
    if other:
        return Problem(path, f"{kind} without {partner}: {other.name} is of a kind not read; convert it to PNG or TIFF")
    return Problem(path, f"{kind} without {partner}: add {partner}s/{path.stem}.png or remove the {kind}")
