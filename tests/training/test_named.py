from typing import Any

import pytest

from piste.training.optimizers import OPTIMIZERS, SGD
from piste.training.schedulers import SCHEDULERS, Cosine


@pytest.mark.parametrize("entry", ["cosine", {"cosine": None}, {"cosine": {}}, Cosine()])
def test_a_name_alone_means_its_defaults(entry: Any) -> None:
    assert SCHEDULERS.read(entry) == Cosine()


def test_settings_are_read_and_written_back_in_full() -> None:
    sgd = OPTIMIZERS.read({"sgd": {"lr": 0.5, "nesterov": True}})
    assert sgd == SGD(lr=0.5, nesterov=True)
    written = OPTIMIZERS.write(sgd)
    assert written["sgd"]["lr"] == 0.5
    assert set(written["sgd"]) == set(SGD.model_fields)
    assert OPTIMIZERS.read(written) == sgd


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("cosin", "there is no scheduler 'cosin'; nearest: cosine"),
        ({"cosine": {"gama": 1}}, "cosine has no setting 'gama'; there are final_fraction, warmup"),
        ({"cosine": {"final_fraction": 2}}, "cosine.final_fraction should be less than or equal to 1; got 2"),
        ({"multistep": None}, "multistep.milestones is missing"),
        ({"multistep": {"milestones": []}}, "multistep.milestones List should have at least 1 item"),
        (3, "must be a name, or a name with its settings such as {constant: {warmup: ...}}; got 3"),
        ({"cosine": {}, "step": {}}, "must be a name, or a name with its settings"),
        ({"cosine": 3}, "must be a name, or a name with its settings"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(entry: Any, message: str) -> None:
    with pytest.raises(ValueError) as refusal:
        SCHEDULERS.read(entry)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)
