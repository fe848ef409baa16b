"""The segmentation task: targets for each activation, the order of training, and the metrics that reach triggers."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from piste.data.counts import IGNORE_INDEX
from piste.data.distance import distance_maps
from piste.data.recipe import SegmentationDataRecipe
from piste.models.recipe import SegmentationModelRecipe
from piste.tasks.base import Batch
from piste.tasks.segmentation import SegmentationTask

NAMES = ["ground", "lake", "river"]


def open_stripes(folder: Path, activation: str = "softmax", loss: object = "cross_entropy") -> SegmentationTask:
    data = SegmentationDataRecipe(path=str(folder), classes={"ground": 0, "lake": 1, "river": 2}, background="ground")
    model = SegmentationModelRecipe.model_validate({"depth": 3, "width": 16, "activation": activation})
    return SegmentationTask.open({"data": data, "model": model}, loss, seed=3)


class Grey(nn.Module):
    """Reads the class off the grey value, as the images were drawn: a model that is right by construction."""

    def __init__(self, channels: list[int], shift: int = 0) -> None:
        super().__init__()
        self.channels = channels
        self.shift = shift

    def forward(self, image: Tensor) -> Tensor:
        grey = ((image[:, 0] * 0.229 + 0.485) * 255 / 60).round().long()
        logits = torch.stack([(grey == channel).float() * 20 - 10 for channel in self.channels], 1)
        return logits.roll(self.shift, -1)


@pytest.mark.parametrize(("activation", "channels"), [("softmax", [0, 1, 2]), ("sigmoid", [1, 2])])
def test_a_right_model_scores_1_everywhere(stripes: Path, activation: str, channels: list[int]) -> None:
    loss = "cross_entropy" if activation == "softmax" else "binary_cross_entropy"
    task = open_stripes(stripes, activation, loss)
    scores, model, objective = task.scores(), Grey(channels), task.objective()
    for batch in task.loader("val", train=False, workers=0, batch_size=2):
        output = task.forward(model, batch)
        assert objective(output.prediction, output.target, mask=output.mask) < 1e-3
        assert torch.equal(task.truth(output), batch["target"])
        scores.update(output)
    metrics = scores.compute()
    assert metrics["iou"] == metrics["recall/lake"] == metrics["object_f1"] == 1.0
    assert set(metrics) == set(task.metric_names)


def test_what_is_ignored_counts_nowhere(stripes: Path) -> None:
    for activation, elements in (("softmax", 1), ("sigmoid", 2)):
        task = open_stripes(stripes, activation, "focal")
        batch = next(iter(task.loader("val", train=False, workers=0, batch_size=3)))
        batch["target"][:, :5] = 255
        output = task.forward(Grey([0, 1, 2][3 - (3 if activation == "softmax" else 2) :]), batch)
        assert output.counted == 3 * 11 * 16 * elements
        assert torch.equal(task.truth(output), batch["target"])


def order(task: SegmentationTask, epoch: int, workers: int) -> list[str]:
    loader = task.loader("train", train=True, workers=workers, batch_size=4)
    loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
    return [name for batch in loader for name in task.names(batch)]


def test_the_order_follows_from_seed_and_epoch_alone(stripes: Path) -> None:
    task = open_stripes(stripes)
    torch.manual_seed(0)
    first = order(task, 1, workers=0)
    torch.manual_seed(1)
    assert order(task, 1, workers=1) == first
    assert order(task, 2, workers=0) != first
    assert sorted(first) == [f"train{i}" for i in range(6)]


def test_class_weights_come_from_the_training_masks(stripes: Path) -> None:
    task = open_stripes(stripes, loss={"cross_entropy": {"weight": "inverse"}})
    weight = task.loss["cross_entropy"]["weight"]
    # 16 columns of 3 classes: 6, 5 and 5 columns each, rolled along, in every image; inverse frequency, mean 1
    inverse = [1 / 6, 1 / 5, 1 / 5]
    assert weight == pytest.approx([w / (sum(inverse) / 3) for w in inverse], rel=1e-5)


def test_a_sigmoid_model_has_no_channel_for_the_background(stripes: Path) -> None:
    batch = torch.zeros(1, 3, 16, 16)
    assert open_stripes(stripes, "sigmoid", "focal").model()(batch).shape[1] == 2
    assert open_stripes(stripes).model()(batch).shape[1] == 3


def test_a_half_precision_prediction_is_widened(stripes: Path) -> None:
    task = open_stripes(stripes)
    batch = next(iter(task.loader("val", train=False, workers=0, batch_size=3)))

    class Half(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return Grey([0, 1, 2])(image).half()

    output: Batch = task.forward(Half(), batch)
    assert output.prediction.dtype == torch.float32


@pytest.mark.parametrize(("activation", "classes"), [("softmax", [0, 1, 2]), ("sigmoid", [1, 2])])
def test_a_boundary_loss_gets_the_maps_of_the_scored_classes_and_the_others_labels(
    stripes: Path, activation: str, classes: list[int]
) -> None:
    ramp = {"ramp": {"from": 0.01, "to": 1.0, "epochs": 5}}
    task = open_stripes(stripes, activation, {"sum": ["dice", {"boundary": {}, "scale": ramp}]})
    for workers in (0, 1):
        (batch,) = task.loader("val", train=False, workers=workers, batch_size=3)
        batch["target"][:, :5] = IGNORE_INDEX
        output = task.forward(Grey(classes), batch)
        assert isinstance(output.asked, dict)
        assert output.asked.keys() == {"labels", "distance"}
        for maps, target in zip(output.asked["distance"], batch["target"], strict=True):
            torch.testing.assert_close(maps[:, 5:], distance_maps(target[5:], classes))  # stripes: rows are alike
        objective = task.objective()
        value = objective(output.prediction, output.asked, mask=output.mask)
        right = output.asked["distance"][:, :, 5:].clamp(max=0).mean()  # sure and right: its own side of each map
        assert objective.terms["boundary"].raw.item() == pytest.approx(right.item(), abs=1e-3)
        assert value.item() == pytest.approx(0.01 * right.item(), abs=1e-3)


def test_what_no_loss_reads_is_not_made(stripes: Path) -> None:
    task = open_stripes(stripes, "softmax", {"sum": ["dice", "cross_entropy"]})
    batch = next(iter(task.loader("val", train=False, workers=0, batch_size=3)))
    assert "distance" not in batch
    assert isinstance(task.forward(Grey([0, 1, 2]), batch).asked, Tensor)


@pytest.mark.parametrize(("loss", "masked"), [("hard_mining", False), ("dice", False), ("boundary", True)])
def test_ignored_pixels_are_masked_for_losses_that_know_no_ignored_id(stripes: Path, loss: str, masked: bool) -> None:
    task = open_stripes(stripes, "softmax", loss)
    batch = next(iter(task.loader("val", train=False, workers=0, batch_size=3)))
    batch["target"][:, :5] = IGNORE_INDEX
    mask = task.forward(Grey([0, 1, 2]), batch).mask
    assert (mask is not None) == masked
    if mask is not None:
        assert torch.equal(mask, batch["target"] != IGNORE_INDEX)
