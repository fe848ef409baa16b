"""All that is found out about a detection data set before an image is decoded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from piste.balance import ClassCounts
from piste.data.deal import deal_as_filed, deal_out, default_split
from piste.data.detection.annotated import Annotated, Listed, name_images, verify
from piste.data.detection.reading import read, settle_format
from piste.data.detection.recipe import BUILT_IN, DetectionDataRecipe
from piste.data.folder import locate
from piste.data.problems import Problem


@dataclass(frozen=True, eq=False)
class Found:
    """What is known of a data set.

    Args:
        recipe: with format, classes and split decided.
        folder: where the data lie.
        annotated: every image whose file and objects are sound.
        splits: those images by split.
        counts: how often each class occurs in training.
        problems: everything that is wrong.
    """

    recipe: DetectionDataRecipe
    folder: Path
    annotated: list[Annotated]
    splits: dict[str, list[Annotated]]
    counts: ClassCounts
    problems: list[Problem]


def examine(recipe: DetectionDataRecipe) -> Found:
    """Read the annotations of a data set, verify them and deal the images out.

    Raises:
        FileNotFoundError: there is no such folder.
        DataError: no annotations are found, or no split file.
        ValueError: the recipe asks for what the data can't give.
    """
    if recipe.path in BUILT_IN:
        folder = Path(str(resources.files("piste.data") / recipe.path))
    else:
        folder = locate(recipe.path, "images and their boxes", BUILT_IN)
    recipe = settle_format(folder, recipe)
    reading = read(folder, recipe)
    problems = list(reading.problems)
    used = {mark.kind for one in reading.listed for mark in one.marks}
    recipe = recipe.resolved(classes=recipe.classes or [name for name in reading.class_names if name in used] or None)
    class_names = recipe.classes or []
    if not class_names and not problems:
        problems.append(Problem(folder, "holds no box of any class; there is nothing to learn"))
    names = name_images(reading.listed, folder)
    problems.extend(_listed_twice(reading.listed))
    annotated: dict[str, Annotated] = {}
    for one in reading.listed:
        sound, wrong = verify(one, names[one.image], class_names, clip=recipe.clip, masks=recipe.masks)
        problems.extend(wrong)
        if sound is not None:
            annotated[sound.name] = sound
    recipe, members = _deal(recipe, folder, reading.listed, names, annotated, problems)
    splits = {split: [annotated[name] for name in held if name in annotated] for split, held in members.items()}
    counts = count_boxes(splits.get("train", []), len(class_names))
    if not problems:
        problems.extend(_absent(folder, class_names, counts))
    return Found(recipe, folder, list(annotated.values()), splits, counts, problems)


def count_boxes(annotated: Sequence[Annotated], classes: int) -> ClassCounts:
    """How often each class occurs; what counts for nothing is in none of the counts."""
    boxes, images, containing = [0] * classes, [0] * classes, [0] * classes
    for one in annotated:
        labels = one.labels[~one.crowd].tolist()
        for label in set(labels):
            boxes[label - 1] += labels.count(label)
            images[label - 1] += 1
            containing[label - 1] += len(labels)
    return ClassCounts(tuple(boxes), tuple(images), tuple(containing), sum(boxes))


def _deal(
    recipe: DetectionDataRecipe,
    folder: Path,
    listed: Sequence[Listed],
    names: Mapping[Path, str],
    annotated: Mapping[str, Annotated],
    problems: list[Problem],
) -> tuple[DetectionDataRecipe, dict[str, list[str]]]:
    """The recipe with its split decided, and the names of the images in each split."""
    if any(one.split for one in listed):
        splits = {names[one.image]: one.split for one in listed if one.split is not None}
        deal = deal_as_filed(splits, folder, recipe.split)
        if not problems:
            problems.extend(deal.problems)
        return recipe, deal.members
    if not listed:
        return recipe, {}
    chosen = recipe.split or default_split(folder)
    objects = {name: float(len(one.boxes)) for name, one in annotated.items()}
    deal = deal_out(chosen, folder, sorted(names.values()), {name: objects.get(name, 0.0) for name in names.values()})
    problems.extend(deal.problems)
    return recipe.resolved(split=chosen.model_dump(mode="json")), deal.members


def _listed_twice(listed: Sequence[Listed]) -> list[Problem]:
    seen: dict[Path, Listed] = {}
    problems = []
    for one in listed:
        first = seen.setdefault(one.image, one)
        if first is not one:
            both = f"in {first.source.name} and in {one.source.name}" if first.source != one.source else "twice"
            problems.append(Problem(one.source, f"the image {one.image.name} stands {both}; keep one"))
    return problems


def _absent(folder: Path, class_names: Sequence[str], counts: ClassCounts) -> list[Problem]:
    cure = "move an image that has it into train, or remove the class from data.classes"
    return [
        Problem(folder, f"no training image has a box of the class {name}; {cure}")
        for name, boxes in zip(class_names, counts.pixels, strict=True)
        if not boxes
    ]
