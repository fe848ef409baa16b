"""A run that several processes train together until the main one dies at a step; started by torchrun from a test."""

import os
import sys
from pathlib import Path
from typing import Any

from piste.training.recipe import load_recipe
from piste.training.run import start_run


def dies_at(step: int) -> Any:
    def sink(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == step:
            os._exit(9)

    return sink


if __name__ == "__main__":
    start_run(load_recipe(sys.argv[1]), Path(sys.argv[2]), sinks=(dies_at(int(sys.argv[3])),), echo=lambda _: None)
