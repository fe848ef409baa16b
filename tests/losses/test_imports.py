"""`piste.losses` needs torch alone, and its list of names is the catalogue's."""

import subprocess
import sys

import piste.losses
from piste.losses import catalogue

PROBE = """
import sys, torch
before = set(sys.modules)
import piste.losses
piste.losses.Dice()(torch.zeros(1, 2, 3, 3), torch.zeros(1, 3, 3, dtype=torch.long))
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(new - set(sys.stdlib_module_names)))
"""


def test_importing_the_losses_pulls_in_nothing_but_torch() -> None:
    result = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert set(result.stdout.split()) <= {"piste", "torch"}


def test_every_declared_loss_is_listed_and_every_listed_class_is_declared() -> None:
    declared = {spec.cls for spec in catalogue().values()}
    listed = {getattr(piste.losses, name) for name in piste.losses.__all__}
    assert declared <= listed
    modules = {spec.family for spec in catalogue().values()}
    classes = {each for each in listed if isinstance(each, type) and each.__module__.split(".")[-2] in modules}
    assert classes == declared


def test_every_public_name_is_listed_once() -> None:
    assert len(piste.losses.__all__) == len(set(piste.losses.__all__))
    assert all(hasattr(piste.losses, name) for name in piste.losses.__all__)
