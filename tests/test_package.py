"""What `import piste` gives, and what it costs."""

import subprocess
import sys

import pytest

import piste


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)


def test_every_public_name_is_there_and_listed_in_order():
    assert sorted(piste.__all__) == piste.__all__
    for name in piste.__all__:
        assert getattr(piste, name).__doc__
    assert piste.__version__


def test_a_name_that_is_not_there_is_missed_as_in_any_module():
    with pytest.raises(AttributeError, match="module 'piste' has no attribute 'Cycles'"):
        piste.Cycles  # noqa: B018
    assert set(piste.__all__) <= set(dir(piste))


def test_importing_it_does_not_load_torch_until_a_name_is_used():
    done = run("-c", "import sys, piste; print('torch' in sys.modules); piste.Cycle; print('torch' in sys.modules)")
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize("statement", ["from piste.losses import Dice", "from piste.losses.regions.dice import Dice"])
def test_losses_add_up_however_they_were_imported(statement):
    done = run("-c", f"{statement}; print(0.5 * Dice() + Dice())")
    assert done.stdout.strip() == "Sum(0.5 * Dice(), Dice())"
