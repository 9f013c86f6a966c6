"""What a stranger who may write to Metaflow's folder can do there, on copies of a real flow run."""

from __future__ import annotations

import gzip
import hashlib
import json
import pickle
import pickletools
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Tampered", "moved"]


def moved(origin: Path, root: Path) -> None:
    """Copy Metaflow's folder so that all that was recorded is about the copy."""
    for name in (".metaflow", "data"):
        if (origin / name).exists():
            shutil.copytree(origin / name, root / name, symlinks=True)
    for path in root.glob(".metaflow/*/*/**/*.json"):
        reported = path.read_bytes()
        path.write_bytes(reported.replace(str(origin).encode(), str(root).encode()))


@dataclass(frozen=True)
class Tampered:
    """The folder of a flow run, which is to be changed."""

    root: Path
    pathspec: str

    @property
    def flow(self) -> Path:
        """The folder of all of the flow's runs, and their bytes."""
        return self.root / ".metaflow" / self.pathspec.split("/")[0]

    @property
    def tasks(self) -> list[Path]:
        """The folders of all tasks, also of that which holds the parameters."""
        result = (self.root / ".metaflow" / self.pathspec).glob("*/*/0.data.json")
        return sorted(path.parent for path in result)

    def store(self, data: bytes) -> str:
        """Put a blob into the datastore, and return its sha1."""
        sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        path = self.flow / "data" / sha[:2] / sha
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(data, 3))
        path.with_name(f"{sha}_meta").write_text('{"cas_raw": false, "cas_version": 1}')
        return sha

    def describe(self, name: str, descriptor: dict[str, Any]) -> None:
        """Give an IncludeFile another descriptor, in what tasks and metadata say of it."""
        state = pickle.dumps({"_descriptor": descriptor, "_cached_size": None}, protocol=2)
        of_class = b"\x80\x04cmetaflow.includefile\nIncludedFile\n)\x81"
        data = of_class + pickletools.optimize(state)[2:-1] + b"b."
        sha = self.store(data)
        for task in self.tasks:
            reported = json.loads((task / "0.data.json").read_text())
            if name in reported["objects"]:
                reported["objects"][name] = sha
                reported["info"][name]["size"] = len(data)
                (task / "0.data.json").write_text(json.dumps(reported))
        self.point_metadata_at(name, sha)

    def point_metadata_at(self, name: str, sha: str) -> None:
        """Let the metadata of an artifact name another blob; the datastore's own is left."""
        for task in self.tasks:
            record = task / "_meta" / f"0_artifact_{name}.json"
            if record.exists():
                reported = json.loads(record.read_text())
                record.write_text(json.dumps({**reported, "sha": sha}))
