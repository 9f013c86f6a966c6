"""The least that the bytes of a sync take: what it reads is read once, what it writes is written.

    python -m bench.scale.bytes_floor DATASTORE PATHSPEC BUNDLE COPY

Of the flow run, each file is read, and each artifact unzipped and hashed. Then all files of the
bundle are written once more. Nothing is decided, and no value is looked at.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from pathlib import Path

__all__ = ["main"]


def main(datastore: Path, pathspec: str, bundle: Path, copy: Path) -> None:
    """Read the flow run and write the bundle anew."""
    flow, _, run = pathspec.partition("/")
    shas: set[str] = set()
    for path in (datastore / flow / run).rglob("*"):
        if not path.is_file():
            continue
        data = path.read_bytes()
        if path.name.endswith(".data.json"):
            shas.update(json.loads(data)["objects"].values())
    for sha in shas:
        data = gzip.decompress((datastore / flow / "data" / sha[:2] / sha).read_bytes())
        hashlib.sha1(data, usedforsecurity=False).hexdigest()
    for path in bundle.rglob("*"):
        target = copy / path.relative_to(bundle)
        if path.is_dir():
            target.mkdir(parents=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
