"""What text brings to a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piste.data.script.lines import lines_as_code
from piste.data.script.source import source_of
from piste.data.script.text import assigned, block
from piste.metrics.decoding import beam_search
from piste.metrics.text import TEXT_METRICS
from piste.models.text.recipe import Beam
from piste.models.text.script import text_model_as_code
from piste.tasks.base.scripted import Scripted
from piste.tasks.text.order import by_width

if TYPE_CHECKING:
    from piste.tasks.text.task import TextTask


def scripted(task: TextTask) -> Scripted:
    """Lines, a network that scores each of their steps, and error rates of what is read.

    Raises:
        ValueError: names what can't be written.
    """
    constants, code, lists = lines_as_code(task.data)
    model = task.model_recipe
    forward = _FORWARD_SOME_UNKNOWN if task.data.unknown["train"] or task.data.unknown["val"] else _FORWARD
    decoding = [_GREEDY]
    if isinstance(model.decode, Beam):
        decoding = [source_of(beam_search), _BEAM.replace("WIDTH", str(model.decode.width))]
    return Scripted(
        constants=[*constants, assigned("STRIDE", model.stride, "pixels of a line that one step covers")],
        code=[
            *code,
            source_of(by_width),
            *text_model_as_code(model),
            *map(block, [forward, *decoding, _DISTANCE, _COUNT, _SCORES]),
        ],
        lists=lists,
        given=("logits", "target", "logit_lengths", "target_lengths"),
        counted="len(texts)",
        activation="softmax",
        classes=task.data.alphabet.classes,
        axes=1,
        metrics=TEXT_METRICS,
        collate="padded",
        batch=("images", "widths", "texts"),
        judged=("logits", "logit_lengths", "texts"),
        order="by_width([width_of(line) for line in samples.lines], generator)",
    )


_FORWARD = '''
    def forward(model: nn.Module, images: Tensor, widths: Tensor, texts: list[str]) -> tuple[Tensor, ...]:
        """Scores of each class at each step, the classes of all lines' characters in a row, and how many each has."""
        target = torch.tensor([ALPHABET.index(char) + 1 for text in texts for char in text], device=DEVICE)
        target_lengths = torch.tensor([len(text) for text in texts])
        return model(images.to(DEVICE), widths), target, steps_of(widths, STRIDE), target_lengths
'''

_FORWARD_SOME_UNKNOWN = '''
    def forward(model: nn.Module, images: Tensor, widths: Tensor, texts: list[str]) -> tuple[Tensor, ...]:
        """Scores of each class at each step, the classes of all lines' characters in a row, and how many each has."""
        known = [[ALPHABET.index(char) + 1 for char in text if char in ALPHABET] for text in texts]
        target = torch.tensor([i for classes in known for i in classes], dtype=torch.int64, device=DEVICE)
        target_lengths = torch.tensor([len(classes) for classes in known])
        return model(images.to(DEVICE), widths), target, steps_of(widths, STRIDE), target_lengths
'''

_GREEDY = '''
    def read_lines(logits: Tensor, logit_lengths: Tensor) -> list[str]:
        """What the most probable path of each line reads: repeats are merged, then blanks are dropped."""
        paths = [path[:steps] for path, steps in zip(logits.argmax(2).tolist(), logit_lengths.tolist(), strict=True)]
        return ["".join(ALPHABET[i - 1] for i, _ in groupby(path) if i > 0) for path in paths]
'''

_BEAM = '''
    def read_lines(logits: Tensor, logit_lengths: Tensor) -> list[str]:
        """The most probable text of each line that the beam search finds."""
        found, _ = beam_search(logits, logit_lengths, width=WIDTH)
        return ["".join(ALPHABET[i - 1] for i in classes if i > 0) for classes in found.tolist()]
'''

_DISTANCE = '''
    def edit_distance(found: Sequence[str], truth: Sequence[str]) -> int:
        """The fewest insertions, deletions and changes that turn one into the other."""
        row = list(range(len(truth) + 1))
        for i, one in enumerate(found, start=1):
            above, row = row, [i]
            for j, other in enumerate(truth, start=1):
                row.append(min(above[j - 1] + (one != other), above[j] + 1, row[j - 1] + 1))
        return row[-1]
'''

_COUNT = '''
    def count(logits: Tensor, logit_lengths: Tensor, texts: list[str]) -> Tensor:
        """Wrong characters, wrong words and right lines, each beside how many there are: [3, 2]."""
        counts = torch.zeros(3, 2, dtype=torch.float64)
        for found, text in zip(read_lines(logits, logit_lengths), texts, strict=True):
            found_words, words = (re.findall("[^ ]+", line) for line in (found, text))
            counts[0] += torch.tensor([edit_distance(found, text), len(text)])
            counts[1] += torch.tensor([edit_distance(found_words, words), len(words)])
            counts[2] += torch.tensor([found == text, 1])
        return counts
'''

_SCORES = '''
    def scores(counts: Tensor) -> dict[str, float]:
        """Character error rate, word error rate, and the share of lines without a mistake."""
        cer, wer, exact = (counts[:, 0] / counts[:, 1]).tolist()
        return {"cer": cer, "wer": wer, "exact": exact}
'''
