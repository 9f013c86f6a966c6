"""What mfwb is compared with, each in a process of its own."""

from __future__ import annotations

import base64
import gzip
import hashlib
import pickle
import shutil
import sys
from pathlib import Path

__all__ = ["main"]

_CHUNK = 1 << 20


def floor(blob: str, target: str) -> None:
    """Do the least that W&B needs of a large artifact: its bytes in a file, and their md5."""
    with gzip.open(blob, "rb") as stored, Path(target).open("wb") as file:
        shutil.copyfileobj(stored, file, _CHUNK)
    with Path(target).open("rb") as file:
        digest = hashlib.md5(usedforsecurity=False)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    print(base64.b64encode(digest.digest()).decode())


def make_frame(size: str, target: str) -> None:
    """Pickle a frame of so many bytes, as Metaflow pickles it."""
    import numpy as np  # noqa: PLC0415 - each program imports what it needs
    import pandas as pd  # noqa: PLC0415

    random = np.random.default_rng(2)
    rows = int(size) // 8 // 10
    frame = pd.DataFrame({f"c{i}": random.integers(0, 1000, rows) for i in range(10)})
    Path(target).write_bytes(pickle.dumps(frame, protocol=4))


def pandas_alone(source: str, target: str) -> None:
    """Make parquet of a pickled frame as one would in a notebook."""
    import pandas as pd  # noqa: PLC0415

    with Path(source).open("rb") as file:
        frame: pd.DataFrame = pickle.load(file)
    frame.to_parquet(target)


def by_mfwb(source: str, target: str) -> None:
    """Do the same through the converter of mfwb, its process included."""
    from mfwb.conversion.convert import Conversion, Job  # noqa: PLC0415
    from mfwb.conversion.converter import Converter, new_forkserver  # noqa: PLC0415

    forkserver = new_forkserver(20 * 10**9)
    converter = Converter(forkserver)
    converter.convert(Job(Conversion.TABLE, Path(source), Path(target)))
    converter.close()
    forkserver.close()


def main() -> None:
    """Run the program that is named."""
    name, *arguments = sys.argv[1:]
    {"floor": floor, "make": make_frame, "pandas": pandas_alone, "mfwb": by_mfwb}[name](*arguments)


if __name__ == "__main__":
    main()
