"""Networks that read lines, as code."""

from piste.data.script.source import source_of
from piste.data.script.text import block
from piste.models.text import columns, crnn, transformer
from piste.models.text.recipe import HEADS, TextModelRecipe

KNOWN = {"widths is None": False, "ends is None": False, "isinstance(ends, Tensor)": True}
"""A script gives every line's width."""
RENAMED = {
    "widths: Tensor | None = None": "widths: Tensor",
    "widths: Tensor | int": "widths: Tensor",
    "_cut(": "cut(",
    "_positions(": "positions(",
}


def text_model_as_code(recipe: TextModelRecipe) -> list[str]:
    """`steps_of(widths, stride)`, the network, and `build_model()`, which reads ALPHABET, HEIGHT and STRIDE."""
    parts: list[object]
    if recipe.name == "crnn":
        name, parts, heads = "CRNN", [crnn.CRNN], ""
    else:
        name, parts = "TextTransformer", [transformer._positions, transformer.TextTransformer]
        heads = f"heads={recipe.heads or HEADS}, "
    call = f"{name}(columns, len(ALPHABET) + 1, width={recipe.width}, depth={recipe.depth}, {heads}"
    build = block(f'''
        def build_model() -> nn.Module:
            """The network: scores of the blank and of each character, at each step of a line."""
            columns = Columns(HEIGHT, STRIDE, channels={recipe.channels})
            return {call}dropout={recipe.dropout})
    ''')
    return [*map(_code, [columns.steps_of, columns._cut, columns.Columns, *parts]), build]


def _code(thing: object) -> str:
    code = source_of(thing, decided=KNOWN)
    for name, other in RENAMED.items():
        code = code.replace(name, other)
    return code
