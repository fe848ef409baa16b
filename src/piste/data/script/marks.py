"""What stands in the annotations of images, as code: COCO's JSON, Pascal VOC's XML and YOLO's text."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from piste.data.detection.annotated import Annotated, Listed
from piste.data.detection.coco import load
from piste.data.detection.data import DetectionData
from piste.data.detection.reading import read
from piste.data.detection.yolo import class_names
from piste.data.script.text import assigned, block


class Marks(NamedTuple):
    """The objects of images.

    Args:
        constants: that the code reads.
        code: a function.
        call: the marks of the image called `name`, with the pixels `image`: class, box and, where some count for
            nothing, whether this one does.
        clipped: whether a box reaches beyond its image.
        crowded: whether marks say if they count for nothing.
    """

    constants: list[str]
    code: str
    call: str
    clipped: bool
    crowded: bool


def marks_as_code(data: DetectionData, splits: Mapping[str, Sequence[Annotated]]) -> Marks:
    """The marks of all images of some splits.

    Args:
        data: what these are of.
        splits: images by name of the split; what counts for nothing is read for val alone, where it is scored.

    Raises:
        ValueError: files lie where a script does not look.
    """
    images = {one.image: one for split in splits.values() for one in split}
    listed = [one for one in read(data.folder, data.recipe).listed if one.image in images]
    crowded = any(one.crowd.any() for one in splits["val"])
    dropped = not crowded and any(mark.crowd for one in listed for mark in one.marks)
    sizes = {one.image: images[one.image].size for one in listed}
    clipped = any(_beyond(mark.box, sizes[one.image]) for one in listed for mark in one.marks)
    assert data.recipe.format is not None, "open_detection decides it"
    constants, code, call = _FORMATS[data.recipe.format](data, listed, crowded, dropped)
    return Marks(constants, code, call, clipped, crowded)


def within(path: Path, folder: Path) -> str:
    """Where a file lies, from the folder on if it is in there."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.resolve().as_posix()


def _beyond(box: tuple[float, float, float, float], size: tuple[int, int]) -> bool:
    return min(box) < 0 or box[2] > size[1] or box[3] > size[0]


def _coco(data: DetectionData, listed: Sequence[Listed], crowded: bool, dropped: bool) -> tuple[list[str], str, str]:
    folders: dict[str, str] = {}
    for source in dict.fromkeys(one.source for one in listed):
        own = [one.image.as_posix() for one in listed if one.source == source]
        names = sorted((entry.file_name for entry in load(source).images), key=len, reverse=True)
        ends = {next(image[: -len(name)] for name in names if image.endswith(f"/{name}")) for image in own}
        if len(ends) > 1:
            raise ValueError(f"`data.images`: a script reads the images of {source.name} from one folder")
        folders[within(source, data.folder)] = within(Path(ends.pop()), data.folder)
    mark = 'kinds[each["category_id"]], box' + (', bool(each.get("iscrowd"))' if crowded else "")
    chosen = 'content["annotations"]'
    chosen = f'[each for each in {chosen} if not each.get("iscrowd")]' if dropped else chosen
    code = block(f'''
        @cache
        def annotations() -> dict[str, list[{_kind(crowded)}]]:
            """The objects of each image: {_told(crowded)}."""
            found = {{}}
            for file, folder in FILES.items():
                content = json.loads((DATA / file).read_text("utf-8"))
                names = {{each["id"]: (Path(folder) / each["file_name"]).as_posix() for each in content["images"]}}
                kinds = {{each["id"]: each["name"] for each in content["categories"]}}
                found |= {{name: [] for name in names.values()}}
                for each in {chosen}:
                    left, top, width, height = each["bbox"]
                    box = [left, top, left + width, top + height]
                    found[names[each["image_id"]]].append(({mark}))
            return found
    ''')
    return [assigned("FILES", folders, "annotations, and the folder of their images")], code, "annotations()[name]"


def _voc(data: DetectionData, listed: Sequence[Listed], crowded: bool, dropped: bool) -> tuple[list[str], str, str]:
    difficult = 'each.findtext("difficult", "0").strip() == "1"'
    lines = [
        f"def marks(name: str) -> list[{_kind(crowded)}]:",
        f'    """The objects of an image: {_told(crowded)}."""',
        "    path = Path(name)",
        '    file = DATA / FOLDERS[path.parent.as_posix()] / f"{path.stem}.xml"',
        "    found = []",
        '    for each in ElementTree.parse(file).iterfind("object"):',
        *([f"        if {difficult}:", "            continue"] if dropped else []),
        '        edges = (each.findtext(f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax"))',
        "        left, top, right, bottom = map(float, edges)",
        *([f"        difficult = {difficult}"] if crowded else []),
        "        box = [left - 1, top - 1, right, bottom]  # edges are counted from 1, and the last one belongs to it",
        f'        found.append((each.findtext("name").strip(), box{", difficult" if crowded else ""}))',
        "    return found",
    ]
    return _folders(data, listed), "\n".join(lines), "marks(name)"


def _yolo(data: DetectionData, listed: Sequence[Listed], crowded: bool, dropped: bool) -> tuple[list[str], str, str]:
    lines = (line for one in listed if one.source.is_file() for line in one.source.read_text("utf-8").splitlines())
    if any(len(line.split()) > 5 for line in lines):
        raise ValueError("`data.format`: a script reads boxes from YOLO's lines, and some of these hold polygons")
    names = class_names(data.folder, data.recipe.classes)
    kinds = "CLASSES" if names == list(data.class_names) else "KINDS"
    code = block(f'''
        def marks(name: str, height: int, width: int) -> list[{_kind(crowded)}]:
            """The objects of an image of this size: {_told(crowded)}."""
            path = Path(name)
            path = DATA / FOLDERS[path.parent.as_posix()] / f"{{path.stem}}.txt"
            found = []
            for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
                if line.strip():
                    kind, x, y, across, down = map(float, line.split())
                    left, right = (x - across / 2) * width, (x + across / 2) * width
                    top, bottom = (y - down / 2) * height, (y + down / 2) * height
                    found.append(({kinds}[int(kind)], [left, top, right, bottom]))
            return found
    ''')
    constants = [assigned("KINDS", names, "what the files number")] if kinds == "KINDS" else []
    return [*_folders(data, listed), *constants], code, "marks(name, *image.shape[1:])"


def _folders(data: DetectionData, listed: Sequence[Listed]) -> list[str]:
    """Where the annotations of the images of a folder lie."""
    found = {within(one.image.parent, data.folder): within(one.source.parent, data.folder) for one in listed}
    return [assigned("FOLDERS", found, "of images, and of what is in them")]


def _kind(crowded: bool) -> str:
    return f"tuple[str, list[float]{', bool' if crowded else ''}]"


def _told(crowded: bool) -> str:
    rest = "; and whether it counts for nothing" if crowded else ""
    return f"class; left, top, right and bottom in pixels{rest}"


_FORMATS: Mapping[str, Callable[[DetectionData, Sequence[Listed], bool, bool], tuple[list[str], str, str]]] = (
    MappingProxyType({"coco": _coco, "voc": _voc, "yolo": _yolo})
)
"""How annotations are written: (data, what the files say, whether marks say if they count for nothing, whether those
that do are left out) -> constants, code, call."""
