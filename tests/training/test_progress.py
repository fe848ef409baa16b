import io
from pathlib import Path

from rich.console import Console

from piste.losses import CrossEntropy, Dice
from piste.objective import Phase, Sequence
from piste.training.events import Event
from piste.training.loop import train
from piste.training.progress import ProgressBars, number
from tests.training.tiny import IGNORE, TinyTask, recipe


def shown(folder: Path, *, terminal: bool) -> str:
    """What a training of two phases shows."""
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=120, color_system=None)
    entropy, dice = CrossEntropy(ignore_index=IGNORE), Dice(ignore_index=IGNORE)
    with ProgressBars(console) as show:
        train(TinyTask(Sequence(Phase(entropy, epochs=1), Phase(dice))), recipe(epochs=2), folder, sinks=(show,))
    return output.getvalue()


def test_where_there_is_no_terminal_each_epoch_is_a_line(tmp_path: Path) -> None:
    lines = shown(tmp_path / "run", terminal=False).splitlines()
    assert [line.split()[0] for line in lines] == ["epoch", "phase", "epoch", "finished"]
    assert lines[0].startswith("epoch 1/2  cross_entropy  loss 0.")
    assert "  iou 0." in lines[0]
    assert lines[1] == "phase 2: cross_entropy -> dice, after 1 epoch"
    assert lines[2].startswith("epoch 2/2  dice  loss 0.")
    assert lines[3].startswith("finished after 2 epochs; best iou 0.")


def test_a_terminal_has_bars_with_the_loss_its_terms_and_the_phase(tmp_path: Path) -> None:
    text = shown(tmp_path / "run", terminal=True)
    assert "epoch 1/2  cross_entropy" in text
    assert "phase 1: cross_entropy" in text
    assert "1/3 " in text
    assert "loss 0." in text
    assert "= cross_entropy 0." in text


def lines_of(*events: Event) -> list[str]:
    output = io.StringIO()
    with ProgressBars(Console(file=output, width=40)) as show:
        for event in events:
            show(event)
    return output.getvalue().splitlines()


def test_a_resumed_run_knows_its_length() -> None:
    epoch = {
        "kind": "epoch",
        "epoch": 9,
        "phase_name": "dice",
        "train": {"loss": 0.5},
        "val": {"loss": float("nan"), "metrics": {"iou": None, "iou/lake": 0.5}},
        "seconds": 1.25,
    }
    assert lines_of({"kind": "resume", "epoch": 8, "step": 80, "epochs": 10, "steps_per_epoch": 10}, epoch) == [
        "epoch  9/10  dice  loss 0.5000, val -  iou -  1.2 s"
    ]


def test_trouble_is_one_line_however_long_and_whatever_is_in_it() -> None:
    text = "a gradient [/bold] is not finite at epoch 3, step 41, and the line goes on"
    assert lines_of({"kind": "failure", "text": text}) == [f"failure: {text}"]
    stop = {"kind": "early_stop", "metric": "iou", "patience": 3}
    assert lines_of(stop) == ["stopped early: iou did not improve for 3 epochs"]


def test_numbers_are_short() -> None:
    assert [number(value) for value in (0.123456, 2, None, float("nan"))] == ["0.1235", "2.0000", "-", "-"]


def test_the_line_of_an_epoch_has_the_metrics_that_the_task_finds_most_telling() -> None:
    start = {"kind": "start", "epochs": 1, "steps_per_epoch": 1, "key_metrics": ["psnr", "gone"]}
    epoch = {
        "kind": "epoch",
        "epoch": 1,
        "phase_name": "huber",
        "train": {"loss": 0.5},
        "val": {"loss": 0.5, "metrics": {"mae": 0.25, "psnr": 28.5}},
        "seconds": 1.0,
    }
    assert lines_of(start, epoch) == ["epoch 1/1  huber  loss 0.5000, val 0.5000  psnr 28.5000  1.0 s"]
