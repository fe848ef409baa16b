"""Runs of text as scripts: the same lines in the same order, networks, losses and readings."""

from pathlib import Path
from typing import Any

import pytest
import torch

from piste.metrics.text import TextScores
from piste.tasks.base import Batch
from piste.tasks.text.task import TextTask
from piste.training.recipe import Recipe
from piste.training.script.whole import IMPORTS
from tests.tasks.text.conftest import document, some_texts, write_lines
from tests.training.script.whole import assert_reads_well, assert_same_training, run_with_scripts

SGD = {"sgd": {"lr": 0.05}}
FOCAL = {"focal_ctc": {"gamma": {"ramp": {"from": 0.0, "to": 2.0, "epochs": 2}}, "per_character": True}}
AUGMENTED = {"augment": ["rotate", "gaussian_noise"], "prepare": [{"equalize": {"p": 1.0}}], "normalize": "data"}


def recipes(folder: Path) -> dict[str, dict[str, Any]]:
    lines = {"train": some_texts(40, 0), "val": ["ab a", "c  c", "abcabx", "a", "b bb", "x"]}
    base = document(write_lines(folder / "greys", lines), optimizer=SGD, device="cpu", clip=1.0)
    model, data = base["model"], base["data"]
    rendered = {"train": 20, "val": 5, "test": 2, "words": [1, 2], "seed": 3, "skew": 0.0}
    return {
        "crnn": base | {"data": data | AUGMENTED, "model": model | {"stride": 2, "depth": 2, "dropout": 0.2}},
        "transformer": base
        | {
            "model": model | {"name": "transformer", "decode": {"beam": {"width": 3}}, "dropout": 0.1},
            "loss": {"sum": [FOCAL, {"watch": {"ctc": {"impossible": "zero"}}}]},
            "accumulate": 2,
            "data": data | {"cache": False, "alphabet": "cba é"},
        },
        "lines": base
        | {"data": {"path": "lines", "normalize": "data", "lines": rendered}, "epochs": 1, "batch_size": 4},
    }


ALL = ["crnn", "transformer", "lines"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run and its script for each recipe."""
    folder = tmp_path_factory.mktemp("texts")
    run_with_scripts(recipes(folder), folder)
    return folder


@pytest.mark.parametrize("name", ALL)
def test_a_script_finds_the_losses_and_readings_of_the_run(runs: Path, name: str) -> None:
    assert_same_training(runs, name, metric=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_a_script_reads_well(runs: Path, name: str) -> None:
    assert_reads_well(runs / f"{name}.py", lines=480)


@pytest.mark.parametrize("decode", ["greedy", {"beam": {"width": 3}}])
def test_a_script_reads_and_counts_as_the_task_does(greys: Path, decode: Any) -> None:
    task = Recipe.parse(document(greys, model=document(greys)["model"] | {"decode": decode})).open()
    assert isinstance(task, TextTask)
    names: dict[str, Any] = {"DEVICE": "cpu"}
    exec("\n".join(IMPORTS.values()), names)
    scripted = task.scripted()
    exec("\n\n".join([*scripted.constants, *scripted.code, *scripted.lists]), names)
    truths = ["ab a", "a  b", "cc", "b", "abc abc"]
    logits = 2 * torch.randn(5, 11, 5, generator=torch.Generator().manual_seed(0))
    steps = torch.tensor([11, 9, 11, 3, 10])
    beside = {"logit_lengths": steps}
    read = task.read(Batch(logits, None, None, torch.tensor(5), beside))
    assert names["read_lines"](logits, steps) == (texts := [task.data.alphabet.text(row) for row in read.tolist()])
    assert any(" " in text for text in texts)
    scores = TextScores(task.data.alphabet.space)
    ids = [task.data.alphabet.ids(text) for text in truths]
    scores.update(read, torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=-1))
    truth = names["scores"](names["count"](logits, steps, truths))
    assert truth == pytest.approx(scores.compute(), abs=1e-12)
    assert names["scores"](names["count"](logits, steps, texts)) == {"cer": 0.0, "wer": 0.0, "exact": 1.0}


def test_columns_with_blanks_around_their_names_are_refused(greys: Path) -> None:
    table = greys / "labels.csv"
    table.write_text(table.read_text().replace("path,text", "path, text"))
    with pytest.raises(ValueError, match=r"columns called path and text; take blanks out of 'path, text,split'"):
        Recipe.parse(document(greys)).open().scripted()
