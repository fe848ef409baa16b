"""Files that are whole or not there: written aside, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """The place to write a file's new content; it takes the file's name when the block ends well.

    Raises:
        OSError: the content could not be written; the file is as it was.
    """
    aside = path.with_name(path.name + ".tmp")
    try:
        yield aside
        os.replace(aside, path)
    except OSError as error:
        reason = f"{path} could not be written: {error.strerror}; make room and resume the run"
        raise OSError(error.errno, reason) from error
    finally:
        aside.unlink(missing_ok=True)
