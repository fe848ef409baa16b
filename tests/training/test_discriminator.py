"""Training with two players."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accelerate.utils import set_seed
from torch import nn
from torch.testing import assert_close

from piste.losses import AbsoluteError, GradientPenalty, Hinge, NonSaturating, SquaredError, Wasserstein
from piste.objective import Phase, Ramp, Sequence
from piste.tasks.base import Trainable
from piste.training.checkpoint import read_checkpoint
from piste.training.discriminator import Rival
from piste.training.loop import train
from piste.training.progress import ProgressBars
from piste.training.trackers import TrackerSink
from tests.training.duel import Duel
from tests.training.test_resume import assert_same
from tests.training.tiny import TinyTask, events_of, recipe


def settings(**changes: Any) -> Any:
    return recipe(**{"epochs": 2, "batch_size": 4, "optimizer": {"adam": {"lr": 0.01, "betas": [0.5, 0.9]}}} | changes)


def last(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = read_checkpoint(folder / "checkpoints" / "last.pt")["training"]
    return state


def by_hand(task: Duel, epochs: int, steps: int, lr: float, critic_lr: float) -> tuple[nn.Module, nn.Module]:
    """The textbook's loop of a Wasserstein GAN with gradient penalty."""
    set_seed(0)
    model, critic = task.model(), task.discriminator().module
    of_model = torch.optim.Adam(model.parameters(), lr, betas=(0.5, 0.9), fused=True)
    of_critic = torch.optim.Adam(critic.parameters(), critic_lr, betas=(0.5, 0.9), fused=True)
    loader = task.loader("train", train=True, workers=0, batch_size=4)
    loader.generator = torch.Generator()
    for epoch in range(1, epochs + 1):
        loader.sampler.set_epoch(epoch)
        loader.dataset.set_epoch(epoch)
        set_seed(epoch)
        batches = list(loader)
        for i, batch in enumerate(batches, start=1):
            real, fake = batch["real"], model(batch["latent"])
            of_critic.zero_grad()
            loss = critic(fake.detach()).mean() - critic(real).mean()
            share = torch.rand(len(real))[:, None]
            mixed = (share * real + (1 - share) * fake.detach()).requires_grad_()
            (slope,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
            (loss + 10 * ((slope.norm(dim=1) - 1) ** 2).mean()).backward()
            of_critic.step()
            if i % steps == 0 or i == len(batches):
                of_model.zero_grad()
                (-critic(fake).mean()).backward()
                of_model.step()
    return model, critic


def test_it_trains_as_the_textbook_does(tmp_path: Path) -> None:
    critic = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))  # without dropout, whose order of calls counts
    initial = {name: value.clone() for name, value in critic.state_dict().items()}
    task = Duel(critic=critic, steps=3, lr=0.02)
    train(task, settings(), tmp_path)
    state = last(tmp_path)
    critic.requires_grad_(True).load_state_dict(initial)
    model, critic = by_hand(task, epochs=2, steps=3, lr=0.01, critic_lr=0.02)
    for name, value in model.state_dict().items():
        assert_close(state["model"][name], value, msg=name)
    for name, value in critic.state_dict().items():
        assert_close(state["rival"]["module"][name], value, msg=name)


def test_the_model_steps_once_for_each_few_steps_of_the_discriminator(tmp_path: Path) -> None:
    outcome = train(Duel(steps=3), settings(epochs=1), tmp_path)  # 7 batches: 3, 3 and 1
    assert outcome.steps == 3
    (start,), steps = events_of(tmp_path, "start"), events_of(tmp_path, "step")
    assert start["steps_per_epoch"] == 3
    assert len(steps) == 3
    state = last(tmp_path)["rival"]["optimizer"]["state"][0]
    assert state["step"].item() == 7


def test_events_tell_both_players_apart(tmp_path: Path) -> None:
    train(Duel(SquaredError() + 0.25 * Hinge() + GradientPenalty(weight=2.0)), settings(epochs=1), tmp_path)
    (epoch,) = events_of(tmp_path, "epoch")
    for event in (*events_of(tmp_path, "step"), epoch["train"], epoch["val"]):
        assert list(event["terms"]) == ["squared_error", "hinge"]
        rival = event["discriminator"]
        assert list(rival["terms"]) == ["hinge", "gradient_penalty"]
        assert_close(event["loss"], sum(term["weighted"] for term in event["terms"].values()))
        assert_close(rival["loss"], sum(term["weighted"] for term in rival["terms"].values()))
        assert (event["terms"]["hinge"]["factor"], rival["terms"]["hinge"]["factor"]) == (0.25, 1.0)
    steps = events_of(tmp_path, "step")
    assert all(step["discriminator"]["grad_norm"] > 0 for step in steps)
    counted = [step["counted"] for step in steps]
    mean = sum(n * step["discriminator"]["loss"] for n, step in zip(counted, steps, strict=True)) / sum(counted)
    assert_close(epoch["train"]["discriminator"]["loss"], mean)


def test_the_mean_of_a_step_is_over_all_steps_of_the_discriminator(tmp_path: Path) -> None:
    train(Duel(steps=7, lr=1e-30), settings(epochs=1), tmp_path / "seven")
    train(Duel(steps=1, lr=1e-30), settings(epochs=1, optimizer={"adam": {"lr": 1e-30}}), tmp_path / "one")
    (seven,), ones = events_of(tmp_path / "seven", "step"), events_of(tmp_path / "one", "step")
    first = ones[0]["discriminator"]["terms"]["wasserstein"]["raw"]
    assert seven["discriminator"]["terms"]["wasserstein"]["raw"] != pytest.approx(first)
    mean = sum(s["counted"] * s["discriminator"]["terms"]["wasserstein"]["raw"] for s in ones) / 26
    assert seven["discriminator"]["terms"]["wasserstein"]["raw"] == pytest.approx(mean, abs=0.1)  # dropout differs


def test_a_validation_has_what_both_pay_in_eval_mode(tmp_path: Path) -> None:
    task = Duel(Hinge())
    train(task, settings(epochs=1), tmp_path)
    state, model, critic = last(tmp_path), task.model().eval(), task.discriminator().module.eval()
    model.load_state_dict(state["model"])
    critic.load_state_dict(state["rival"]["module"])
    (batch,) = task.loader("val", train=False, workers=0, batch_size=6)
    real, fake = critic(batch["real"]), critic(model(batch["latent"]))
    (epoch,) = events_of(tmp_path, "epoch")
    assert epoch["val"]["loss"] == pytest.approx(-fake.mean().item())
    both = (1 - real).relu().mean() + (1 + fake).relu().mean()
    assert epoch["val"]["discriminator"]["loss"] == pytest.approx(both.item())


def test_the_limit_of_gradients_holds_for_it_too(tmp_path: Path) -> None:
    task = Duel(Hinge())
    set_seed(0)
    task.model()
    start = task.discriminator().module.state_dict()
    train(task, settings(epochs=1, optimizer={"sgd": {"lr": 1.0, "momentum": 0}}, clip=1e-3), tmp_path)
    moved = [(value - start[name]).norm() for name, value in last(tmp_path)["rival"]["module"].items()]
    assert 1e-4 < torch.stack(moved).norm() <= 7.1e-3  # seven steps of 1e-3


def test_weights_are_cut_after_each_step(tmp_path: Path) -> None:
    train(Duel(Wasserstein(), weight_clip=0.05), settings(), tmp_path)
    weights = [value.abs().max() for value in last(tmp_path)["rival"]["module"].values()]
    assert max(weights) == torch.tensor(0.05)  # some are cut, none exceeds it


def test_its_rate_follows_the_models(tmp_path: Path) -> None:
    objective = Sequence(Phase(Hinge(), epochs=1), Phase(Hinge() + GradientPenalty(), lr=0.5))
    train(Duel(objective, lr=0.04), settings(scheduler="cosine"), tmp_path)
    state = last(tmp_path)
    (mine,), (models,) = state["rival"]["optimizer"]["param_groups"], [events_of(tmp_path, "step")[-1]]
    assert mine["lr"] == pytest.approx(4 * models["lr"])
    assert models["lr"] < 0.005


def test_a_phase_without_a_game_leaves_it_alone(tmp_path: Path) -> None:
    objective = Sequence(Phase(SquaredError(), epochs=1), Phase(SquaredError() + Hinge(), epochs=1))
    train(Duel(objective), settings(), tmp_path)
    first, second = events_of(tmp_path, "epoch")
    assert "discriminator" not in first["train"]
    assert "discriminator" in second["train"]
    assert last(tmp_path)["rival"]["optimizer"]["state"][0]["step"] == 7


def test_a_phase_that_resets_the_optimizer_resets_both(tmp_path: Path) -> None:
    objective = Sequence(Phase(Hinge(), epochs=1), Phase(NonSaturating(), reset_optimizer=True))
    train(Duel(objective), settings(), tmp_path)
    assert last(tmp_path)["rival"]["optimizer"]["state"][0]["step"] == 7


class KilledError(Exception):
    """Ends a training after its first checkpoint."""


@pytest.mark.parametrize(
    "loss", [None, Sequence(Phase(SquaredError(), epochs=1), Phase(Ramp(0, 1, epochs=2) * Hinge()))]
)
def test_a_resumed_run_ends_where_the_uninterrupted_one_ends(loss: Any, tmp_path: Path) -> None:
    plan = settings(epochs=3, ema=0.9, clip=0.5, scheduler={"cosine": {"warmup": 0.5}})
    task = Duel(loss, steps=2 if loss is None else 1, weight_clip=0.2)

    def kill(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["epoch"] == 2 and not event.get("replayed"):
            raise KilledError

    train(task, plan, tmp_path / "whole")
    with pytest.raises(KilledError):
        train(task, plan, tmp_path / "cut", sinks=(kill,))
    train(task, plan, tmp_path / "cut", resume=True)
    assert_same(tmp_path / "cut", tmp_path / "whole")


def test_the_best_weights_are_the_models_alone(tmp_path: Path) -> None:
    task = Duel()
    train(task, settings(), tmp_path)
    best = read_checkpoint(tmp_path / "checkpoints" / "best.pt")
    assert best["model"].keys() == task.model().state_dict().keys()
    assert "rival" not in best


def test_what_it_scores_for_the_model_leaves_no_gradient_in_it(tmp_path: Path) -> None:
    from piste.training.device import start_accelerator

    task, plan = Duel(), settings()
    rival = Rival(task.discriminator(), plan, start_accelerator(plan))
    model = task.model()
    batch = next(iter(task.loader("train", train=True, workers=0, batch_size=4)))
    output = rival.judged(task.forward(model, batch))
    task.objective()(output.prediction, output.asked).backward()
    assert all(parameter.grad is None for parameter in rival.module.parameters())
    assert all(parameter.grad is not None for parameter in model.parameters())
    before = [parameter.detach().clone() for parameter in rival.module.parameters()]
    model.zero_grad()
    rival.learn(task.objective(), task.forward(model, batch), 0.01, lambda *_: None)
    assert all(parameter.grad is None for parameter in model.parameters())
    moved = [not torch.equal(a, b) for a, b in zip(before, rival.module.parameters(), strict=True)]
    assert moved == [True, True, True, False]  # a bias of all scores is no matter to the distance


def test_it_works_in_half_precision(tmp_path: Path) -> None:
    train(Duel(), settings(epochs=1, precision="bf16"), tmp_path)
    (epoch,) = events_of(tmp_path, "epoch")
    assert math.isfinite(epoch["train"]["discriminator"]["loss"])


class Fading(nn.Module):
    """A critic whose scores become infinite as soon as its weights have moved."""

    def __init__(self) -> None:
        super().__init__()
        self.flat = nn.Linear(2, 1)
        self.start = self.flat.weight[0, 0].item()

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.flat(points)
        return scores / (self.flat.weight[0, 0] == self.start)


def test_a_loss_of_the_discriminator_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError) as failure:
        train(Duel(Hinge(), critic=Fading(), steps=2), settings(), tmp_path)
    message = str(failure.value)
    assert message.startswith("the discriminator's loss is ")
    assert "at epoch 1, step 1: term hinge (" in message
    assert "batch train_" in message
    assert "layer the model" in message


class Steep(nn.Module):
    """A critic that is finite where its slope is not."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return (self.bias.abs() + 0 * points.sum(1)).sqrt() + self.bias


def test_a_gradient_of_the_discriminator_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(
        FloatingPointError, match=r"a gradient is not finite at epoch 1, step 1 .* layer discriminator.bias"
    ):
        train(Duel(Hinge(), critic=Steep()), settings(), tmp_path)


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))


@pytest.mark.parametrize(
    ("task", "changes", "message"),
    [
        (Duel(), {"accumulate": 2}, "`accumulate` must be 1 with a discriminator; got 2"),
        (Duel(critic=normed()), {}, r"the discriminator has batch normalisation \(1\).*norm to instance or none"),
        (Duel(AbsoluteError()), {}, "`discriminator` would be trained by nothing: no loss is adversarial"),
        (
            Duel(Sequence(Phase(SquaredError(), epochs=1), Phase(Hinge())), steps=5),
            {},
            "`discriminator.steps` = 5 leaves the model one batch of 5, .* phase 'squared_error'",
        ),
        (TinyTask(Hinge()), {}, "`loss` is adversarial, and the task has no discriminator"),
    ],
)
def test_what_two_players_cannot_do_is_refused(
    task: Trainable, changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        train(task, settings(**changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_terminal_and_trackers_show_what_it_pays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logged: dict[str, float] = {}
    accelerator: Any = SimpleNamespace(
        init_trackers=lambda *_, **__: None,
        log=lambda values, step: logged.update(values),
        end_training=lambda: None,
    )
    tracker = TrackerSink(accelerator, "run", {})
    with ProgressBars() as show:
        train(Duel(), settings(epochs=1), tmp_path, sinks=(show, tracker))
    (epoch,) = events_of(tmp_path, "epoch")
    assert f", discriminator {epoch['train']['discriminator']['loss']:.4f}  " in capsys.readouterr().out
    validated = epoch["val"]["discriminator"]
    assert logged["val/discriminator/loss"] == validated["loss"]
    assert logged["val/discriminator/gradient_penalty"] == validated["terms"]["gradient_penalty"]["raw"]
    assert "train/discriminator/wasserstein" in logged
