"""Lines of text as plain Python: from a folder, or rendered."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from piste.data.pictures import ImageFiles
from piste.data.script.pictures import shown_as_code
from piste.data.script.reading import changes, changing, image_reader
from piste.data.script.source import source_of
from piste.data.script.text import WIDTH, assigned, block, listed, literal
from piste.data.text.fonts import SUFFIXES, font_file
from piste.data.text.recipe import LINES, LinesRecipe
from piste.data.text.rendering import render
from piste.data.text.text import TextData
from piste.data.text.words import WORDS
from piste.data.text.writing import MONTHS, Writer

SPLITS = ("train", "val")


def lines_as_code(data: TextData) -> tuple[list[str], list[str], list[str]]:
    """Constants, code and lists, for `tasks.base.Scripted`.

    Args:
        data: what is learnt from.

    Raises:
        ValueError: what of it can't be written.
    """
    recipe = data.recipe
    shown, normalised = shown_as_code(recipe, channels=3)
    built_in = recipe.path == LINES
    own = _rendered(recipe.lines or LinesRecipe()) if built_in else _labelled(data)
    constants, code, lists = own
    constants = [
        *constants,
        _alphabet(recipe.alphabet or ""),
        assigned("HEIGHT", recipe.height, "of all lines, in pixels"),
        *shown,
    ]
    image = (
        'torch.from_numpy(render(transcripts()[line], Random(f"{LINES_SEED}/{line}"))).expand(3, -1, -1).contiguous()'
        if built_in
        else "read_image(DATA / line)"
    )
    code = [
        *code,
        _scaled(data),
        *changes(recipe, masked=False),
        *_read(data, image, "int" if built_in else "str"),
        _dataset(data, normalised),
        _PADDED,
    ]
    return constants, code, lists


def _alphabet(characters: str) -> str:
    line = assigned("ALPHABET", characters, "what can be read, from class 1 on; class 0 is the blank")
    if max(map(len, line.splitlines())) <= WIDTH:
        return line
    rows = [characters[i : i + 50] for i in range(0, len(characters), 50)]
    return "\n".join(["ALPHABET = (", *(f"    {literal(row)}" for row in rows), ")"])


def _labelled(data: TextData) -> tuple[list[str], list[str], list[str]]:
    """Files and a table of what they say.

    Raises:
        ValueError: columns have blanks around their names.
    """
    assert isinstance(data.pictures.pictures, ImageFiles)
    header = (data.folder / data.recipe.labels).read_text("utf-8-sig").partition("\n")[0].rstrip("\r")
    if not {"path", "text"} <= set(header.replace('"', "").split(",")):
        raise ValueError(f"`data.labels`: a script reads columns called path and text; take blanks out of {header!r}")
    places = {split: data.splits[split] for split in SPLITS}
    files = [data.pictures.pictures.paths[place] for split in SPLITS for place in places[split]]
    names = [listed(f"{split.upper()}_LINES", [data.pictures.names[i] for i in places[split]]) for split in SPLITS]
    held = ", ".join(f"{literal(split)}: {each.read}" for split, each in zip(SPLITS, names, strict=True))
    texts = block(f'''
        @cache
        def transcripts() -> dict[str, str]:
            """What each image says: composed characters, without blanks at the ends."""
            with (DATA / {literal(data.recipe.labels)}).open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
            return {{row["path"].strip(): unicodedata.normalize("NFC", row["text"]).strip() for row in rows}}
    ''')
    constants = [f"DATA = Path({literal(data.folder.resolve().as_posix())})"]
    lists = [*(each.code for each in names), f"SPLITS = {{{held}}}"]
    return constants, [texts, image_reader(data.recipe, files)], lists


def _rendered(recipe: LinesRecipe) -> tuple[list[str], list[str], list[str]]:
    """Lines that are written and set in fonts."""
    own = [f"{font}.ttf" if Path(font).suffix.lower() not in SUFFIXES else _absolute(font) for font in recipe.fonts]
    settings = {f"recipe.{key}": key.upper() for key in ("fonts", "sizes", "skew", "blur", "noise")}
    drawn = source_of(render, settings=settings, decided={"recipe.skew": True} if recipe.skew else {})
    drawn = drawn.replace("recipe: LinesRecipe, ", "").replace("NDArray[np.uint8]", "np.ndarray")
    constants = [
        'FONT_FOLDER = Path(matplotlib.get_data_path(), "fonts", "ttf")',
        assigned("FONTS", own),
        assigned("SIZES", recipe.sizes, "of letters in pixels, the smallest and the largest"),
        assigned("SKEW", recipe.skew, "degrees that a line is turned by at most"),
        assigned("BLUR", recipe.blur, "the least and the largest sigma in pixels"),
        assigned("NOISE", recipe.noise, "the least and the largest deviation; 1 is from black to white"),
        assigned("LINES_SEED", recipe.seed, "of what lines say and how they look"),
    ]
    count = recipe.train + recipe.val
    code = [
        source_of(Writer),
        block(f'''
            @cache
            def transcripts() -> list[str]:
                """What the lines say."""
                writer = Writer(LINES_SEED, words={recipe.words})
                return [writer.line() for _ in range({count})]
        '''),
        block('''
            @cache
            def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
                """A font of matplotlib's, or of a file, at a size in pixels."""
                return ImageFont.truetype(str(FONT_FOLDER / name), size, layout_engine=ImageFont.Layout.BASIC)
        '''),
        drawn,
    ]
    words = wrap(" ".join(WORDS), WIDTH, break_on_hyphens=False)
    splits = f'SPLITS = {{"train": range({recipe.train}), "val": range({recipe.train}, {count})}}'
    vocabulary = "\n".join(['VOCABULARY = """', *words, '"""', "WORDS = VOCABULARY.split()"])
    return constants, code, [assigned("MONTHS", MONTHS), vocabulary, splits]


def _absolute(font: str) -> str:
    return font_file(font).resolve().as_posix()


def _scaled(data: TextData) -> str:
    mode = data.recipe.pipeline([]).canvas.resize_mode.name
    return block(f'''
        def scaled(image: Tensor) -> Tensor:
            """An image, uint8 [3, H, W], at the height that is read."""
            width = max(1, round(image.shape[2] * HEIGHT / image.shape[1]))
            return T.resize(image, [HEIGHT, width], interpolation=InterpolationMode.{mode})
    ''')


def _read(data: TextData, image: str, kind: str) -> Sequence[str]:
    """`read(line)` and `width_of(line)`, each line read once where all fit into memory."""
    ready = "prepared(scaled(image))" if data.recipe.prepare else "scaled(image)"
    kept = "; kept in memory once it was read" if data.cached else ""
    read = block(f'''
        def read(line: {kind}) -> Tensor:
            """A line before it is augmented and normalised{kept}."""
            image = {image}
            return {ready}
    ''')
    width = block(f'''
        @cache
        def width_of(line: {kind}) -> int:
            """How wide a line is, in pixels."""
            return read(line).shape[2]
    ''')
    return [f"@cache\n{read}" if data.cached else read, width]


def _dataset(data: TextData, normalised: str) -> str:
    changed = "".join(f"\n                {line}" for line in changing(data.recipe))
    return block(f'''
        class Samples(Dataset):
            """Lines, normalised, and what they say."""

            def __init__(self, split: str, epoch: int) -> None:
                self.split, self.epoch = split, epoch
                self.lines = SPLITS[split]

            def __len__(self) -> int:
                return len(self.lines)

            def __getitem__(self, index: int) -> tuple[Tensor, str]:
                image = read(self.lines[index]){changed}
                return {normalised}, transcripts()[self.lines[index]]
    ''')


_PADDED = block('''
    def padded(lines: list[tuple[Tensor, str]]) -> tuple[Tensor, Tensor, list[str]]:
        """A batch: lines as wide as the widest, padded with the mean colour; how wide each is; and what they say."""
        widths = torch.tensor([image.shape[2] for image, _ in lines])
        images = torch.zeros(len(lines), 3, HEIGHT, int(widths.max()))
        for row, (image, _) in zip(images, lines, strict=True):
            row[:, :, : image.shape[2]] = image
        return images, widths, [text for _, text in lines]
''')
