"""The harness of the benchmarks: who takes part, what is refused, and whether it measures what it says."""

from dataclasses import replace

import pytest
import torch
from benchmarks.losses import agree, clock, session, table, verdict
from benchmarks.losses.memory import peak
from benchmarks.losses.plot import draw
from benchmarks.losses.row import Entrant, Inputs, Limits, Row, Setting
from benchmarks.losses.rows import FAMILIES

from piste import losses
from piste.losses import catalogue

MEGA = 2**20
MADE = {"machine": "a machine", "date": "today", "copy": "9 GB/s"}


def square(x: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
    return x.square().mean()


def drawn(dice: torch.Generator) -> Inputs:
    return Inputs((torch.randn(3, 5, generator=dice),), (torch.randn(3, 5, generator=dice),))


LOSS = losses.SquaredError()
MSE = Entrant("torch mse_loss", torch.nn.functional.mse_loss)
ROW = Row(LOSS, Setting("[3, 5]", drawn), Entrant("torch square", square), (MSE,))
INPUTS = drawn(torch.Generator().manual_seed(0))


def measured(row: Row) -> verdict.Figures:
    return verdict.Figures(row, session.Session("cpu", 3, compiles=False).measure(row))


@pytest.fixture(scope="module")
def families() -> dict[str, list[Row]]:
    with session.quiet():
        return {family: list(rows(True)) for family, rows in FAMILIES.items()}


def test_every_loss_has_a_row_and_every_row_a_name_of_its_own(families) -> None:
    rows = [row for of in families.values() for row in of]
    assert {row.name for row in rows} == {*catalogue(), "signed_distance"}
    assert len({row.key for row in rows}) == len(rows)
    assert all(len(row.key) < 120 and "\n" not in row.key for row in rows)


def test_full_rows_are_those_of_a_try_on_larger_inputs(families) -> None:
    with session.quiet():
        full = {family: [row.what for row in rows(False)] for family, rows in FAMILIES.items()}
    assert full == {family: [row.what for row in rows] for family, rows in families.items()}


def test_who_computes_the_same_takes_part() -> None:
    expected = agree.outcome(ROW.ours, INPUTS)
    assert agree.compare(MSE, INPUTS, expected) < 1e-6


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x, t: 1.01 * (x - t).square().mean(), "value"),
        (lambda x, t: (x - t.mean()).square().mean() * 0 + (x.detach() - t).square().mean() + 0 * x.sum(), "gradient"),
        (lambda x, t: (x - t).square().mean().detach(), "gradients"),
        (lambda x, t: (x - t).square().mean() * torch.nan, "value"),
        (lambda x, t: (x - t).square().mean(1), "shape"),
    ],
)
def test_who_computes_something_else_is_refused_and_not_timed(call, words) -> None:
    other = Entrant("someone", call)
    if words != "shape":  # which has no gradient of its own
        with pytest.raises(agree.ComputesSomethingElseError, match=words):
            agree.compare(other, INPUTS, agree.outcome(ROW.ours, INPUTS))
    entry = measured(replace(ROW, peers=(other,))).result.eager["someone"]
    assert entry.problem
    assert not entry.both
    assert entry.peak is None


def test_who_differs_takes_part_with_a_note_and_beats_nobody() -> None:
    other = Entrant("someone", lambda x, t: (x - t).abs().mean(), differs="absolute")
    figures = measured(replace(ROW, peers=(other,)))
    assert figures.time("someone") is not None
    assert figures.against() is None


def test_a_note_on_a_difference_that_is_none_is_refused() -> None:
    figures = measured(replace(ROW, peers=(replace(MSE, differs="in nothing"),)))
    assert list(figures.problems()) == ["torch mse_loss is said to differ (in nothing), but does not"]


def test_who_loses_digits_takes_part_if_that_is_said() -> None:
    def rounded(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return (x - t).square().mean() + 0.01 * (x - x.detach()).sum()

    with pytest.raises(agree.ComputesSomethingElseError, match="gradient"):
        agree.compare(Entrant("someone", rounded), INPUTS, agree.outcome(ROW.ours, INPUTS))
    figures = measured(replace(ROW, peers=(Entrant("someone", rounded, slope=0.1),)))
    assert figures.against() is not None
    assert "loses digits: its gradient is" in table.document({"values": [figures]}, {}, MADE, "")


def test_a_factor_makes_two_means_comparable() -> None:
    summed = Entrant("sum", lambda x, t: (x - t).square().sum(), factor=1 / 15)
    assert agree.compare(summed, INPUTS, agree.outcome(ROW.ours, INPUTS)) < 1e-6


def test_what_raises_is_shown_as_such() -> None:
    def breaks(x: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no such thing\nat all")

    figures = measured(replace(ROW, peers=(Entrant("someone", breaks),)))
    assert list(figures.problems()) == ["someone raises RuntimeError: no such thing"]
    ours = measured(replace(ROW, call=breaks))
    assert list(ours.problems()) == ["piste raises RuntimeError: no such thing"]
    assert "**Not measured:**\n\n- SquaredError(), [3, 5]" in table.document({"values": [ours]}, {}, MADE, "")


def test_the_peak_is_what_is_alive_at_once() -> None:
    """The exponential of 4 MiB is kept for the backward pass, which makes a gradient as large beside it."""
    x = torch.zeros(MEGA)
    both = session.pass_of(Entrant("exp", lambda x: x.exp().sum()), Inputs((x,), ()))
    assert peak(both, "cpu") == pytest.approx(8 * MEGA, rel=0.01)


def test_the_peak_counts_what_came_and_went() -> None:
    """Three steps of 4 MiB, of which two are alive at a time; what was there before counts for nothing."""
    x = torch.zeros(MEGA)

    def chain() -> torch.Tensor:
        with torch.no_grad():
            return ((x + 1) + 1) + 1

    assert peak(chain, "cpu") == pytest.approx(8 * MEGA, rel=0.01)


def test_the_floor_reads_twice_and_writes_once() -> None:
    inputs = Inputs((torch.zeros(10),), (torch.zeros(10, dtype=torch.bool), {"image": torch.zeros(5)}))
    assert inputs.floor_bytes == 2 * (40 + 10 + 20) + 40


def test_everyone_has_as_many_turns_but_for_the_slow(monkeypatch) -> None:
    spans = {"fast": 1.0, "slow": 1500.0}  # milliseconds
    asked = []

    def turn(function, inputs, aim, calls):
        asked.append((function, calls))
        return spans[function] / 2, spans[function]

    monkeypatch.setattr(clock, "turn", turn)
    runners = {name: lambda inputs, name=name: (name, ()) for name in spans}
    times = clock.race(runners, [INPUTS, INPUTS], 9)
    assert (len(times["fast"].both), len(times["slow"].both)) == (9, clock.LEAST)
    assert times["slow"].forward == [750.0] * clock.LEAST
    assert asked[2:6] == [
        ("fast", 10),
        ("slow", 1),
        ("slow", 1),
        ("fast", 10),
    ]  # after one each to see how long it takes


def figures_of(
    ours: float, native: float, peer: float, *, peak: int = 0, limits: Limits = ROW.limits
) -> verdict.Figures:
    """A row that was measured so."""
    entries = {
        name: session.Entry([time / 2] * 3, [time] * 3, peak)
        for name, time in (("piste", ours), ("torch square", native), ("torch mse_loss", peer))
    }
    return verdict.Figures(replace(ROW, limits=limits), session.Result(MEGA, 5 * MEGA, [1.0], entries, {}))


def test_ratios_are_of_medians() -> None:
    figures = figures_of(3.0, 2.0, 4.0)
    assert figures.native() == pytest.approx(1.5)
    assert figures.floor() == pytest.approx(3 / 2.5)
    assert figures.against() == ("torch mse_loss", 0.75)


def test_the_fastest_peer_is_the_one_to_beat() -> None:
    figures = figures_of(3.0, 2.0, 4.0)
    slower = replace(figures.row, peers=(Entrant("slower", square), MSE))
    figures.result.eager["slower"] = session.Entry([4.0], [8.0])
    assert verdict.Figures(slower, figures.result).against() == ("torch mse_loss", 0.75)


def test_targets_are_met_and_missed() -> None:
    limits = Limits(native=1.25, peak=2.5, faster=("torch", 1.5))
    good = figures_of(2.0, 2.0, 4.0, peak=2 * MEGA, limits=limits)
    bad = figures_of(3.0, 2.0, 2.5, peak=3 * MEGA, limits=limits)
    assert [claim.met for claim in good.claims()] == [True] * 4
    assert [claim.met for claim in bad.claims()] == [False] * 4


def test_a_miss_without_a_note_cannot_be_overlooked() -> None:
    families = {"values": [figures_of(3.0, 2.0, 4.0, limits=Limits(native=1.25))]}
    silent = table.document(families, {}, MADE, "losses.svg")
    assert "**Missed without a note:**\n\n- SquaredError(), [3, 5]" in silent
    assert "values | at most 1.25 times native | 0 of 1 | SquaredError(), [3, 5] (1.50)" in silent
    noted = table.document(families, {"SquaredError(), [3, 5]": "Two passes more."}, MADE, "losses.svg")
    assert "Missed without a note" not in noted
    assert "- SquaredError(), [3, 5]: Two passes more." in noted
    stale = table.document({"values": [figures_of(1.0, 2.0, 4.0)]}, {"SquaredError(), [3, 5]": "Old."}, MADE, "")
    assert "**Notes on what is not missed:**\n\n- SquaredError(), [3, 5]" in stale


def test_numbers_survive_the_file_and_the_plot_is_drawn(tmp_path) -> None:
    figures = measured(ROW)
    assert session.Result.of(figures.result.stored()) == figures.result
    draw({"values": [figures]}, tmp_path / "losses.svg")
    assert "</svg>" in (tmp_path / "losses.svg").read_text("utf-8")


@pytest.mark.parametrize("family", FAMILIES)
def test_peers_still_compute_the_same(families, family) -> None:
    """On small inputs; who does not would be left out of the table."""
    with session.quiet():
        for row in families[family]:
            inputs = row.setting.draw(torch.Generator().manual_seed(1))
            expected = agree.outcome(row.ours, inputs)
            for peer in row.peers:
                if not peer.differs:
                    agree.compare(peer, inputs, expected)
