"""A user's loss is loaded from a file, and what cannot be loaded is refused in one line."""

import sys
from pathlib import Path

import pytest
import torch

from piste.losses.contract import load_subject

GOOD = """
import torch
from neighbour import FACTOR

def doubled(prediction, target):
    return FACTOR * (prediction - target).abs().mean()

class Module(torch.nn.Module):
    def forward(self, prediction, target):
        return doubled(prediction, target)

class Needy:
    def __init__(self, weight):
        self.weight = weight

built = Module()
number = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "neighbour.py").write_text("FACTOR = 2.0")
    (tmp_path / "syntax.py").write_text("def f(:\n    pass\n")
    (tmp_path / "fails.py").write_text("import torch\n\nx = undefined_name\n")
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "empty.py").write_text("")
    return tmp_path


@pytest.mark.parametrize("name", ["doubled", "Module", "built"])
def test_a_function_a_class_and_an_object_are_all_called_the_same(folder: Path, name: str) -> None:
    path = list(sys.path)
    subject = load_subject(f"{folder}/good.py:{name}")
    assert subject(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0])) == 4.0
    assert sys.path == path


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("good.py", "FILE.py:NAME"),
        ("good:doubled", "FILE.py:NAME"),
        ("good.py:two words", "FILE.py:NAME"),
        ("missing.py:doubled", "there is no file"),
        ("good.py:double", "did you mean doubled, Module?"),
        ("good.py:zzzz", "did you mean Module, Needy, built, doubled?"),
        ("empty.py:zzzz", "it defines nothing that can be called"),
        ("syntax.py:f", "syntax.py fails while it is imported, line 1: SyntaxError"),
        ("fails.py:f", "fails.py fails while it is imported, line 3: NameError: name 'undefined_name'"),
        ("leaves.py:f", "leaves.py fails while it is imported, line 1: SystemExit: 3"),
        ("good.py:Needy", "cannot be built without arguments"),
        ("good.py:number", "is int, which cannot be called"),
    ],
)
def test_what_cannot_be_loaded_is_refused_in_one_line(folder: Path, place: str, words: str) -> None:
    with pytest.raises(ValueError) as refusal:
        load_subject(f"{folder}/{place}")
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
