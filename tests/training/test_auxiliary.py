"""Auxiliary outputs in the loop: shares of a step weigh as the whole does, and a bad one is named."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from piste.losses import CrossEntropy
from piste.tasks.base import Batch
from piste.training.checkpoint import read_checkpoint
from piste.training.loop import train
from tests.training.tiny import IGNORE, TinyTask, events_of, recipe

FACTOR = 0.3


class TwoOutputs(nn.Module):
    """No normalisation and no dropout, so that an image's loss does not hang on its batch."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 6, 3, padding=1)
        self.main = nn.Conv2d(6, 2, 1)
        self.other = nn.Conv2d(6, 2, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(image).relu()
        return self.main(features), self.other(features)


class Supervised(TinyTask):
    """The second output is auxiliary; `broken` makes it NaN from a step on."""

    def __init__(self, broken: int | None = None) -> None:
        super().__init__(seed=0)
        self.calls = 0
        self.broken = broken

    def model(self) -> nn.Module:
        return TwoOutputs()

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        logits, other = model(batch["image"])
        target: Tensor = batch["target"]
        self.calls += 1
        if self.calls == self.broken:
            other = other * torch.nan
        auxiliary = [(FACTOR, other)] if model.training else []
        return Batch(logits, target, None, (target != IGNORE).sum(), auxiliary=auxiliary)


def test_a_step_in_shares_is_the_step_of_the_whole(tmp_path: Path) -> None:
    """Images count differently, so that the mean of two batches' means would be another number."""
    sgd = {"sgd": {"lr": 0.1}}
    for name, settings in (("whole", {"batch_size": 4}), ("shares", {"batch_size": 2, "accumulate": 2})):
        train(Supervised(), recipe(epochs=2, optimizer=sgd, **settings), tmp_path / name)
    whole, shares = (read_checkpoint(tmp_path / name / "checkpoints" / "last.pt") for name in ("whole", "shares"))
    for name, weights in whole["training"]["model"].items():
        torch.testing.assert_close(shares["training"]["model"][name], weights)
    pairs = zip(events_of(tmp_path / "whole", "step"), events_of(tmp_path / "shares", "step"), strict=True)
    for one, other in pairs:
        assert list(one["terms"]) == ["cross_entropy", "auxiliary"]
        for term in one["terms"]:
            assert other["terms"][term] == pytest.approx(one["terms"][term], rel=1e-5)
        assert one["loss"] == pytest.approx(sum(term["weighted"] for term in one["terms"].values()), rel=1e-5)


def test_the_first_step_is_that_of_the_two_losses_by_hand(tmp_path: Path) -> None:
    settings = recipe(epochs=1, batch_size=11, optimizer={"sgd": {"lr": 0.1}})
    train(Supervised(), settings, tmp_path / "run")
    torch.manual_seed(settings.seed)
    model = TwoOutputs()
    loader = Supervised().loader("train", train=True, workers=0, batch_size=11)
    loader.sampler.set_epoch(1)  # type: ignore[attr-defined]
    loader.dataset.set_epoch(1)  # type: ignore[attr-defined]
    (batch,) = loader
    loss = CrossEntropy(ignore_index=IGNORE)
    main, other = model(batch["image"])
    (loss(main, batch["target"]) + FACTOR * loss(other, batch["target"])).backward()
    trained = read_checkpoint(tmp_path / "run" / "checkpoints" / "last.pt")["training"]["model"]
    for name, weights in model.named_parameters():
        assert weights.grad is not None
        torch.testing.assert_close(trained[name], weights.detach() - 0.1 * weights.grad)


def test_an_auxiliary_loss_that_is_not_finite_stops_the_run_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError, match=r"step 2: term auxiliary \(nan\)"):
        train(Supervised(broken=2), recipe(), tmp_path / "run")
