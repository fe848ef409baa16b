import copy
import io
import math
import pickle

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from piste.losses import AbsoluteError, CrossEntropy, Dice, Jaccard, SquaredError, Tversky
from piste.objective import Change, Cycle, Objective, Phase, PhaseState, Ramp, Sequence, Sum, vary

NAN = math.nan


def lakes():
    """Weighted cross-entropy until a recall is reached, then Jaccard at a lower learning rate, three times."""
    return Cycle(
        Phase(CrossEntropy(weight=[1.0, 9.0]), until="recall >= 0.9 for 2 epochs", at_most=4),
        Phase(Jaccard() + Ramp(0.1, 0.5, epochs=3) * Dice(), epochs=3, lr=0.1, reset_optimizer=True, name="clear up"),
        times=3,
    )


def drive(objective, recalls):
    """Phase index, epoch in phase, learning rate factor and what changed, for each epoch."""
    path = []
    for recall in recalls:
        state = objective.phase
        changes = objective.end_epoch({"recall": recall})
        path.append((state.index, state.epoch_in_phase, objective.lr_scale, changes, objective.finished))
    return path


def indices(objective, recalls):
    return [step[0] for step in drive(objective, recalls)]


def test_a_phase_lasts_its_epochs():
    objective = Sequence(Phase(Dice(), epochs=2), Phase(Jaccard(), epochs=1), Phase(Tversky()))
    assert indices(objective, [0.0] * 6) == [0, 0, 1, 2, 2, 2]
    assert not objective.finished


def test_until_ends_a_phase_in_the_epoch_that_fulfils_it():
    objective = Sequence(Phase(Dice(), until="recall >= 0.5"), Phase(Jaccard()))
    assert indices(objective, [0.1, 0.4, 0.5, 0.0]) == [0, 0, 0, 1]


def test_for_k_epochs_means_in_a_row():
    objective = Sequence(Phase(Dice(), until="recall >= 0.5 for 3 epochs"), Phase(Jaccard()))
    assert indices(objective, [0.6, 0.6, 0.4, 0.6, 0.6, 0.6, 0.6]) == [0, 0, 0, 0, 0, 0, 1]


def test_nan_never_triggers_and_breaks_a_row():
    objective = Sequence(Phase(Dice(), until="recall >= 0.5 for 2 epochs"), Phase(Jaccard()))
    assert indices(objective, [0.6, NAN, 0.6, 0.6, 0.6]) == [0, 0, 0, 0, 1]
    objective = Sequence(Phase(Dice(), until="recall < 0.5"), Phase(Jaccard()))
    assert indices(objective, [NAN] * 5) == [0] * 5


def test_a_row_does_not_outlive_its_phase():
    objective = Cycle(Phase(Dice(), until="recall >= 0.5 for 2 epochs"), Phase(Jaccard(), epochs=1), times=2)
    assert indices(objective, [0.6, 0.6, 0.6, 0.6, 0.6, 0.6]) == [0, 0, 1, 2, 2, 3]


def test_at_most_bounds_a_phase_that_waits():
    objective = Sequence(Phase(Dice(), until="recall >= 0.5", at_most=3), Phase(Jaccard()))
    assert indices(objective, [0.1] * 5) == [0, 0, 0, 1, 1]


def test_a_change_says_what_follows_what_and_why():
    objective = lakes()
    changes = [change for step in drive(objective, [0.2, 0.91, 0.9134] + [0.5] * 8) for change in step[3]]
    assert changes == [
        Change("phase", 1, "cross_entropy", "clear up", "recall 0.913 >= 0.9 for 2 epochs", 0.1, True),
        Change("phase", 2, "clear up", "cross_entropy", "after 3 epochs", 1.0, False),
        Change(
            "phase",
            3,
            "cross_entropy",
            "clear up",
            "at_most 4 reached before recall >= 0.9 for 2 epochs; recall is 0.5",
            0.1,
            True,
        ),
    ]


def test_a_cycle_runs_exactly_its_rounds_then_is_finished():
    objective = Cycle(Phase(Dice(), epochs=2), Phase(Jaccard(), epochs=1), times=3)
    path = drive(objective, [0.0] * 9)
    assert [step[0] for step in path] == [0, 0, 1, 2, 2, 3, 4, 4, 5]
    assert [step[4] for step in path] == [False] * 8 + [True]


def test_a_finished_objective_stays_in_its_last_phase():
    objective = Sequence(Phase(Dice(), epochs=1), Phase(Jaccard(), until="recall >= 0.5", lr=0.1))
    drive(objective, [0.0, 0.6])
    assert objective.finished
    assert objective.end_epoch() == []  # it waits for no metric any more
    assert objective.finished
    assert (objective.phase.name, objective.lr_scale) == ("jaccard", 0.1)


def test_lr_lasts_as_long_as_its_phase():
    objective = Cycle(Phase(Dice(), epochs=1), Phase(Jaccard(), epochs=2, lr=0.1), times=2)
    assert objective.lr_scale == 1.0
    assert [step[2] for step in drive(objective, [0.0] * 6)] == [0.1, 0.1, 1.0, 0.1, 0.1, 0.1]


def test_only_the_current_phase_is_priced():
    objective = Sequence(Phase(SquaredError(), epochs=1), Phase(AbsoluteError()))
    prediction, target = torch.tensor([1.0, 3.0]), torch.zeros(2)
    assert_close(objective(prediction, target), torch.tensor(5.0))
    assert list(objective.terms) == ["squared_error"]
    objective.end_epoch()
    assert_close(objective(prediction, target), torch.tensor(2.0))
    assert list(objective.terms) == ["absolute_error"]


def test_ramps_count_the_epochs_of_their_phase_and_start_again_with_each_round():
    moving = Sum(Ramp(1.0, 3.0, epochs=3) * vary(Tversky(alpha=1.0), beta=Ramp(0.5, 0.7, epochs=3)))
    objective = Cycle(Phase(Dice(), epochs=2), Phase(moving, epochs=3), times=2)
    factors = []
    for _ in range(10):
        objective(torch.zeros(1, 2, 3), torch.zeros(1, 3, dtype=torch.long))
        term = objective.terms.get("tversky")
        factors.append(None if term is None else (term.factor, round(objective.phases[1].parts[0].loss.beta, 9)))
        objective.end_epoch()
    ramp = [(1.0, 0.5), (2.0, 0.6), (3.0, 0.7)]
    assert factors == [None, None, *ramp, None, None, *ramp]


def test_sequences_and_cycles_nest():
    inner = Cycle(Phase(Dice(), epochs=1), Phase(Jaccard(), epochs=1), times=2)
    objective = Sequence(Phase(CrossEntropy(), epochs=1), inner, Sequence(Phase(Dice(), epochs=1)), Tversky())
    names = []
    for _ in range(7):
        names.append(objective.phase.name)
        objective.end_epoch()
    assert names == ["cross_entropy", "dice", "jaccard", "dice", "jaccard", "dice", "tversky"]


@pytest.mark.parametrize("thing", [Dice(), Sum(Dice()), Phase(Dice()), Sequence(Dice()), Cycle(Dice(), times=1)])
def test_anything_becomes_an_objective(thing):
    objective = Objective(thing)
    assert isinstance(objective, Sequence)
    assert objective.phase == PhaseState(index=0, name="dice", epoch_in_phase=0)
    assert objective.lr_scale == 1.0
    assert objective.end_epoch({"whatever": 1.0}) == []


@pytest.mark.parametrize(
    "build",
    [
        lambda: Sequence(Phase(Dice()), Phase(Jaccard())),
        lambda: Cycle(Phase(Jaccard(), epochs=1), Phase(Dice()), times=2),
        lambda: Sequence(Dice(), Phase(Jaccard(), epochs=1)),
        lambda: Sequence(Cycle(Phase(Dice()), times=1), Phase(Jaccard(), epochs=1)),
    ],
)
def test_a_phase_without_an_end_must_be_the_last(build):
    with pytest.raises(ValueError, match="'dice' has no end and others follow it"):
        build()


@pytest.mark.parametrize("times", [0, -1, 1.5, True, "3"])
def test_times_is_a_whole_number_of_rounds(times):
    with pytest.raises(ValueError, match="`times` must be a whole number of rounds >= 1; got"):
        Cycle(Phase(Dice(), epochs=1), times=times)


def test_a_metric_that_is_not_there_is_refused_and_changes_nothing():
    objective = Cycle(Phase(Dice(), epochs=2), Phase(Jaccard(), until="recal >= 0.5"), times=1)
    with pytest.raises(ValueError, match=r"the phase 'jaccard' waits for 'recal >= 0.5'.*nearest: recall"):
        objective.end_epoch({"recall": 0.4, "iou": 0.3})
    assert objective.phase.epoch_in_phase == 0
    with pytest.raises(ValueError, match="there are none"):
        objective.end_epoch()


def test_it_prints_itself_as_the_call_that_made_it():
    shown = "Cycle(Phase(Dice(), epochs=1), Phase(Jaccard(), epochs=2, lr=0.1), times=2)"
    assert repr(eval(shown)) == shown
    assert repr(Sequence(eval(shown), Dice())) == f"Sequence({shown}, Dice())"


def saved(objective):
    """A state after a trip through a checkpoint that may hold numbers and names only."""
    file = io.BytesIO()
    torch.save(objective.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@settings(deadline=None)
@given(recalls=st.lists(st.sampled_from([0.2, 0.9, 0.95, NAN]), max_size=30), at=st.integers(0, 30))
@example(recalls=[0.9] * 17, at=16)  # three rounds of 2 + 3 epochs: saved when it had finished
def test_it_resumes_exactly_where_it_was_saved(recalls, at):
    logits, target = torch.tensor([[[0.5, 2.0], [0.0, 1.0]]]), torch.tensor([[0, 1]])

    def rest(objective):
        path = []
        for recall in recalls[at:]:
            total = objective(logits, target)
            path.append((total.item(), objective.terms, *drive(objective, [recall])))
        return path

    straight = lakes()
    drive(straight, recalls[:at])
    resumed = lakes()
    resumed.load_state_dict(saved(straight))
    assert (resumed.phase, resumed.lr_scale, resumed.finished) == (straight.phase, straight.lr_scale, straight.finished)
    assert rest(resumed) == rest(straight)


def test_a_state_of_other_phases_is_refused():
    state = Cycle(Phase(Dice(), epochs=1), Phase(Jaccard(), epochs=1), times=2).state_dict()
    with pytest.raises(ValueError, match="the state is that of an objective with the phases"):
        Cycle(Phase(Dice(), epochs=1), Phase(Jaccard(), epochs=1), times=3).load_state_dict(state)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda objective: pickle.loads(pickle.dumps(objective))])
def test_a_copy_stands_where_the_original_stood_and_moves_alone(again):
    objective = lakes()
    drive(objective, [0.9, 0.9, 0.1])
    twin = again(objective)
    assert (twin.phase, repr(twin)) == (objective.phase, repr(objective))
    drive(twin, [0.1, 0.1])
    assert (objective.phase.index, twin.phase.index) == (1, 2)


def by_hand(phases, times, recalls):
    """The index of the phase in each epoch, told phase by phase instead of epoch by epoch."""
    told, rest = [], list(recalls)
    for index, (epochs, row, at_most) in enumerate(phases * times):
        if epochs is not None:
            length = epochs
        else:
            ends = [k for k in range(row, len(rest) + 1) if all(recall >= 0.5 for recall in rest[k - row : k])]
            length = min([*ends, math.inf if at_most is None else at_most])
        length = min(length, len(rest))
        told += [index] * length
        del rest[:length]
    return told + [len(phases) * times - 1] * len(rest)


fixed = st.tuples(st.integers(1, 4), st.none(), st.none())
waiting = st.tuples(st.none(), st.integers(1, 3), st.none() | st.integers(1, 5))


@settings(deadline=None)
@given(
    phases=st.lists(fixed | waiting, min_size=1, max_size=4),
    times=st.integers(1, 3),
    recalls=st.lists(st.sampled_from([0.4, 0.5, 0.6, NAN]), max_size=40),
)
def test_any_cycle_takes_the_path_told_by_hand(phases, times, recalls):
    objective = Cycle(
        *(
            Phase(Dice(), epochs=epochs, until=row and f"recall >= 0.5 for {row} epochs", at_most=at_most)
            for epochs, row, at_most in phases
        ),
        times=times,
    )
    assert indices(objective, recalls) == by_hand(phases, times, recalls)
