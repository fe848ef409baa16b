"""`piste losses`, `weights`, `check` and `data check`, and how fast the help answers."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from piste.losses import catalogue
from tests.cli.conftest import Said

Piste = Callable[..., Said]


def test_the_list_is_the_catalogue(piste: Piste) -> None:
    said = piste("losses")
    assert all(f"\n{name} " in said.out for name in catalogue())
    lines = {line.split()[0]: line for line in said.out.splitlines() if line.strip()}
    assert lines["dice"].split()[1:][: len(catalogue()["dice"].tasks)] == sorted(
        task[:3] for task in catalogue()["dice"].tasks
    )
    suited = piste("losses", "--task", "segmentation").out
    for name, spec in catalogue().items():
        assert (f"\n{name} " in suited) == ("segmentation" in spec.tasks)


def test_a_card_says_what_the_loss_declares(piste: Piste) -> None:
    said = piste("losses", "focal")
    assert said.code == 0
    assert "-alpha_t (1 - p_t)^gamma log p_t" in " ".join(said.out.split())
    assert "arXiv:1708.02002, eq. 4 and 5" in said.out
    assert "gamma = 2.0   worth searching: 0 to 5" in said.out
    assert all(f"{keyword}=" in said.out for keyword in ("activation", "weight", "ignore_index", "reduction"))
    assert "loss: focal" in said.out


def test_unknown_names_are_answered_with_the_nearest(piste: Piste) -> None:
    assert "nearest: focal" in piste("losses", "focall").err
    assert "nearest: segmentation" in piste("losses", "--task", "segmentaton").err


def test_weights_of_the_lakes(piste: Piste) -> None:
    said = piste("weights", "lakes")
    assert said.code == 0
    assert "1.75%" in said.out  # the share of lake pixels that the data's own notes give as about 2 %
    assert "inverse" in said.out


def test_the_lakes_are_sound(piste: Piste) -> None:
    said = piste("data", "check", "lakes")
    assert said.code == 0, said
    assert "138" in said.out


def test_check_tells_a_good_loss_from_a_bad_one(piste: Piste, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import torch\n"
        "from torch.nn.functional import cross_entropy\n"
        "def good(logits, target):\n"
        "    return cross_entropy(logits.float() if logits.itemsize < 4 else logits, target)\n"
        "def deaf(logits, target):\n"
        "    return logits.float().square().mean()\n"
    )
    good = piste("check", f"{file}:good")
    assert good.code == 0, good
    deaf = piste("check", f"{file}:deaf")
    assert deaf.code == 1
    assert "target" in deaf.out
    assert "did you mean good" in piste("check", f"{file}:goood").err


def test_the_help_does_not_load_torch() -> None:
    code = "import sys; from piste.cli.app import app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
