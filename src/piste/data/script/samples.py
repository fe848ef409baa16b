"""`Samples` as code: the data set of a script, whose samples follow from the split, the epoch and their number."""

from collections.abc import Sequence

from piste.data.script.text import block


def samples_as_code(
    told: str, held: Sequence[str], lines: Sequence[str], *, gives: str = "tuple[Tensor, Tensor]"
) -> str:
    """The class, whose length is that of `self.images`.

    Args:
        told: what its samples are.
        held: lines that set its attributes, from `split` and `epoch`.
        lines: of what makes the sample `index`, the last of which returns it.
        gives: the type of a sample.
    """
    attributes, body = ("\n                ".join(each) for each in (held, lines))
    return block(f'''
        class Samples(Dataset):
            """{told}"""

            def __init__(self, split: str, epoch: int) -> None:
                {attributes}

            def __len__(self) -> int:
                return len(self.images)

            def __getitem__(self, index: int) -> {gives}:
                {body}
    ''')
