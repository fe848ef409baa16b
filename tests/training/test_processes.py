"""Two processes that share each batch end where one process ends, and go on after a death as if there had been none."""

import resource
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from torch.utils.data import DataLoader

from piste.data.restoration.dataset import SameSize
from piste.training import processes
from piste.training.recipe import load_recipe
from piste.training.run import start_run
from tests.cli.conftest import draw, recipe_for
from tests.training.tiny import events_of, notes_of

SIDE, UNKNOWN = 32, 7


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten training images in batches of three: shares of two and one, and a last batch of one; some pixels unknown.

    The first loss is a mean of pixels, and that of its shares; the second one knows a batch as a whole only.
    """
    folder = tmp_path_factory.mktemp("together")
    draw(folder / "discs", count=20)
    for i, path in enumerate(sorted((folder / "discs" / "masks").iterdir())):
        with Image.open(path) as mask:
            pixels = np.array(mask)
        pixels[: i % 5 * 4] = UNKNOWN
        Image.fromarray(pixels).save(path)
    document = recipe_for(folder / "discs", epochs=2, batch_size=3, optimizer={"sgd": {"lr": 0.05, "momentum": 0.9}})
    document["data"]["ignore"] = [UNKNOWN]
    document["loss"] = {
        "sequence": [
            {"loss": {"sum": ["cross_entropy", {"focal": {}, "scale": 0.5}]}, "epochs": 1},
            {
                "loss": {"sum": [{"cross_entropy": {"weight": [1.0, 4.0]}}, "jaccard"], "weighting": "uncertainty"},
                "epochs": 1,
            },
        ]
    }
    file = folder / "recipe.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def two(*arguments: object) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run([*launcher, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def whole(recipe: Path) -> Path:
    """The run of two processes that nobody interrupts."""
    done = two("-m", "piste", "run", recipe, "--runs", recipe.parent / "runs", "--name", "two")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch 2/2") == 1
    assert done.stdout.count("Report: ") == 1
    return recipe.parent / "runs" / "two"


def figures(folder: Path) -> list[Any]:
    """Every number that the steps and epochs of a run logged."""
    found: list[Any] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            for key in sorted(value):
                collect(value[key])
        elif isinstance(value, int | float):
            found.append(value)

    for event in events_of(folder):
        collect({key: event[key] for key in event if key != "n"})
    return found


@pytest.mark.slow
def test_they_end_where_one_process_ends(recipe: Path, whole: Path) -> None:
    one = recipe.parent / "runs" / "one"
    start_run(load_recipe(str(recipe)), one, echo=lambda _: None)
    kinds = [event["kind"] for event in events_of(one)]
    assert [event["kind"] for event in events_of(whole)] == kinds
    assert kinds.count("step") == 8
    assert figures(whole) == pytest.approx(figures(one), rel=2e-4, abs=2e-5)
    for name in ("wall.npz", "evaluation.json", "summary.json"):
        assert (whole / name).is_file()


@pytest.mark.slow
def test_they_go_on_after_a_death_as_if_nothing_had_happened(recipe: Path, whole: Path) -> None:
    folder = recipe.parent / "runs" / "died"
    died = two("-m", "tests.training.together", recipe, folder, 6)
    assert died.returncode != 0
    assert not (folder / "summary.json").exists()
    resumed = two("-m", "piste", "resume", "died", "--runs", recipe.parent / "runs")
    assert resumed.returncode == 0, resumed.stderr
    assert figures(folder) == pytest.approx(figures(whole), rel=1e-6, abs=1e-9)
    assert len(notes_of(folder, "resume")) == 1


@pytest.mark.slow
def test_a_disk_that_is_full_leaves_no_traceback(recipe: Path) -> None:
    def fill() -> None:  # no file may grow beyond this, as on a disk with nothing left
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "piste"]
    command = [*launcher, "run", recipe, "--runs", recipe.parent / "runs", "--name", "full"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, preexec_fn=fill)
    assert done.returncode != 0
    assert "could not be written: File too large" in done.stderr
    assert "[rank" not in done.stderr  # what torchrun says of a process that ends with a traceback


def test_a_process_that_is_left_alone_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost() -> None:
        raise RuntimeError("[gloo/transport/tcp/pair.cc:561] Connection closed by peer [127.0.0.1]:9119.")

    cli = import_module("piste.cli.app")
    monkeypatch.setattr(cli, "app", lost)
    with pytest.raises(RuntimeError, match="closed by peer"):  # alone, it is something else
        cli.main()
    monkeypatch.setattr(processes, "count", lambda: 2)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said == "piste: another process of this training has stopped, and so does this one; `piste resume` goes on\n"


def test_a_batch_that_is_too_small_to_share_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "count", lambda: 4)
    with pytest.raises(ValueError, match=r"`batch_size` is the number of samples in a step of all processes.*4; got 3"):
        processes.shared(DataLoader([1, 2, 3, 4, 5], batch_size=3), whole=False)  # type: ignore[arg-type]


def test_shares_are_the_batches_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "count", lambda: 2)
    loader: Any = DataLoader(range(7), batch_size=3)  # type: ignore[arg-type]
    seen: dict[str, list[Any]] = {"divided": [], "whole": []}
    for rank in (0, 1):
        monkeypatch.setattr(processes, "rank", lambda rank=rank: rank)
        seen["divided"].append([batch.tolist() for batch in processes.shared(loader, whole=False)])
        seen["whole"].append([batch.tolist() for batch in processes.shared(loader, whole=True)])
    assert seen["divided"] == [[[0, 2], [3, 5], [6]], [[1], [4], [6]]]
    assert seen["whole"] == [[[0, 1, 2], [6]], [[3, 4, 5]]]


def test_batches_that_a_task_makes_in_its_own_way_are_shared_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "count", lambda: 2)
    by_size = SameSize([(4, 4), (6, 6), (4, 4), (4, 4), (6, 6)], batch_size=2)
    loader: Any = DataLoader(range(5), batch_sampler=by_size)  # type: ignore[arg-type]
    found = []
    for rank in (0, 1):
        monkeypatch.setattr(processes, "rank", lambda rank=rank: rank)
        found.append([batch.tolist() for batch in processes.shared(loader, whole=True)])
    assert found == [[[0, 2], [1, 4]], [[3]]]


def test_alone_everything_is_as_it_is() -> None:
    loader: Any = DataLoader(range(7), batch_size=3)  # type: ignore[arg-type]
    assert processes.shared(loader, whole=False) is loader
    assert processes.agree("this") == "this"
    assert processes.of_all([1]) == [1]
    assert (processes.count(), processes.rank(), processes.is_main()) == (1, 0, True)
