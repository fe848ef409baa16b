"""What `import piste` gives, and what it costs."""

import subprocess
import sys

import piste


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)


def test_every_public_name_is_there_and_listed_in_order():
    assert sorted(piste.__all__) == piste.__all__
    for name in piste.__all__:
        assert getattr(piste, name).__doc__
    assert piste.__version__


def test_losses_add_up_however_they_were_imported():
    done = run("-c", "from piste.losses import Dice; print(0.5 * Dice() + Dice())")
    assert done.stdout.strip() == "Sum(0.5 * Dice(), Dice())"


def test_importing_costs_less_than_a_tenth_of_a_second_more_than_torch():
    def milliseconds():
        lines = run("-X", "importtime", "-c", "import torch, piste").stderr.splitlines()
        (line,) = [line for line in lines if line.endswith("| piste")]
        return int(line.split("|")[1]) / 1000

    assert min(milliseconds() for _ in range(3)) < 100
