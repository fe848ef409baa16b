"""`piste export`: models that run without Piste and say the same."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from tests.cli.conftest import Said

Piste = Callable[..., Said]


def pixels(file: Path) -> np.ndarray:
    """An image file as any program would read it: [1, 3, H, W], 0 … 1."""
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"), np.float32).transpose(2, 0, 1)[None] / 255


@pytest.mark.slow
def test_onnx_says_what_predict_says_at_any_size(
    piste: Piste, write_recipe: Callable[..., Path], discs: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    recipe = write_recipe(epochs=1, data={"normalize": "data"}, optimizer={"adamw": {"lr": 0.01}})
    assert piste("run", recipe, "--name", "small", "--runs", runs).code == 0
    said = piste("export", "small", "--onnx", "--runs", runs)
    assert said.code == 0, said.err
    assert "takes RGB images, float32 [N, 3, H, W], 0 … 1" in said.out
    wide = tmp_path / "wide.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 80, 3), np.uint8)).save(wide)
    files = [discs / "images" / "tile00.png", wide]
    assert piste("predict", "small", *files, "--out", tmp_path / "out", "--runs", runs).code == 0
    session = onnxruntime.InferenceSession(runs / "small" / "model.onnx")
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == ["background", "lake"]
    for file in files:
        (probs,) = session.run(None, {"image": pixels(file)})
        assert np.allclose(probs.sum(1), 1, atol=1e-5)
        with Image.open(tmp_path / "out" / f"{file.stem}.classes.png") as mask:
            assert (np.array(mask) == probs[0].argmax(0)).mean() > 0.999  # but for ties
    both = session.run(None, {"image": np.repeat(pixels(files[0]), 3, 0)})[0]
    assert np.allclose(both[2], both[0], atol=1e-6)


@pytest.mark.slow
def test_a_program_of_torch_says_what_predict_says(piste: Piste, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    assert piste("run", "digits", "--set", "epochs=1", "--name", "d", "--runs", runs).code == 0
    assert piste("export", "d", "--torch", "--out", tmp_path / "d.pt2", "--runs", runs).code == 0
    image = tmp_path / "seven.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (8, 8), np.uint8)).save(image)
    assert piste("predict", "d", image, "--out", tmp_path / "out", "--runs", runs).code == 0
    told = json.loads((tmp_path / "out" / "predictions.jsonl").read_text("utf-8"))["probs"]
    facts = {"piste.json": ""}
    program = torch.export.load(tmp_path / "d.pt2", extra_files=facts).module()
    probs = program(torch.from_numpy(pixels(image)))[0].tolist()
    classes = json.loads(facts["piste.json"])["classes"]
    assert dict(zip(classes, probs, strict=True)) == pytest.approx(told, abs=1e-5)


def test_what_can_not_be_exported_is_refused(piste: Piste, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "empty"
    run.mkdir(parents=True)
    (run / "recipe.yaml").write_text("task: segmentation\ndata: {path: lakes}\nloss: dice\n")
    for arguments, words in (
        ((), "takes one of --onnx, --torch and --script; got none of them"),
        (("--onnx", "--torch"), "got onnx and torch"),
        (("--torch",), "so there is none; choose another metric for `best`"),
    ):
        said = piste("export", "empty", *arguments, "--runs", tmp_path / "runs")
        assert said.code == 2
        assert words in said.err
    assert sorted(path.name for path in run.iterdir()) == ["recipe.yaml"]
