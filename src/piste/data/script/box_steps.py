"""Steps of augmentation of images with boxes as code, with the same draws from the same generator."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from piste.data.augment import name_of
from piste.data.augment.base import Augmentation, Canvas
from piste.data.augment.instances import LEAST_SIDE
from piste.data.script.steps import steps_as_code, window_drawn
from piste.data.script.text import block, indented

COLOURS = ("colour_jitter", "equalize", "blur", "gaussian_noise", "grey")
"""Steps that leave boxes where they are."""

SIZES = ("crop", "random_sized_crop", "centre_crop", "resize")
"""Steps after which an image may have another size."""

OBJECTS = '''
    class Objects(NamedTuple):
        """The objects of an image."""

        boxes: Tensor  # left, top, right, bottom in pixels, [n, 4]
        labels: Tensor  # numbers of their classes, [n]
'''

CROWD = "    crowd: Tensor  # whether they count for nothing, [n]"

COUNTED = '''
    def counted(objects: Objects) -> Objects:
        """Those objects that count."""
        return Objects(*(each[~objects.crowd] for each in objects))
'''

VISIBLE = "    visible: Tensor  # the share of its area that each has kept, [n]"

MOVED = f'''
    def enough(objects: Objects) -> Objects:
        """Those objects of which enough can be seen."""
        sides = objects.boxes[:, 2:] - objects.boxes[:, :2]
        stays = (sides >= {LEAST_SIDE:g}).all(1) & (objects.visible >= MIN_VISIBLE) & (objects.visible > 0)
        return Objects(*(each[stays] for each in objects))


    def moved(objects: Objects, matrix: tuple[float, ...], size: tuple[int, int]) -> Objects:
        """Objects after their points went to (xx x + xy y + x0, yx x + yy y + y0), clipped to an image of a size."""
        xx, xy, x0, yx, yy, y0 = matrix
        x, y = objects.boxes[:, [0, 2, 2, 0]], objects.boxes[:, [1, 1, 3, 3]]
        across, down = xx * x + xy * y + x0, yx * x + yy * y + y0
        whole = torch.stack([across.amin(1), down.amin(1), across.amax(1), down.amax(1)], 1)
        boxes = clip_boxes_to_image(whole, size)
        kept = (box_area(boxes) / box_area(whole).clamp_min(1e-9)).clamp(0, 1)
        return enough(objects._replace(boxes=boxes, visible=objects.visible * kept))
'''

CENTRED = '''
    def about_the_centre(image: Tensor, angle: float, move: list[float], zoom: float) -> tuple[float, ...]:
        """Where points go when an image is turned clockwise about its centre, zoomed and moved."""
        down, across = (side / 2 for side in image.shape[1:])
        cos, sin = zoom * math.cos(math.radians(angle)), zoom * math.sin(math.radians(angle))
        x0, y0 = across + move[0] - cos * across + sin * down, down + move[1] - sin * across - cos * down
        return cos, -sin, x0, sin, cos, y0
'''

CUT = '''
    def cut(image: Tensor, objects: Objects, top: int, left: int, height: int, width: int) -> tuple[Tensor, Objects]:
        """A window of an image."""
        objects = moved(objects, (1, 0, -left, 0, 1, -top), (height, width))
        return T.crop(image, top, left, height, width), objects
'''

PADDED = '''
    def padded(image: Tensor, objects: Objects, height: int, width: int) -> tuple[Tensor, Objects]:
        """An image that is at least so high and wide, as much being added on either side."""
        rows, columns = max(height - image.shape[1], 0), max(width - image.shape[2], 0)
        top, left = rows // 2, columns // 2
        image = T.pad(image, [left, top, columns - left, rows - top], fill=FILL)
        return image, moved(objects, (1, 0, left, 0, 1, top), image.shape[1:])
'''

WINDOW = '''
    def window(image: Tensor, objects: Objects, height: int, width: int, draw: Random) -> tuple[Tensor, Objects]:
        """A window of an image, at a random place."""
        image, objects = padded(image, objects, height, width)
        top, left = draw.randint(0, image.shape[1] - height), draw.randint(0, image.shape[2] - width)
        return cut(image, objects, top, left, height, width)
'''

RESIZED = '''
    def resized(image: Tensor, objects: Objects, height: int, width: int) -> tuple[Tensor, Objects]:
        """An image at another size."""
        across, down = width / image.shape[2], height / image.shape[1]
        image = T.resize(image, [height, width], interpolation=InterpolationMode.MODE)
        return image, moved(objects, (across, 0, 0, 0, down, 0), (height, width))
'''

ANOTHER = '''
    def another(draw: Random) -> tuple[Tensor, Objects]:
        """Any of the training images, with its objects."""
        names = SPLITS["train"]
        return read(names[draw.randrange(len(names))])


    def joined(*tables: Objects) -> Objects:
        """All objects in one table."""
        return Objects(*(torch.cat(column) for column in zip(*tables, strict=True)))
'''

MOSAIC = '''
    def mosaic(image: Tensor, objects: Objects, draw: Random) -> tuple[Tensor, Objects]:
        """This sample and three others: a window of each in a corner of an image."""
        height, width = SIZE
        four = [(image, objects), *(another(draw) for _ in range(3))]
        draw.shuffle(four)
        row, column = (min(max(round(side * draw.uniform(LOW, HIGH)), 1), side - 1) for side in (height, width))
        parts, tables = [], []
        for (part, table), (top, left) in zip(four, [(0, 0), (0, column), (row, 0), (row, column)], strict=True):
            size = (height - row if top else row, width - column if left else column)
            part, table = window(part, table, *size, draw)
            parts.append(part)
            tables.append(moved(table, (1, 0, left, 0, 1, top), (height, width)))
        return torch.cat([torch.cat(parts[:2], 2), torch.cat(parts[2:], 2)], 1), joined(*tables)
'''

COVERED = '''
    def covered(cover: Tensor, boxes: Tensor) -> Tensor:
        """The share of each box, in whole pixels, that is covered."""
        shares = torch.zeros(len(boxes))
        for i, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
            rows, columns = (int(y1), max(round(y2), int(y1) + 1)), (int(x1), max(round(x2), int(x1) + 1))
            shares[i] = cover[slice(*rows), slice(*columns)].float().mean()
        return shares
'''

PASTED = '''
    def pasted(image: Tensor, objects: Objects, draw: Random) -> tuple[Tensor, Objects]:
        """A sample with objects of another on it: what is in SHAPE."""
        height, width = image.shape[1:]
        other, others = another(draw)
        mirrored = draw.random() < 0.5
        top = draw.randint(-(height // 2), other.shape[1] - height + height // 2)
        left = draw.randint(-(width // 2), other.shape[2] - width + width // 2)
        across = (-1, 0, other.shape[2] - left) if mirrored else (1, 0, -left)
        other = T.crop(T.horizontal_flip(other) if mirrored else other, top, left, height, width)
        others = moved(others, (*across, 0, 1, -top), (height, width))
        taken = torch.tensor([draw.random() < SHARE for _ in others.labels], dtype=torch.bool)
        others = Objects(*(each[taken] for each in others))
        x1, y1, x2, y2 = others.boxes[:, :, None, None].unbind(1)
        x = (2 * (torch.arange(width) + 0.5) - x1 - x2) / (x2 - x1)  # from -1 at the left of a box to 1 at its right
        y = (2 * (torch.arange(height)[:, None] + 0.5) - y1 - y2) / (y2 - y1)
        cover = (REACH <= 1).any(0)
        visible = objects.visible * (1 - covered(cover, objects.boxes))
        return torch.where(cover, other, image), joined(enough(objects._replace(visible=visible)), others)
'''


class Written(NamedTuple):
    """A step as code.

    Args:
        lines: change `image` and `objects`.
        needs: functions that they call, by name.
    """

    lines: str
    needs: tuple[str, ...]


def box_changes(section: Any, *, alike: bool, crowded: bool) -> tuple[list[str], bool]:
    """`prepared`, `augmented` and `evaluated`, those that do something, with what they call; and whether boxes move.

    Args:
        section: of a recipe.
        alike: whether all images are squares of one size, as they are read.
        crowded: whether some objects count for nothing, which training does without.

    Raises:
        ValueError: names a step that can't be written.
    """
    alike = alike and not any(name_of(type(step)) in SIZES or getattr(step, "height", None) for step in section.augment)
    code: list[str] = []
    needs: dict[str, str] = {}
    for key, name, how in (
        ("prepare", "prepared", "as it is read"),
        ("augment", "augmented", "anew in each epoch, for training"),
        ("evaluate", "evaluated", "for validation"),
    ):
        steps: Sequence[Augmentation] = getattr(section, key)
        if steps:
            canvas = section.pipeline(steps).canvas
            draw = ", draw: Random" if key == "augment" else ""
            lines = "\n".join(_step(step, canvas, key, needs, alike) for step in steps)
            code.append(
                f"def {name}(image: Tensor, objects: Objects{draw}) -> tuple[Tensor, Objects]:\n"
                f'    """Changes an image and its objects, {how}."""\n{indented(lines)}\n    return image, objects'
            )
    if crowded and "another" in needs:
        drawn = "read(names[draw.randrange(len(names))])"
        needs["another"] = needs["another"].replace(
            f"return {drawn}", f"image, objects = {drawn}\n    return image, counted(objects)"
        )
    ordered = [needs[name] for name in _FUNCTIONS if name in needs]
    return [*ordered, *code], bool(needs)


def _step(step: Augmentation, canvas: Canvas, key: str, needs: dict[str, str], alike: bool) -> str:
    """A step as code, what it calls being added."""
    name = name_of(type(step))
    if name in COLOURS:
        return steps_as_code([step], canvas, key=key, masked=False)
    if name not in _WRITERS:
        known = ", ".join((*_WRITERS, *COLOURS))
        raise ValueError(f"`data.{key}`: a script can't do {name} with boxes; it can do {known}")
    written = _WRITERS[name](step, canvas)
    for each in written.needs:
        _add(each, step, canvas, needs, alike)
    if key == "augment":
        return f"if draw.random() < {step.p}:  # {name}\n{indented(written.lines)}"
    return written.lines


def _add(name: str, step: Any, canvas: Canvas, needs: dict[str, str], alike: bool) -> None:
    """A function and those that it calls."""
    code = block(_FUNCTIONS[name])
    if name == "resized":
        code = code.replace("MODE", canvas.resize_mode.name)
    elif name == "pasted":
        shape, reach = ("their boxes", "torch.maximum(x.abs(), y.abs())")
        if step.outline == "ellipse":
            shape, reach = "the ellipses in their boxes", "x.square() + y.square()"
        code = code.replace("SHAPE", shape).replace("REACH", reach).replace("SHARE", repr(step.share))
    elif name == "mosaic":
        size = f"{step.height}, {step.width}" if step.height else "image.shape[1:]"
        code = code.replace("SIZE", size).replace("LOW", repr(step.centre[0])).replace("HIGH", repr(step.centre[1]))
    elif name == "window" and alike:
        code = "\n".join(line for line in code.splitlines() if "padded" not in line)
    if needs.setdefault(name, code) != code:
        raise ValueError(f"`data.augment`: a script can have {name_of(type(step))} with one kind of settings alone")
    for each in _CALLS.get(name, ()):
        if each != "padded" or "padded" in needs[name]:
            _add(each, step, canvas, needs, alike)


def _flip(which: str, matrix: str) -> Callable[[Any, Canvas], Written]:
    lines = f"image = T.{which}_flip(image)\nobjects = moved(objects, {matrix}, image.shape[1:])"
    return lambda step, canvas: Written(lines, ("moved",))


def _rotate90(step: Any, canvas: Canvas) -> Written:
    code = """
        turns = draw.randint(1, 3)
        height, width = image.shape[1:]
        way = [(0, 1, 0, -1, 0, width), (-1, 0, width, 0, -1, height), (0, -1, height, 1, 0, 0)][turns - 1]
        image = torch.rot90(image, turns, (1, 2))
        objects = moved(objects, way, image.shape[1:])
    """
    return Written(block(code), ("moved",))


def _rotate(step: Any, canvas: Canvas) -> Written:
    code = f"""
        angle = draw.uniform(-{step.degrees}, {step.degrees})
        image = T.rotate(image, angle, interpolation=InterpolationMode.{canvas.warp_mode.name}, fill=FILL)
        objects = moved(objects, about_the_centre(image, -angle, [0.0, 0.0], 1.0), image.shape[1:])
    """
    return Written(block(code), ("moved", "about_the_centre"))


def _shift_scale_rotate(step: Any, canvas: Canvas) -> Written:
    mode = f"interpolation=InterpolationMode.{canvas.warp_mode.name}"
    code = f"""
        height, width = image.shape[1:]
        move = [draw.uniform(-{step.shift}, {step.shift}) * width, draw.uniform(-{step.shift}, {step.shift}) * height]
        zoom = 1.0 + draw.uniform(-{step.scale}, {step.scale})
        angle = draw.uniform(-{step.degrees}, {step.degrees})
        image = T.affine(image, angle, move, zoom, [0.0, 0.0], {mode}, fill=FILL)
        objects = moved(objects, about_the_centre(image, angle, move, zoom), image.shape[1:])
    """
    return Written(block(code), ("moved", "about_the_centre"))


def _crop(step: Any, canvas: Canvas) -> Written:
    return Written(f"image, objects = window(image, objects, {step.height}, {step.width}, draw)", ("window",))


def _centre_crop(step: Any, canvas: Canvas) -> Written:
    code = f"""
        image, objects = padded(image, objects, {step.height}, {step.width})
        top, left = (image.shape[1] - {step.height}) // 2, (image.shape[2] - {step.width}) // 2
        image, objects = cut(image, objects, top, left, {step.height}, {step.width})
    """
    return Written(block(code), ("padded", "cut"))


def _random_sized_crop(step: Any, canvas: Canvas) -> Written:
    code = f"""
        image, objects = cut(image, objects, top, left, down, across)
        image, objects = resized(image, objects, {step.height}, {step.width})
    """
    return Written(f"{window_drawn(step)}\n{block(code)}", ("cut", "resized"))


def _resize(step: Any, canvas: Canvas) -> Written:
    if step.height:
        return Written(f"image, objects = resized(image, objects, {step.height}, {step.width})", ("resized",))
    scale = f"{step.longest} / max" if step.longest else f"{step.smallest} / min"
    code = f"""
        scale = {scale}(image.shape[1:])
        image, objects = resized(image, objects, *(max(round(side * scale), 1) for side in image.shape[1:]))
    """
    return Written(block(code), ("resized",))


_FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "moved": MOVED,
        "about_the_centre": CENTRED,
        "cut": CUT,
        "padded": PADDED,
        "window": WINDOW,
        "resized": RESIZED,
        "another": ANOTHER,
        "covered": COVERED,
        "pasted": PASTED,
        "mosaic": MOSAIC,
    }
)
"""What steps call, in the order in which a script has it."""

_CALLS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cut": ("moved",),
        "padded": ("moved",),
        "window": ("padded", "cut"),
        "resized": ("moved",),
        "pasted": ("moved", "another", "covered"),
        "mosaic": ("moved", "another", "window"),
    }
)
"""What these call themselves."""

_WRITERS: Mapping[str, Callable[[Any, Canvas], Written]] = MappingProxyType(
    {
        "horizontal_flip": _flip("horizontal", "(-1, 0, image.shape[2], 0, 1, 0)"),
        "vertical_flip": _flip("vertical", "(1, 0, 0, 0, -1, image.shape[1])"),
        "rotate90": _rotate90,
        "rotate": _rotate,
        "shift_scale_rotate": _shift_scale_rotate,
        "crop": _crop,
        "random_sized_crop": _random_sized_crop,
        "centre_crop": _centre_crop,
        "resize": _resize,
        "copy_paste": lambda step, canvas: Written("image, objects = pasted(image, objects, draw)", ("pasted",)),
        "mosaic": lambda step, canvas: Written("image, objects = mosaic(image, objects, draw)", ("mosaic",)),
    }
)
"""How each step is written, by the name that a recipe gives it."""
