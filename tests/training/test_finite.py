"""A value that is not finite stops the run, names where it arose, and leaves the best checkpoint untouched."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

from piste.losses import CrossEntropy, Dice
from piste.objective import Sum, Watch
from piste.tasks.base import Batch
from piste.training.loop import train
from tests.training.tiny import IGNORE, TinyTask, events_of, notes_of, recipe


class Poisoned(TinyTask):
    """Does something to the model, or to what it predicts, in the third epoch."""

    def __init__(self, loss: Any = None, *, poison: Callable[[nn.Module, Tensor], Tensor], validating: bool = False):
        super().__init__(loss)
        self.poison = poison
        self.validating = validating
        self.epoch = 0

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        self.epoch += "train_0" in batch["name"] and model.training
        output = super().forward(model, batch)
        if self.epoch < 3 or model.training == self.validating:
            return output
        return output._replace(prediction=self.poison(model, output.prediction))


def failure(task: TinyTask, folder: Path, **settings: Any) -> str:
    """Trains until the failure; checks what holds for each of them, and returns what it says."""
    best: list[bytes] = []

    def keep(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["epoch"] == 3 and not best:
            best.append((folder / "checkpoints" / "best.pt").read_bytes())

    with pytest.raises(FloatingPointError) as stopped:
        train(task, recipe(epochs=5, **settings), folder, sinks=(keep,))
    text = str(stopped.value)
    assert "\n" not in text
    assert [note["text"] for note in notes_of(folder, "failure")] == [text]
    assert max(event["epoch"] for event in events_of(folder, "epoch")) == 2
    if best:
        assert (folder / "checkpoints" / "best.pt").read_bytes() == best[0]
    return text


def test_a_term_that_is_not_finite_is_named(tmp_path: Path) -> None:
    calls = 0

    def my_loss(prediction: Tensor, target: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        # 3 batches to train and 2 to validate make an epoch; this is the second batch of the third
        return prediction.mean() * (math.inf if calls == 12 else 1.0)

    def watched(prediction: Tensor, target: Tensor) -> Tensor:
        return prediction.mean() * math.nan

    objective = Sum(CrossEntropy(ignore_index=IGNORE), my_loss, Watch(watched))
    text = failure(TinyTask(objective), tmp_path / "run")
    assert "at epoch 3, step 8: term my_loss (" in text
    assert "cross_entropy" not in text
    assert "watched" not in text
    assert "layer none, the prediction is finite" in text
    assert text.count("train_") == 4


def test_the_layer_is_named(tmp_path: Path) -> None:
    def poison(model: nn.Module, prediction: Tensor) -> Tensor:
        model.get_parameter("1.weight").data.fill_(math.nan)
        return prediction * math.nan

    text = failure(Poisoned(poison=poison), tmp_path / "run")
    assert text.startswith("the loss is nan at epoch 3, step ")
    assert "term cross_entropy (nan)" in text
    assert "layer 1;" in text


def test_an_image_that_is_not_finite_is_named(tmp_path: Path) -> None:
    class Dark(TinyTask):
        def forward(self, model: nn.Module, batch: Any) -> Batch:
            epoch_3 = self.steps >= 6
            self.steps += model.training
            for image, name in zip(batch["image"], batch["name"], strict=True):
                if epoch_3 and name == "train_5":
                    image.fill_(math.inf)
            return super().forward(model, batch)

        steps = 0

    text = failure(Dark(), tmp_path / "run")
    assert "train_5" in text
    assert "layer 0, whose input is not finite either;" in text


def test_a_gradient_that_is_not_finite_is_named_though_the_loss_is_finite(tmp_path: Path) -> None:
    """The root of zero is zero, and its slope infinite."""

    def poison(model: nn.Module, prediction: Tensor) -> Tensor:
        return prediction + (prediction * 0).sqrt()

    text = failure(Poisoned(poison=poison), tmp_path / "run")
    assert text.startswith("a gradient is not finite at epoch 3, step ")
    assert "although the loss is: batch train_" in text
    assert "layer 4.bias, the first on the way back" in text


def test_the_weights_that_made_it_are_kept(tmp_path: Path) -> None:
    task = Poisoned(poison=lambda model, prediction: prediction + (prediction * 0).sqrt())
    models: list[nn.Module] = []
    make = task.model
    task.model = lambda: models.append(make()) or models[-1]  # type: ignore[func-returns-value, method-assign]
    failure(task, tmp_path / "run")
    assert all(parameter.isfinite().all() for parameter in models[0].parameters())


def test_a_validation_that_is_not_finite_is_no_better(tmp_path: Path) -> None:
    task = Poisoned(poison=lambda model, prediction: prediction * math.nan, validating=True)
    assert "the loss is nan at the validation of epoch 3: " in failure(task, tmp_path / "run")


def test_what_is_only_watched_may_be_undefined(tmp_path: Path) -> None:
    def undefined(prediction: Tensor, target: Tensor) -> Tensor:
        return prediction.sum() * math.nan

    train(TinyTask(Dice(ignore_index=IGNORE) + Watch(undefined)), recipe(epochs=1), tmp_path / "run")
    (epoch,) = events_of(tmp_path / "run", "epoch")
    assert epoch["train"]["terms"]["undefined"] == {"raw": None, "factor": 0.0, "weighted": 0.0}
    assert math.isfinite(epoch["train"]["loss"])


@pytest.mark.parametrize(("loss_is", "says"), [("finite", "layer 4.bias, the first on"), ("nan", "layer unknown")])
def test_where_steps_are_settled_together_the_step_is_named_all_the_same(
    loss_is: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, where the weights have moved on by then."""
    monkeypatch.setattr("piste.training.book.AT_ONCE", {"cpu": 3})
    factor = 0.0 if loss_is == "finite" else math.nan
    task = Poisoned(poison=lambda model, prediction: prediction + (prediction * factor).sqrt())
    text = failure(task, tmp_path / "run")
    assert says in text
    steps = [event["step"] for event in events_of(tmp_path / "run", "step")]
    assert f"epoch 3, step {len(steps) + 1}" in text
