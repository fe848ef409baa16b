"""Pascal VOC: an XML file for each image."""

from pathlib import Path
from xml.etree import ElementTree

from piste.data.detection.annotated import Listed, Marked, Reading
from piste.data.folder import files_by_stem
from piste.data.problems import DataError, Problem
from piste.data.split import SPLITS

FOLDERS = (("Annotations", "JPEGImages"), ("Annotations", "images"), ("annotations", "images"))


def find_voc(folder: Path) -> tuple[Path, Path] | None:
    """The folders of the XML files and of the images; None where there are none."""
    for annotations, images in FOLDERS:
        if (folder / images).is_dir() and any((folder / annotations).glob("*.xml")):
            return folder / annotations, folder / images
    return None


def read_voc(folder: Path, annotations: Path, images: Path) -> Reading:
    """What XML files say of the images with their stems.

    Edges are counted from 1 in whole pixels, and the last one belongs to the box: 1 is taken from left and top. What
    is marked as difficult counts for nothing. Where lists say the splits, images that none of them names are left out.

    Args:
        folder: where the data lie.
        annotations: the folder of the XML files.
        images: the folder of the images.
    """
    files = files_by_stem(images)
    problems = list(files.problems)
    splits = _splits(folder, problems)
    listed, names = [], set[str]()
    stems = {path.stem for path in annotations.glob("*.xml")}
    for stem in sorted(files.files.keys() | stems):
        path = annotations / f"{stem}.xml"
        if splits and stem not in splits:
            continue
        if stem not in stems:
            cure = f"image without annotations: add {annotations.name}/{stem}.xml, without an object if it shows none"
            problems.append(Problem(files.files[stem], cure))
        elif stem not in files.files:
            problems.append(Problem(path, f"has no image: add {images.name}/{stem}.jpg or remove the file"))
        else:
            try:
                one = _read(path, files.files[stem], splits.get(stem))
            except DataError as error:
                problems.extend(error.problems)
                continue
            listed.append(one)
            names |= {mark.kind for mark in one.marks}
    for stem in sorted(splits.keys() - files.files.keys()):
        problems.append(Problem(folder / "ImageSets" / "Main", f"names {stem}, which has no image; remove the line"))
    return Reading(listed, sorted(names), problems)


def _splits(folder: Path, problems: list[Problem]) -> dict[str, str]:
    """The split of each stem, where text files say it."""
    splits: dict[str, str] = {}
    for split in SPLITS:
        path = folder / "ImageSets" / "Main" / f"{split}.txt"
        if path.is_file():
            for stem in filter(None, (line.partition(" ")[0].strip() for line in path.read_text().splitlines())):
                if splits.setdefault(stem, split) != split:
                    problems.append(Problem(path, f"names {stem}, which is in {splits[stem]}.txt, too; keep one"))
    return splits


def _read(path: Path, image: Path, split: str | None) -> Listed:
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except (OSError, ElementTree.ParseError, ValueError) as error:
        why = " ".join(str(error).split())
        raise DataError(Problem(path, f"is no XML ({why:.80}); export it again")) from None
    if root.tag != "annotation":
        raise DataError(
            Problem(path, f"is no annotation but a {root.tag:.40}; Pascal VOC's files begin with <annotation>")
        )
    size = root.find("size")
    known = None
    if size is not None and _number(path, size, "width", "size") > 0:  # labelling tools write 0 for unknown
        known = int(_number(path, size, "height", "size")), int(_number(path, size, "width", "size"))
    marks = []
    for number, entry in enumerate(root.iterfind("object"), 1):
        where = f"object {number}"
        name, box = entry.findtext("name", "").strip(), entry.find("bndbox")
        if not name or box is None:
            raise DataError(Problem(path, f"{where} has no {'name' if box is not None else 'bndbox'}; add it"))
        left, top, right, bottom = (_number(path, box, edge, where) for edge in ("xmin", "ymin", "xmax", "ymax"))
        difficult = entry.findtext("difficult", "0").strip() == "1"
        marks.append(Marked(where, name, (left - 1, top - 1, right, bottom), difficult))
    return Listed(image, path, split, marks, known)


def _number(path: Path, element: ElementTree.Element, tag: str, where: str) -> float:
    text = element.findtext(tag, "").strip()
    try:
        return float(text)
    except ValueError:
        raise DataError(Problem(path, f"{where} needs a number as {tag}; got {text[:40] or 'nothing'}")) from None
