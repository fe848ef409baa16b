import pytest
import torch

from piste.training.device import start_accelerator
from tests.training.tiny import recipe


def test_runs_of_different_precision_follow_each_other() -> None:
    assert start_accelerator(recipe(precision="bf16")).mixed_precision == "bf16"
    assert start_accelerator(recipe(precision="no")).mixed_precision == "no"


def test_half_precision_of_the_other_kind_is_refused_on_the_cpu() -> None:
    with pytest.raises(ValueError, match=r"`precision`: fp16 needs a GPU, .*; use bf16 or no"):
        start_accelerator(recipe(precision="fp16"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`device`: torch finds no cuda here; it finds .*cpu"):
        start_accelerator(recipe(device="cuda"))
