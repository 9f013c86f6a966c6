"""Bundle: the W&B runs of earlier syncs in a folder.

Other programs may have changed any of it. Links do not count, since mfwb creates none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from mfwb.planning import WandbRunId
from mfwb.sink.offline import messages as pb
from mfwb.sink.offline.manifest import (
    MANIFEST,
    BadManifestError,
    Checksums,
    Manifest,
    open_in_bundle,
    read_manifest,
)
from mfwb.sink.offline.wandb_file import records_in

__all__ = ["PAYLOADS", "BundledRun", "find_bundled_runs", "level_folder"]

PAYLOADS = "payloads"
"""The folder of files that all W&B runs of a bundle share."""

_LEVEL_FOLDER = re.compile(r"level-([0-9]{2,4})")
_RUN_FOLDER = re.compile(r"offline-run-[0-9]{8}_[0-9]{6}-([A-Za-z0-9_-]{1,128})")


@dataclass(frozen=True, slots=True)
class BundledRun:
    """A W&B run in a bundle.

    Attributes:
        bundle: the folder of the bundle.
        name: the path of the run's folder in the bundle.
        level: all that the run uses was logged by lower levels.
    """

    bundle: Path
    name: str
    run_id: WandbRunId
    level: int

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.bundle / self.name

    @property
    def file(self) -> str:
        """The path of its `.wandb` file in the bundle."""
        return f"{self.name}/run-{self.run_id}.wandb"

    @property
    def is_finished(self) -> bool:
        """Whether its `.wandb` file exists."""
        try:
            open_in_bundle(self.bundle, self.file).close()
        except OSError:
            return False
        return True

    def manifest(self) -> Manifest:
        """Return the manifest of the run; BadManifestError."""
        return read_manifest(self.bundle, f"{self.name}/{MANIFEST}")

    def logged(self) -> dict[str, pb.ArtifactRecord]:
        """Return the artifacts that the run logs, by name, with the bundle's current paths.

        There are none if the run is not finished, or can't be read.
        """
        try:
            manifest = self.manifest()
            checksum = manifest.files.get(self.file)
            if checksum is None or not Checksums(self.bundle).matches(self.file, checksum):
                return {}
            with open_in_bundle(self.bundle, self.file) as file:
                artifacts = [
                    record.artifact for record in records_in(file) if record.HasField("artifact")
                ]
            logged = {
                artifact.name: artifact for artifact in artifacts if not artifact.use_after_commit
            }
            return {
                name: self._with_current_paths(artifact, manifest)
                for name, artifact in logged.items()
            }
        except (OSError, ValueError):
            return {}

    def _with_current_paths(
        self, record: pb.ArtifactRecord, manifest: Manifest
    ) -> pb.ArtifactRecord:
        for entry in record.manifest.contents:
            if entry.local_path:
                name = manifest.path_in_bundle(entry.local_path)
                if name is None:
                    raise BadManifestError(f"{entry.local_path} is not in the manifest")
                entry.local_path = str(self.bundle / name)
        return record


def find_bundled_runs(
    bundle: Path, run_ids: Collection[WandbRunId]
) -> dict[WandbRunId, list[BundledRun]]:
    """Return the bundle's runs with these ids, by id."""
    runs: dict[WandbRunId, list[BundledRun]] = {}
    for level, folder in _level_folders(bundle):
        for path in folder.iterdir():
            run = _RUN_FOLDER.fullmatch(path.name)  # offline-run-20261121_094500-<id>
            if run and run[1] in run_ids and path.is_dir() and not path.is_symlink():
                name = path.relative_to(bundle).as_posix()
                run_id = WandbRunId(run[1])
                runs.setdefault(run_id, []).append(BundledRun(bundle, name, run_id, level))
    return runs


def _level_folders(bundle: Path) -> Iterator[tuple[int, Path]]:
    """Yield each level, with the folder of its W&B runs."""
    for path in bundle.iterdir() if bundle.is_dir() else ():
        level = _LEVEL_FOLDER.fullmatch(path.name)
        folder = path / "wandb"
        if level and folder.is_dir() and not path.is_symlink() and not folder.is_symlink():
            yield int(level[1]), folder


def level_folder(bundle: Path, level: int) -> Path:
    """Return the folder for the W&B runs of a level."""
    return bundle / f"level-{level:02d}" / "wandb"
