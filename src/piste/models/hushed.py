"""What libraries say of their own workings, to nobody who could act on it."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hushed(*names: str) -> Iterator[None]:
    """Keeps logs and warnings to themselves; what fails raises.

    Args:
        names: of the libraries; by default those of models, which tell of old spellings and of attempts to download.
    """
    logs = [logging.getLogger(name) for name in names or ("huggingface_hub", "timm")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
