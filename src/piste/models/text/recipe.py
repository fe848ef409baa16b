"""The `model:` section of text."""

from typing import Annotated, Any, Literal, Self, final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator

from piste.data.entries import entry_schema, read_entry

HEADS = 4


@final
class Greedy(BaseModel):
    """What the most probable path reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@final
class Beam(BaseModel):
    """The most probable text among `width` beginnings that are kept at each step."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: Annotated[int, Field(ge=1, le=100)] = 10


DECODINGS: dict[str, type[BaseModel]] = {"greedy": Greedy, "beam": Beam}


def _read(decode: object) -> object:
    return decode if isinstance(decode, Greedy | Beam) else read_entry(decode, DECODINGS, "a decoding")


def _written(decode: BaseModel) -> str | dict[str, Any]:
    return "greedy" if isinstance(decode, Greedy) else {"beam": decode.model_dump()}


Decoding = Annotated[
    Greedy | Beam, BeforeValidator(_read), PlainSerializer(_written), WithJsonSchema(entry_schema(DECODINGS))
]


@final
class TextModelRecipe(BaseModel):
    """Which network reads, and how its scores become text.

    `name` is `crnn` (convolutions, then LSTMs that go through the line both ways) or `transformer` (convolutions, then
    an encoder whose every step sees all others). `stride` is how many pixels of the line, at the height of the data
    section, one step covers: a narrower step reads narrower characters and takes longer. `channels` is the width of
    the last convolution, `width` that of a step, `depth` the number of LSTMs or of layers of the encoder, `heads` its
    attention heads (4; a transformer's alone). `dropout` is the share of values left out while training. `decode` is
    `greedy`, or `{beam: {width: 10}}`: slower, and where the model is unsure a little better.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: Literal["crnn", "transformer"] = "crnn"
    stride: Literal[2, 4, 8] = 4
    channels: Annotated[int, Field(ge=8, le=2048, multiple_of=8)] = 64
    width: Annotated[int, Field(ge=2, le=2048, multiple_of=2)] = 128
    depth: Annotated[int, Field(ge=1, le=24)] = 2
    heads: Annotated[int, Field(ge=1, le=64)] | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    decode: Decoding = Greedy()

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.name == "crnn" and self.heads is not None:
            raise ValueError("`model.heads` does not apply to crnn, which has no attention; leave it out")
        if self.name == "transformer" and self.width % (self.heads or HEADS):
            raise ValueError(
                f"`model.width` must be a multiple of the {self.heads or HEADS} heads; got {self.width}; "
                f"take {self.width // (self.heads or HEADS) * (self.heads or HEADS) or self.heads or HEADS}"
            )
        return self
