"""What every test shares: one torch thread a worker, and no deadline for generated examples on a busy machine."""

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("piste", deadline=None)
settings.load_profile("piste")


def pytest_addoption(parser) -> None:
    parser.addoption("--witnesses", metavar="FILE", help="write how far losses are from independent implementations")
