"""Networks that read, as others run them: any number of lines, of any width."""

import sys
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch
from torch import Tensor

from piste.tasks.text.task import TextTask
from piste.training.export import export_onnx, export_torch
from piste.training.recipe import Recipe
from piste.training.run import best_model, start_run
from tests.tasks.text.conftest import document

SIZES = ((1, 60), (3, 132), (2, 32))  # lines and pixels; the example has two lines of 64 pixels


def trained(greys: Path, folder: Path, name: str) -> tuple[Path, TextTask, torch.nn.Module]:
    """A run of one epoch, its task and its model."""
    keys: dict[str, Any] = {"normalize": {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}}
    base = document(greys, epochs=1, device="cpu")
    model = base["model"] | {"name": name, "stride": 2, "depth": 2 if name == "crnn" else 1}
    recipe = Recipe.parse(base | {"data": base["data"] | keys, "model": model})
    start_run(recipe, folder, echo=lambda _: None)
    task = recipe.open()
    assert isinstance(task, TextTask)
    return folder, task, best_model(task, folder).eval()


def images(count: int, width: int) -> Tensor:
    return torch.rand(count, 3, 16, width, generator=torch.Generator().manual_seed(width))


def read_by(task: TextTask, model: torch.nn.Module, image: Tensor) -> Tensor:
    """The probabilities that the task's own forward pass has."""
    normalised = torch.stack([task.data.recipe.normalize(255 * each) for each in image])  # type: ignore[operator]
    lines = [""] * len(image)
    batch = {"image": normalised, "width": [image.shape[3]] * len(image), "length": [0], "target": None, "truth": lines}
    return task.forward(model, batch).prediction.softmax(-1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["crnn", "transformer"])
def test_a_network_is_exported_for_lines_of_any_number_and_width(greys: Path, tmp_path: Path, name: str) -> None:
    run, task, model = trained(greys, tmp_path / name, name)
    export_onnx(run, tmp_path / "model.onnx")
    export_torch(run, tmp_path / "model.pt2")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    program = torch.export.load(tmp_path / "model.pt2").module()
    for count, width in SIZES:
        image = images(count, width)
        with torch.no_grad():
            probs = read_by(task, model, image)
            torch.testing.assert_close(program(image), probs)
        (found,) = session.run(None, {"image": image.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), probs, rtol=1e-4, atol=1e-6)
    facts = session.get_modelmeta().custom_metadata_map
    assert facts["alphabet"] == " abc"
    assert "W a multiple of 2" in facts["takes"]


def test_a_torch_that_would_write_out_the_steps_is_told_of(
    greys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, *_ = trained(greys, tmp_path / "crnn", "crnn")
    monkeypatch.setitem(sys.modules, "torch.export._patches", None)
    with pytest.raises(ValueError, match=r"would write its LSTM for one number of steps alone; take a newer torch"):
        export_torch(run, tmp_path / "model.pt2")
    assert not (tmp_path / "model.pt2").exists()
