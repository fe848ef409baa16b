"""The task of text: what reaches the loss, how lines are read, runs that resume, and what is refused."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from piste.losses import catalogue
from piste.losses.base import Loss
from piste.tasks.text import TextTask
from piste.tasks.text.order import STRETCH, WidthOrder
from piste.training.checkpoint import read_checkpoint
from piste.training.recipe import Recipe, load_recipe
from piste.training.run import resume_run, start_run
from tests.tasks.text.conftest import GREYS, document, draw, write_lines


def opened(path: Path, **keys: Any) -> TextTask:
    task = Recipe.parse(document(path, **keys)).open()
    assert isinstance(task, TextTask)
    return task


class Grey(nn.Module):
    """Reads characters off the grey of the columns, as the lines were drawn: right by construction."""

    def __init__(self, task: TextTask, misread: Mapping[str, str] | None = None) -> None:
        super().__init__()
        known = task.data.alphabet.characters
        self.classes = task.data.alphabet.classes
        says = {grey: (misread or {}).get(char, char) for char, grey in GREYS.items()}
        self.table = {grey: known.index(char) + 1 for grey, char in says.items() if char in known}
        self.anything = nn.Parameter(torch.zeros(1))

    def forward(self, image: Tensor, widths: Tensor) -> Tensor:
        greys = (image[:, 0, 0, ::4] * 255).round().long()
        best = torch.zeros_like(greys)
        for grey, char in self.table.items():
            best[greys == grey] = char
        return 20.0 * nn.functional.one_hot(best, self.classes) + self.anything


@pytest.mark.parametrize("decode", ["greedy", {"beam": {"width": 3}}])
@pytest.mark.parametrize("loss", ["ctc", "focal_ctc"])
def test_a_right_model_makes_no_mistake(greys: Path, decode: Any, loss: str) -> None:
    task = opened(greys, model={"decode": decode}, loss=loss)
    scores, objective = task.scores(), task.objective()
    read = []
    for batch in task.loader("val", train=False, workers=0, batch_size=2):
        output = task.forward(Grey(task), batch)
        assert objective(output.prediction, output.asked) < 1e-3
        assert output.counted == len(batch["name"])
        read += [task.data.alphabet.text(row) for row in task.read(output).tolist()]
        scores.update(output)
    assert read == task.data.lines("val") == ["ab a", "cc", "abcabc", "a", "b bb"]
    assert scores.compute() == {"cer": 0.0, "wer": 0.0, "exact": 1.0}
    assert task.default_metric in task.metric_names


class Unsure(nn.Module):
    """Takes the blank for likelier than the first character, at each step: that twice has 0.36, an a 0.64."""

    def forward(self, image: Tensor, widths: Tensor) -> Tensor:
        return torch.tensor([0.6, 1e-9, 0.4, 1e-9, 1e-9]).log().expand(len(image), image.shape[3] // 4, -1)


@pytest.mark.parametrize(("decode", "read"), [("greedy", ""), ({"beam": {"width": 2}}, "a")])
def test_lines_are_read_as_the_recipe_says(greys: Path, decode: Any, read: str) -> None:
    task = opened(greys, model={"decode": decode})
    batch = list(task.loader("val", train=False, workers=0, batch_size=1))[3]
    output = task.forward(Unsure(), batch)
    assert [task.data.alphabet.text(row) for row in task.read(output).tolist()] == [read]
    scores = task.scores()
    scores.update(output)
    assert scores.compute()["exact"] == float(read == "a")


def test_what_is_padded_counts_for_nothing(greys: Path) -> None:
    task = opened(greys)
    objective, model = task.objective(), task.model().eval()
    (together,) = task.loader("val", train=False, workers=0, batch_size=5)
    output = task.forward(model, together)
    costs = []
    for batch in task.loader("val", train=False, workers=0, batch_size=1):
        alone = task.forward(model, batch)
        costs.append(objective(alone.prediction, alone.asked))
    torch.testing.assert_close(objective(output.prediction, output.asked), torch.stack(costs).mean())


def test_lengths_stay_on_the_cpu_as_plain_numbers(greys: Path) -> None:
    (batch,) = opened(greys).loader("val", train=False, workers=0, batch_size=5)
    assert batch["width"] == [32, 16, 48, 8, 32]
    assert batch["length"] == [4, 2, 6, 1, 4]
    assert all(isinstance(number, int) for number in [*batch["width"], *batch["length"]])


def test_what_no_training_line_has_is_told_and_counts_as_an_error(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x", {"train": ["ab", "ba", "a b"], "val": ["axb", "xx"]})
    task = opened(path)
    assert task.facts()["unknown_characters"] == {"train": {}, "val": {"x": 3}}
    assert task.overview()[1]["not in the alphabet"] == "x"
    (batch,) = task.loader("val", train=False, workers=0, batch_size=2)
    output = task.forward(Grey(task), batch)
    assert task.objective()(output.prediction, output.asked) < 1e-3  # "ab" and nothing are what it can write
    scores = task.scores()
    scores.update(output)
    assert scores.compute() == {"cer": 3 / 5, "wer": 1.0, "exact": 0.0}


SUITED = sorted(name for name, spec in catalogue().items() if "text" in spec.tasks)


def test_the_losses_of_text_read_lines() -> None:
    assert SUITED == ["ctc", "focal_ctc"]


@pytest.mark.parametrize("name", SUITED)
@pytest.mark.parametrize("model", ["crnn", "transformer"])
def test_every_loss_trains_every_model(greys: Path, name: str, model: str) -> None:
    task = opened(greys, loss={name: {"per_character": True}}, model={"name": model, "channels": 16, "width": 16})
    torch.manual_seed(0)
    network, objective = task.model().train(), task.objective()
    assert [loss.blank for loss in objective.modules() if isinstance(loss, Loss)] == [0]
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    values = []
    batch = next(iter(task.loader("train", train=True, workers=0, batch_size=20)))
    for _ in range(15):
        output = task.forward(network, batch)
        loss = objective(output.prediction, output.asked)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    assert values[-1] < 0.8 * values[0]


def run(recipe: Recipe, folder: Path, *sinks: Callable[[Any], None]) -> dict[str, Any]:
    start_run(recipe, folder, sinks=sinks, echo=lambda _: None)
    return json.loads((folder / "summary.json").read_text())


def test_a_run_learns_to_read_and_keeps_what_the_report_shows(greys: Path, tmp_path: Path) -> None:
    summary = run(Recipe.parse(document(greys, epochs=8)), tmp_path / "run")
    assert summary["val"]["default"]["cer"] < 0.5
    assert summary["val"].keys() == {"default", "beam"}
    assert summary["best"]["metric"] == "cer"
    assert summary["alphabet"] == " abc"
    assert summary["lines"] == {"train": 40, "val": 5, "test": 3}
    assert summary["metrics"]["cer"]["smaller_is_better"]
    assert "of the lines without a mistake" in summary["story"]["val"]
    assert len(list((tmp_path / "run" / "snapshots").iterdir())) == 8
    wall = np.load(tmp_path / "run" / "wall.npz")
    assert wall["scores"].tolist() == sorted(wall["scores"].tolist())
    assert wall["panel_names"].tolist() == ["image", "truth and reading"]
    assert wall["panel_0_0"].shape[1] == wall["panel_0_1"].shape[1] == 720
    evaluation = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert len(evaluation["test"]["samples"]) == 3


class StoppedError(Exception):
    pass


def stop_at(epoch: int) -> Callable[[Mapping[str, Any]], None]:
    def sink(event: Mapping[str, Any]) -> None:
        if event["kind"] == "epoch" and event["epoch"] == epoch:
            raise StoppedError

    return sink


def test_a_resumed_run_ends_where_the_uninterrupted_one_ends(greys: Path, tmp_path: Path) -> None:
    data = document(greys)["data"] | {"augment": ["gaussian_noise", {"rotate": {"degrees": 2}}], "normalize": "data"}
    model = {"channels": 16, "width": 16, "depth": 2, "dropout": 0.3}
    recipe = Recipe.parse(document(greys, data=data, model=model, scheduler="cosine", epochs=3))
    run(recipe, tmp_path / "whole")
    with pytest.raises(StoppedError):
        run(recipe, tmp_path / "halved", stop_at(2))
    resume_run(tmp_path / "halved", echo=lambda _: None)
    mine, theirs = (
        read_checkpoint(tmp_path / name / "checkpoints" / "last.pt")["training"]["model"]
        for name in ("halved", "whole")
    )
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"loss": "dice"}, "`dice` does not suit text; these do: ctc, focal_ctc"),
        ({"loss": {"ctc": {"blank": 3}}}, "`blank` is not set at a loss: it is the task's"),
        ({"loss": {"ctc": {"gamma": 3}}}, "`ctc` has no keyword 'gamma'"),
        ({"best": "iou"}, "no metric 'iou'"),
        ({"model": {"name": "crrn"}}, "`model.name`"),
        ({"model": {"heads": 4}}, "`model.heads` does not apply to crnn"),
        ({"model": {"decode": {"beam": {"wide": 4}}}}, "beam has no setting wide"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(greys: Path, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$") as caught:
        opened(greys, **keys)
    assert words in str(caught.value)


def test_a_height_that_no_network_reads_is_refused_before_the_data_are_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`data.height` must be a multiple of 16"):
        opened(tmp_path / "nowhere", data={"path": str(tmp_path / "nowhere"), "height": 20})


def test_a_line_too_narrow_for_its_text_is_named_before_training(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x", {"train": ["abc", "cab"], "val": ["ab", "aa"], "test": ["c"]})
    opened(path)
    stride = {"model": {"stride": 8}}
    # aa needs a blank between two characters: three steps
    with pytest.raises(ValueError, match=r"val01.png: is too narrow: its text 'aa' needs 3 steps, and 16 .* give 2;"):
        opened(path, **stride)
    labels = (path / "labels.csv").read_text()
    (path / "labels.csv").write_text(labels.replace("test00.png,c,", "test00.png,ccc,"))
    with pytest.raises(
        ValueError, match=r"val01.png: .*; take a smaller model.stride, .* \(1 more like it\)$"
    ) as caught:
        opened(path, **stride)
    assert "\n" not in str(caught.value)
    (path / "labels.csv").write_text(labels.replace("test00.png,c,", "test00.png,abcab,"))
    with pytest.raises(ValueError, match=r"test00.png: is too narrow: its text 'abcab' needs 5 steps"):
        opened(path)


def test_batches_hold_lines_of_like_width_in_an_order_of_their_own() -> None:
    widths = [(37 * place) % 200 + 1 for place in range(1003)]

    def order(epoch: int, seed: int = 0) -> list[int]:
        sampler = WidthOrder(widths, seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    def padding(places: list[int]) -> int:
        batches = [[widths[i] for i in places[start : start + 8]] for start in range(0, len(places), 8)]
        return sum(max(batch) * len(batch) - sum(batch) for batch in batches)

    assert order(1) == order(1)
    assert len({tuple(order(epoch, seed)) for epoch in (0, 1) for seed in (0, 1)}) == 4
    assert sorted(order(0)) == list(range(1003))
    assert padding(order(0)) < 0.25 * padding(list(range(1003)))
    firsts = [widths[i] for i in order(0)[::8]]
    assert firsts != sorted(firsts)
    assert STRETCH < 1003


def test_the_order_follows_from_seed_and_epoch_alone(greys: Path) -> None:
    task = opened(greys)

    def names(epoch: int, workers: int) -> list[str]:
        loader = task.loader("train", train=True, workers=workers, batch_size=4)
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        return [name for batch in loader for name in task.names(batch)]

    torch.manual_seed(0)
    first = names(1, workers=0)
    torch.manual_seed(1)
    assert names(1, workers=1) == first
    assert names(2, workers=0) != first
    assert sorted(first) == [f"train{i:02}.png" for i in range(40)]


def test_a_model_says_what_an_image_file_reads(greys: Path, tmp_path: Path) -> None:
    task = opened(greys)
    said = task.predict(Grey(task), greys / "test02.png")
    assert said.facts["text"] == "aa c"
    assert said.facts["probability"] == pytest.approx(1.0, abs=1e-3)
    assert said.pictures["line"].shape[2] == 3
    unsure = task.predict(task.model().eval(), greys / "test02.png")
    assert 0.0 <= unsure.facts["probability"] < 1.0
    with pytest.raises(ValueError, match="no such file"):
        task.predict(Grey(task), tmp_path / "none.png")


def test_a_snapshot_changes_nothing(greys: Path) -> None:
    task = opened(greys, model={"channels": 16, "width": 16, "dropout": 0.5})
    model = task.model().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    picture = task.snapshot(model)
    assert picture is not None
    assert np.array_equal(picture, task.snapshot(model))
    assert picture.dtype == np.uint8
    assert model.training
    assert torch.equal(state, torch.get_rng_state())
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)


def test_augmented_lines_are_shown_beside_their_originals(greys: Path) -> None:
    assert opened(greys).augmented() == {}
    data = document(greys)["data"] | {"augment": [{"gaussian_noise": {"p": 1.0, "sigma": [0.1, 0.1]}}]}
    arrays = opened(greys, data=data).augmented()
    assert arrays["names"][0] == "train00.png"
    original, first, second = (np.asarray(arrays[key]) for key in ("original_0", "augmented_0_0", "augmented_0_1"))
    assert original.shape == first.shape
    assert not np.array_equal(first, second)
    assert np.array_equal(original[..., 0], draw(opened(greys).data.lines("train")[0]))


def test_the_built_in_recipe_opens() -> None:
    overrides = [f"data.lines.{split}=6" for split in ("train", "val", "test")]
    task = load_recipe("lines", overrides).open()
    (batch,) = task.loader("val", train=False, workers=0, batch_size=6)
    assert task.forward(task.model().eval(), batch).prediction.isfinite().all()
