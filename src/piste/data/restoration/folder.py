"""The layout of a restoration folder: `input/` and `target/` with equal stems, or clean images alone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from piste.data.folder import SUFFIXES, Files, files_by_stem
from piste.data.images import read_size
from piste.data.problems import DataError, Problem

SCALES = range(1, 9)
Size = tuple[int, int]


@dataclass(frozen=True)
class Pair:
    """A target, and the input that goes with it.

    Args:
        name: the stem that both files share.
        target: path of the image that the network is to make.
        size: its height and width in pixels, what goes beyond a multiple of the scale left out.
        input: path of the image that the network is given; None where it is made of the target.
        scale: how many times larger the target is than the input.
    """

    name: str
    target: Path
    size: Size
    input: Path | None = None
    scale: int = 1


@dataclass(frozen=True)
class Listing:
    """What a folder holds.

    Args:
        pairs: usable ones, in the order of their names.
        names: every stem that has an image, usable or not.
        problems: what keeps the others from being used.
    """

    pairs: list[Pair]
    names: list[str]
    problems: list[Problem]


def list_clean(folder: Path, scale: int) -> Listing:
    """Clean images: those in `images/` where there is that folder, otherwise those in the folder itself.

    Args:
        folder: where.
        scale: what their inputs will be scaled down by; sides are counted as multiples of it.
    """
    place = folder / "images" if (folder / "images").is_dir() else folder
    if (folder / "input").is_dir() and (folder / "target").is_dir():
        cure = "holds inputs already; leave data.degrade out to use them, or give the folder of clean images"
        return Listing([], [], [Problem(folder, cure)])
    found = files_by_stem(place)
    problems = [*found.problems, *_none(place, found)]
    pairs = []
    for name, path in sorted(found.files.items()):
        try:
            size = read_size(path)
            if min(size) < scale:
                raise DataError(Problem(path, f"is {_size(size)}, too small to be scaled down by {scale}; remove it"))
            pairs.append(Pair(name, path, (size[0] // scale * scale, size[1] // scale * scale), scale=scale))
        except DataError as error:
            problems.extend(error.problems)
    return Listing(pairs, sorted(found.files), problems)


def list_pairs(folder: Path, scale: int | None) -> Listing:
    """Inputs with their targets, their sizes compared from the files' headers alone.

    Args:
        folder: holds `input/` and `target/`.
        scale: how many times larger each target must be; None takes what most of them are.
    """
    parts = [folder / "input", folder / "target"]
    missing = [part for part in parts if not part.is_dir()]
    if missing:
        cure = "no such folder; a data set of pairs holds input/ and target/ with equal stems"
        clean = "; to make the inputs of clean images, say how with data.degrade, such as [{noise: {sigma: 0.05}}]"
        return Listing([], [], [Problem(part, cure + (clean if len(missing) == 2 else "")) for part in missing])
    inputs, targets = (files_by_stem(part) for part in parts)
    problems = [*inputs.problems, *targets.problems]
    problems += [
        problem for part, found in zip(parts, (inputs, targets), strict=True) for problem in _none(part, found)
    ]
    if problems and not (inputs.files and targets.files):
        return Listing([], sorted(targets.files), problems)
    pairs = []
    for name in sorted(inputs.files.keys() | targets.files.keys()):
        try:
            if name not in inputs.files:
                raise DataError(_alone(targets.files[name], "target", "input", inputs.others))
            if name not in targets.files:
                raise DataError(_alone(inputs.files[name], "input", "target", targets.others))
            pairs.append(_measured(name, inputs.files[name], targets.files[name]))
        except DataError as error:
            problems.extend(error.problems)
    usual = scale or (Counter(pair.scale for pair in pairs).most_common(1)[0][0] if pairs else 1)
    for pair in pairs:
        if pair.scale != usual:
            whose = "data.scale is" if scale else "most targets are"
            cure = f"is {pair.scale} times as large as its input, but {whose} {usual}; bring all pairs to one scale"
            problems.append(Problem(pair.target, cure))
    return Listing([pair for pair in pairs if pair.scale == usual], sorted(targets.files), problems)


def _none(place: Path, found: Files) -> list[Problem]:
    return [] if found.files else [Problem(place, f"holds no image; {', '.join(SUFFIXES)} are read")]


def _measured(name: str, given: Path, wanted: Path) -> Pair:
    pair = Pair(name, wanted, read_size(wanted), given)
    size = read_size(given)
    for scale in SCALES:
        if (size[0] * scale, size[1] * scale) == pair.size:
            return replace(pair, scale=scale)
    rule = f"its input is {_size(size)}; a target is as large as its input, or 2, 3, … 8 times as high and as wide"
    raise DataError(Problem(wanted, f"is {_size(pair.size)} but {rule}"))


def _size(size: Size) -> str:
    return f"{size[1]}x{size[0]} pixels (width x height)"


def _alone(path: Path, kind: str, partner: str, others: Mapping[str, Path]) -> Problem:
    """An input without target or a target without input, with the file that may have been meant."""
    if path.stem in others:
        other = others[path.stem].name
        return Problem(path, f"{kind} without {partner}: {other} is of a kind not read; convert it to PNG or TIFF")
    return Problem(path, f"{kind} without {partner}: add {partner}/{path.stem}.png or remove the {kind}")
