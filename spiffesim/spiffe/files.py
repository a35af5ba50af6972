"""Files that are written in full or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path


def write_files(files: Sequence[tuple[Path, bytes, int]]) -> None:
    """Write files, and put them into their places once all are written.

    Whoever reads one finds the old file or the new one, and a full disk loses neither.

    Args:
        files: Each with its path, its bytes and its mode.

    Raises:
        OSError: If one cannot be written; what has been written is removed.
    """
    written: list[Path] = []
    try:
        for path, data, mode in files:
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            written.append(Path(name))
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            written[-1].chmod(mode)
        for temporary, (path, _, _) in zip(written, files, strict=True):
            temporary.replace(path)
    finally:
        for temporary in written:
            temporary.unlink(missing_ok=True)
