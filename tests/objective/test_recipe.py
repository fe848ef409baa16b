import copy
import json

import pytest
import torch
import yaml
from torch.testing import assert_close

from piste.balance import ClassCounts
from piste.losses import CrossEntropy, Focal, HardMining, catalogue
from piste.objective import Objective, Ramp
from piste.objective.recipe import build, resolve

LAKES = ClassCounts(pixels=(980, 20), images=(10, 6), containing=(1000, 600), total=1000)
METRICS = ["iou", "precision", "recall", "recall/lake"]


def full(section, **changes):
    """The resolved section of a two-class segmentation with softmax, or of what `changes` make of it."""
    known = {
        "task": "segmentation",
        "activation": "softmax",
        "class_names": ["background", "lake"],
        "counts": LAKES,
        "metrics": METRICS,
    }
    return resolve(yaml.safe_load(section) if isinstance(section, str) else section, **known | changes)


def built(section, activation="softmax", ignore_index=None, **changes):
    return build(full(section, activation=activation, **changes), activation=activation, ignore_index=ignore_index)


CYCLE = """
cycle:
  times: 3
  phases:
    - {loss: {cross_entropy: {weight: inverse}}, until: recall>=0.9, at_most: 6}
    - {loss: jaccard, epochs: 3, lr: 1e-1}
"""

SUM = """
sum:
  - cross_entropy
  - {dice: {per_image: true}, scale: 0.5}
  - {dice: {classes: [lake]}, scale: {ramp: {from: 0.01, to: 1.0, epochs: 20}}, name: lakes}
  - {watch: {jaccard: {}}}
"""

NESTED = """
sequence:
  - {loss: {focal: {gamma: {ramp: {from: 0, to: 2, epochs: 10, shape: steps, steps: 5}}}}, epochs: 10}
  - {cycle: {times: 2, phases: [{loss: {sum: [dice, cross_entropy]}, epochs: 1}, {loss: jaccard, epochs: 1}]}}
  - jaccard
"""

SECTIONS = [CYCLE, SUM, NESTED, "dice", "dice:", "{tversky: {alpha: 0.2, beta: 0.8}, scale: 2}"]


def test_a_cycle_is_written_out_in_full():
    assert full(CYCLE) == {
        "cycle": {
            "times": 3,
            "phases": [
                {
                    "loss": {"cross_entropy": {"label_smoothing": 0.0, "weight": [0.04, 1.96]}},
                    "until": "recall >= 0.9",
                    "at_most": 6,
                    "lr": 1.0,
                    "reset_optimizer": False,
                    "name": "cross_entropy",
                },
                {
                    "loss": {
                        "jaccard": {
                            "weight": None,
                            "per_image": False,
                            "classes": "all",
                            "absent": None,
                            "smooth": 0.0,
                        }
                    },
                    "epochs": 3,
                    "lr": 0.1,
                    "reset_optimizer": False,
                    "name": "jaccard",
                },
            ],
        }
    }


def test_the_terms_of_a_sum_get_their_factors_and_names():
    terms = full(SUM)["sum"]
    assert [(term.get("scale"), term["name"]) for term in terms] == [
        (1.0, "cross_entropy"),
        (0.5, "dice"),
        ({"ramp": {"from": 0.01, "to": 1.0, "epochs": 20, "shape": "linear"}}, "lakes"),
        (None, "jaccard"),
    ]
    assert terms[2]["dice"]["classes"] == [1]


@pytest.mark.parametrize("section", SECTIONS)
def test_resolving_again_changes_nothing_and_neither_does_yaml(section):
    resolved = full(section)
    before = copy.deepcopy(resolved)
    assert full(resolved) == resolved == before
    assert yaml.safe_load(yaml.safe_dump(resolved)) == resolved == json.loads(json.dumps(resolved))


def test_resolving_leaves_the_section_alone():
    section = yaml.safe_load(CYCLE)
    before = copy.deepcopy(section)
    full(section)
    assert section == before


def test_the_objective_is_the_one_that_was_written():
    objective = built(CYCLE, ignore_index=255)
    assert repr(objective) == (
        "Cycle(Phase(CrossEntropy(weight=[0.04, 1.96], ignore_index=255), until='recall >= 0.9', at_most=6, "
        "name='cross_entropy'), Phase(Jaccard(ignore_index=255), epochs=3, lr=0.1, name='jaccard'), times=3)"
    )
    assert isinstance(objective, Objective)


def test_sums_ramps_and_watched_losses_are_built():
    (phase,) = built(SUM).phases
    assert [(term.name, term.factor, term.watched) for term in phase.parts] == [
        ("cross_entropy", 1.0, False),
        ("dice", 0.5, False),
        ("lakes", Ramp(0.01, 1.0, epochs=20), False),
        ("jaccard", 1.0, True),
    ]
    assert phase.parts[1].loss.per_image
    assert phase.parts[2].loss.classes == [1]


def test_stages_nest_and_keywords_move():
    objective = built(NESTED)
    names = []
    for _ in range(15):
        names.append(objective.phase.name)
        objective.end_epoch()
    assert names == ["focal"] * 10 + ["dice + cross_entropy", "jaccard"] * 2 + ["jaccard"]
    assert objective.phases[0].parts[0].moving == {"gamma": Ramp(0, 2, epochs=10, shape="steps", steps=5)}


def test_sequence_has_a_second_name():
    assert repr(built("phases: [{loss: dice, epochs: 1}, jaccard]")) == repr(
        built("sequence: [{loss: dice, epochs: 1}, jaccard]")
    )


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_loss_builds_where_it_suits_and_is_refused_where_it_does_not(name, activation):
    spec = catalogue()[name]
    for task in ("segmentation", "classification", "regression"):
        reads = spec.activations if "loss" not in spec.parameters else ()
        if task in spec.tasks and (not reads or activation in reads):
            resolved = full(name, task=task, activation=activation)
            assert set(resolved[name]) == set(spec.parameters) - {"activation", "ignore_index", "reduction"}
            loss = build(resolved, activation=activation).phases[0].parts[0].loss
            assert type(loss) is spec.cls
            assert getattr(loss, "activation", activation) == activation
        else:
            with pytest.raises(ValueError, match=f"loss: `{name}` (does not suit {task}|reads scores of)"):
                full(name, task=task, activation=activation)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_loss_within_a_loss_is_resolved_and_built_as_any_other(activation):
    weighted = {"hard_mining": {"loss": {"focal": {"gamma": "1e0", "weight": "inverse"}}, "keep": 0.5}}
    resolved = full(weighted, activation=activation)
    assert resolved["hard_mining"]["loss"]["focal"]["weight"] == pytest.approx([0.04, 1.96])
    (inner,) = [loss for loss in build(resolved, activation=activation).modules() if isinstance(loss, Focal)][:1]
    assert (inner.gamma, inner.activation) == (1.0, activation)
    by_default = build(full("hard_mining", activation=activation), activation=activation, ignore_index=255)
    (loss,) = [loss.loss for loss in by_default.modules() if isinstance(loss, HardMining)]
    assert repr(loss) == repr(CrossEntropy(activation=activation, ignore_index=255))


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        ("inverse", [0.04, 1.96]),  # 1000 / 1960 and 1000 / 40, scaled to average 1
        ("{method: inverse, power: 0.5}", [0.25, 1.75]),  # a ratio of 49 ** 0.5
        ("{method: inverse, cap: 3}", [0.5, 1.5]),
        ("{method: inverse, cap: 3e0}", [0.5, 1.5]),
        ("median", [2 / 30.4, 2 * 29.4 / 30.4]),  # shares 0.98 and 1 / 30, so a ratio of 29.4
        ("[1, 30]", [1, 30]),
        ("[1, 3e1]", [1, 30.0]),
        ("{lake: 30, background: 1}", [1, 30]),
    ],
)
def test_weights_become_numbers(weight, expected):
    assert full(f"{{dice: {{weight: {weight}}}}}")["dice"]["weight"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("method", ["inverse", "median", "effective", "enet", "sqrt_inverse"])
def test_every_method_makes_weights_that_build(method):
    weight = full(f"{{cross_entropy: {{weight: {method}}}}}")["cross_entropy"]["weight"]
    assert weight[1] > weight[0] > 0
    assert sum(weight) == pytest.approx(2.0, rel=1e-5)


def test_pos_weight_is_made_of_presences_and_absences():
    lake = LAKES.of([1])
    one = {"activation": "sigmoid", "class_names": ["lake"], "counts": lake}
    resolved = full("{binary_cross_entropy: {pos_weight: inverse}}", **one)
    assert resolved["binary_cross_entropy"]["pos_weight"] == [49.0]  # 980 without for 20 with
    logits, target = torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]])
    assert_close(build(resolved, activation="sigmoid")(logits, target), torch.log(torch.tensor(2.0)) * 50 / 2)
    assert full("{binary_cross_entropy: {pos_weight: 3}}", **one)["binary_cross_entropy"]["pos_weight"] == 3


def test_weights_wait_for_counts_and_everything_else_does_not():
    waiting = full("{dice: {weight: inverse, smooth: 1.0}}", counts=None)
    assert waiting["dice"]["weight"] == "inverse"
    assert full(waiting) == full("{dice: {weight: inverse, smooth: 1.0}}")
    with pytest.raises(ValueError, match=r"loss.dice: `weight` is still 'inverse'"):
        build(waiting, activation="softmax")
    for wrong in (
        "{dice: {weight: invers}}",
        "{dice: {weight: {method: inverse, power: -1}}}",
        "{dice: {weight: [1]}}",
    ):
        with pytest.raises(ValueError, match=r"loss.dice: "):
            full(wrong, counts=None)


def test_metrics_that_are_not_known_are_not_checked():
    section = "sequence: [{loss: dice, until: anything > 1}]"
    assert full(section, metrics=None)["sequence"][0]["until"] == "anything > 1"


LOSSES = "there are absolute_error, "
SUITED = ", ".join(sorted(name for name, spec in catalogue().items() if "segmentation" in spec.tasks))


@pytest.mark.parametrize(
    ("section", "place", "message"),
    [
        ("jacard", "loss", f"no loss is called 'jacard'; nearest: jaccard; {LOSSES}"),
        ("{jacard: {}}", "loss", "no loss is called 'jacard'; nearest: jaccard"),
        ("huber", "loss", f"`huber` does not suit segmentation; these do: {SUITED}"),
        (
            "binary_cross_entropy",
            "loss",
            "`binary_cross_entropy` reads scores of sigmoid, and the model's activation is softmax; these suit it: ",
        ),
        ("null", "loss", "a loss is a name, such as dice, or a mapping"),
        ("[dice]", "loss", "a loss is a name, such as dice, or a mapping"),
        ("{}", "loss", "a loss is missing; its name is a key"),
        ("{scale: 0.5}", "loss", "a loss is missing; its name is a key"),
        ("{sum: [dice, focal], weighting: fair}", "loss.weighting", "a weighting is one of uncertainty, relative; got"),
        (
            "{sum: [dice, focal], weighting: {relative: {momentum: 2}}}",
            "loss.weighting.relative",
            "`momentum` is a share and must be a number >= 0 and <= 0.9999; got 2",
        ),
        (
            "{sum: [dice, focal], weighting: {uncertainty: {momentum: 0.9}}}",
            "loss.weighting",
            "the weighting `uncertainty` has no key 'momentum'",
        ),
        ("{sum: [dice], weighting: relative}", "loss.weighting.relative", "needs two losses or more"),
        ("hard_mining: {loss: {fcal: {}}}", "loss.hard_mining.loss", "no loss is called 'fcal'; nearest: focal"),
        ("hard_mining: {loss: [focal, dice]}", "loss.hard_mining.loss", "one loss stands here, such as focal"),
        ("hard_mining: {loss: dice}", "loss.hard_mining", "`loss` must be a loss of labels"),
        ("{1: {}}", "loss", "no loss is called '1'"),
        ("{dice: {}, focal: {}}", "loss", "one loss stands here; got dice, focal. Several are added as a list"),
        ("{dice: {}, smooth: 1}", "loss", "`smooth` is no key beside a loss (scale, name, part are)"),
        ("{loss: dice, epochs: 3}", "loss", "a phase stands in a sequence or a cycle"),
        ("{watch: dice}", "loss", "a watched loss stands in a sum"),
        ("{dice: 3}", "loss.dice", "the keywords of a loss are a mapping"),
        (
            "{dice: {smoth: 1}}",
            "loss.dice",
            "`dice` has no keyword 'smoth'; nearest: smooth; there are absent, classes",
        ),
        ("{dice: {smooth: -1}}", "loss.dice", "`smooth` is a number of elements and must be a number >= 0; got -1"),
        ("{dice: {smooth: much}}", "loss.dice", "`smooth` is a number of elements"),
        ("{dice: {per_image: 3}}", "loss.dice", "`per_image` must be True or False; got 3"),
        ("{dice: {activation: sigmoid}}", "loss.dice", "it is the model's: set model.activation"),
        ("{dice: {ignore_index: 255}}", "loss.dice", "`ignore_index` is not set at a loss: it is the data's"),
        ("{dice: {reduction: sum}}", "loss.dice", "`reduction` is not set at a loss: it is the mean"),
        ("{dice: {classes: [lak]}}", "loss.dice", "`classes` holds 'lak', which is no class"),
        ("{dice: {classes: [2]}}", "loss.dice", "`classes` holds 2, which is no class"),
        ("{dice: {classes: []}}", "loss.dice", "`classes` must be"),
        ("{dice: {weight: [1, 2, 3]}}", "loss.dice", "each of the 2 classes that the model scores (background, lake)"),
        ("{dice: {weight: 3}}", "loss.dice", "`weight` must be a list of numbers"),
        ("{dice: {weight: [1, -1]}}", "loss.dice", "`weight` must be a list of numbers"),
        ("{dice: {weight: [1, heavy]}}", "loss.dice", "`weight` must be a list of numbers"),
        ("{dice: {weight: {lake: 3}}}", "loss.dice", "`weight` by class needs 'background'; got lake"),
        ("{dice: {weight: {lake: 3, sea: 1}}}", "loss.dice", "`weight` by class has no key 'sea'"),
        ("{dice: {weight: invers}}", "loss.dice", "no class weighting is called 'invers'; nearest: inverse"),
        (
            "{dice: {weight: {method: inverse, pow: 1}}}",
            "loss.dice",
            "`weight` by method has no key 'pow'; nearest: power",
        ),
        ("{dice: {weight: {method: inverse, cap: 0}}}", "loss.dice", "`cap` is a multiple"),
        ("{dice: {weight: {method: inverse, cap: big}}}", "loss.dice", "`cap` of a class weighting must be a number"),
        ("{dice: {weight: {method: inverse, beta: 0.9}}}", "loss.dice", "`beta` is read by the method effective alone"),
        (
            "{dice: {weight: inverse, classes: [lake]}}",
            "loss.dice",
            "`weight` would have no effect: `classes` leaves one",
        ),
        ("{dice: {per_image: {ramp: {from: 0, to: 1, epochs: 3}}}}", "loss.dice", "`per_image` is no number"),
        ("{focal: {gamma: {from: 0, to: 1, epochs: 3}}}", "loss.focal.gamma", "what moves has no key 'from'"),
        ("{focal: {gamma: {ramp: {from: 0, to: 1}}}}", "loss.focal.gamma.ramp", "a ramp needs 'epochs'; got from, to"),
        ("{focal: {gamma: {ramp: 3}}}", "loss.focal.gamma.ramp", "a ramp is a mapping with the keys from, to"),
        (
            "{focal: {gamma: {ramp: {from: 0, to: 1, epoch: 3}}}}",
            "loss.focal.gamma.ramp",
            "no key 'epoch'; nearest: epochs",
        ),
        ("{focal: {gamma: {ramp: {from: 0, to: 1, epochs: 1}}}}", "loss.focal.gamma", "`epochs` of a ramp must be"),
        (
            "{focal: {gamma: {ramp: {from: 0, to: 1, epochs: 3, shape: exponential}}}}",
            "loss.focal.gamma",
            "must be > 0",
        ),
        ("{focal: {gamma: {ramp: {from: 1, to: -1, epochs: 3}}}}", "loss.focal", "`gamma`"),
        ("{dice: {}, scale: 0}", "loss.scale", "the factor of a term must be > 0; got 0"),
        ("{dice: {}, scale: -1}", "loss.scale", "must be a number > 0; got -1"),
        ("{dice: {}, scale: big}", "loss.scale", "`scale` is a factor and must be a number; got 'big'"),
        ("{dice: {}, scale: {ramp: {from: -1, to: 1, epochs: 3}}}", "loss.scale", "must not fall below 0"),
        ("{dice: {}, scale: {rampe: {}}}", "loss.scale", "what moves has no key 'rampe'; nearest: ramp"),
        ("{dice: {}, name: 'my dice'}", "loss", "`name` of a term must be letters, digits and _"),
        ("{sum: []}", "loss.sum", "a sum is a list with at least one entry; got []"),
        ("{sum: dice}", "loss.sum", "a sum is a list with at least one entry; got 'dice'"),
        ("{sum: [dice], scale: 2}", "loss", "a sum has no key 'scale'; there are sum, weighting"),
        ("{sum: [dice, {focal: {gamma: -1}}]}", "loss.sum[1].focal", "`gamma`"),
        ("{sum: [dice, {sum: [focal]}]}", "loss.sum[1]", "a single loss stands here, and `sum` is none"),
        ("{sum: [{watch: dice}]}", "loss.sum", "nothing is optimised"),
        ("{sum: [focal, {watch: dice, scale: 2}]}", "loss.sum[1]", "a watched loss has no key 'scale'"),
        ("{sum: [focal, {watch: {dice: {}, scale: 2}}]}", "loss.sum[1].watch", "a watched loss has no scale"),
        ("{sum: [focal, {watch: {dce: {}}}]}", "loss.sum[1].watch", "no loss is called 'dce'"),
        ("{sum: [{dice: {}, name: a}, {focal: {}, name: a}]}", "loss.sum", "the names of terms must differ"),
        ("{sequence: []}", "loss.sequence", "what follows each other is a list"),
        ("{sequence: [3]}", "loss.sequence[0]", "a phase is a mapping with the keys loss, epochs, until"),
        ("{sequence: [{epochs: 3}]}", "loss.sequence[0]", "a phase needs 'loss'; got epochs"),
        ("{phases: [{loss: dice, epoch: 3}]}", "loss.phases[0]", "a phase has no key 'epoch'; nearest: epochs"),
        ("{phases: [{loss: dice, epochs: 0}]}", "loss.phases[0]", "`epochs` of a phase must be"),
        ("{phases: [{loss: dice, lr: fast}]}", "loss.phases[0]", "`lr` is a factor of the learning rate"),
        ("{phases: [{loss: dice, at_most: 3}]}", "loss.phases[0]", "`at_most` bounds a phase that has `until`"),
        (
            "{phases: [{loss: dice, reset_optimizer: maybe}]}",
            "loss.phases[0]",
            "`reset_optimizer` must be True or False",
        ),
        ("{phases: [{loss: dice}, {loss: jaccard}]}", "loss.phases", "'dice' has no end and others follow it"),
        ("{phases: [{loss: {cycle: {}}}]}", "loss.phases[0].loss", "a single loss stands here, and `cycle` is none"),
        (
            "{phases: [{loss: dice, until: recal > 1}]}",
            "loss.phases[0]",
            "`until` names no metric: 'recal'; nearest: recall",
        ),
        ("{phases: [{loss: dice, until: recall => 1}]}", "loss.phases[0]", "the operators are"),
        ("{cycle: {phases: [dice]}}", "loss.cycle", "a cycle needs 'times'; got phases"),
        ("{cycle: {time: 3, phases: [dice]}}", "loss.cycle", "a cycle has no key 'time'; nearest: times"),
        ("{cycle: {times: 0, phases: [{loss: dice, epochs: 1}]}}", "loss.cycle", "`times` must be a whole number"),
        (
            "{cycle: {times: 2, phases: [{loss: dice, epochs: 1}]}, epochs: 3}",
            "loss",
            "`cycle` stands alone; got also epochs",
        ),
        (
            "{cycle: {times: 2, phases: [{loss: dice, epochs: 1}, {loss: {sum: [dice, {tverski: {}}]}, epochs: 1}]}}",
            "loss.cycle.phases[1].loss.sum[1]",
            "no loss is called 'tverski'; nearest: tversky",
        ),
        ("{custom: 3}", "loss.custom", "a custom loss is given as FILE.py:NAME"),
        ("{custom: my_loss}", "loss.custom", "a custom loss is given as FILE.py:NAME"),
        ("{custom: none.py:f}", "loss.custom", "there is no file 'none.py'"),
    ],
)
def test_a_mistake_is_named_in_its_place_with_its_cure(section, place, message):
    with pytest.raises(ValueError) as refusal:
        full(section)
    said = str(refusal.value)
    assert said.startswith(f"{place}: ")
    assert message in said
    assert "\n" not in said


def test_a_weight_on_a_single_class_is_refused_because_it_changes_nothing():
    with pytest.raises(ValueError, match=r"loss.dice: `weight` would have no effect: the model scores one class, lake"):
        full("{dice: {weight: [3]}}", activation="sigmoid", class_names=["lake"], counts=LAKES.of([1]))


def test_a_class_that_the_training_set_does_not_hold_has_no_weight():
    nothing = ClassCounts(pixels=(1000, 0), images=(10, 0), containing=(1000, 0), total=1000)
    with pytest.raises(ValueError, match=r"loss.dice: no weight can be made for lake, which the training set"):
        full("{dice: {weight: inverse}}", counts=nothing)


CUSTOM = """
import torch
from torch import nn
from piste.losses import Dice

def my_loss(logits, target):
    return logits.square().mean()

class MyLoss(nn.Module):
    def forward(self, logits, target, *, mask=None, sample_weight=None):
        return logits.abs().mean()

instance = MyLoss()
independent = Dice(activation="sigmoid")
number = 3
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "my_loss.py").write_text(CUSTOM, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("reference", "value", "name"),
    [("my_loss", 4.0, "my_loss"), ("MyLoss", 2.0, "my_loss"), ("instance", 2.0, "instance")],
)
def test_a_custom_loss_is_a_function_a_class_or_an_object(folder, reference, value, name):
    section = {"sum": [{"custom": f"my_loss.py:{reference}"}, {"watch": "dice"}]}
    resolved = full(section, folder=folder)
    assert resolved["sum"][0] == {"custom": f"my_loss.py:{reference}", "scale": 1.0, "name": name}
    assert full(resolved, folder=folder) == resolved
    objective = build(resolved, activation="softmax", folder=folder)
    total = objective(torch.full((1, 2, 3), 2.0), torch.zeros(1, 3, dtype=torch.long))
    assert_close(total, torch.tensor(value))
    assert list(objective.terms) == [name, "dice"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("my_los", "did you mean my_loss"),
        ("number", "cannot be called"),
        ("independent", "reads scores of sigmoid, and the model's activation is softmax"),
    ],
)
def test_a_custom_loss_that_cannot_be_one_is_refused(folder, reference, message):
    with pytest.raises(ValueError, match=rf"loss.sum\[0\].custom: .*{message}"):
        full({"sum": [{"custom": f"my_loss.py:{reference}"}]}, folder=folder)
