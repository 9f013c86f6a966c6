"""What is in a bundle already: the W&B runs of earlier syncs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from wandb.proto import wandb_internal_pb2 as pb

from mfwb.planning import WandbRunId
from mfwb.sink.transaction_log import read_records

__all__ = ["BundledRun", "bundled_runs", "level_folder"]

_LEVEL = "level-"


@dataclass(frozen=True, slots=True)
class BundledRun:
    """A W&B run in a bundle."""

    folder: Path
    level: int

    def logged(self, run_id: WandbRunId) -> dict[str, pb.ArtifactRecord]:
        """Return the artifacts that it logs, by name; none if it was never finished."""
        path = self.folder / f"run-{run_id}.wandb"
        if not path.is_file():
            return {}
        artifacts = [one.artifact for one in read_records(path) if one.HasField("artifact")]
        return {one.name: one for one in artifacts if not one.use_after_commit}


def bundled_runs(
    bundle: Path, run_ids: Collection[WandbRunId]
) -> dict[WandbRunId, list[BundledRun]]:
    """Return what there is of these W&B runs, by id."""
    found: dict[WandbRunId, list[BundledRun]] = {}
    for path in bundle.glob(f"{_LEVEL}*/wandb/offline-run-*"):
        run_id = WandbRunId(path.name.split("-", 3)[-1])  # offline-run-20261121_094500-<id>
        level = path.parts[-3].removeprefix(_LEVEL)
        if run_id in run_ids and level.isdecimal():
            found.setdefault(run_id, []).append(BundledRun(path, int(level)))
    return found


def level_folder(bundle: Path, level: int) -> Path:
    """Return where W&B runs of a level are."""
    return bundle / f"{_LEVEL}{level:02d}" / "wandb"
