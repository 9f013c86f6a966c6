"""The W&B runs of a flow run, as `wandb.Api` tells them; and files, from the server's state."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.support.wandb_server import ArtifactVersion, WandbServer

__all__ = ["Project", "WandbRunFacts"]

_OF_WANDB = {"_step", "_runtime", "_timestamp", "_wandb"}


@dataclass(frozen=True)
class WandbRunFacts:
    """A W&B run.

    Attributes:
        history: rows without what W&B adds, by step.
        console: the lines of the Logs tab.
        files: bytes by name.
        logged: versions that it has as outputs, by name; tables that W&B makes are left out.
        used: versions that it has as inputs, by name.
    """

    id: str
    name: str
    group: str
    job_type: str
    state: str
    tags: frozenset[str]
    notes: str
    config: dict[str, Any]
    summary: dict[str, Any]
    history: dict[int, dict[str, Any]]
    console: list[str]
    files: dict[str, bytes]
    logged: dict[str, list[ArtifactVersion]]
    used: dict[str, list[ArtifactVersion]]

    def table(self, key: str) -> tuple[list[str], list[list[Any]]]:
        """Return columns and rows of the table at a key of the summary."""
        document = json.loads(self.files[self.summary[key]["path"]])
        return document["columns"], document["data"]


class Project:
    """A W&B project."""

    def __init__(self, server: WandbServer, path: str) -> None:
        """Read all runs of entity/project."""
        import wandb  # noqa: PLC0415 - it reads variables when it is imported

        self.path = path
        self._server = server
        api = wandb.Api()
        self.versions = {artifact.path: artifact for artifact in server.state.artifacts(path)}
        self.runs = [self._facts(run) for run in api.runs(path, per_page=100, lazy=False)]

    def of_group(self, group: str) -> dict[str, WandbRunFacts]:
        """Return the W&B runs of a group by name."""
        return {run.name: run for run in self.runs if run.group == group}

    def with_alias(self, name: str, alias: str) -> list[ArtifactVersion]:
        """Return all versions of a name that have an alias: one, or none."""
        return [
            version
            for version in self.versions.values()
            if version.name.split(":")[0] == name and alias in version.aliases
        ]

    def _facts(self, run: Any) -> WandbRunFacts:
        state = self._server.state.run("/".join(run.path))
        rows = {row["_step"]: row for row in run.scan_history()}
        return WandbRunFacts(
            id=run.id,
            name=run.name,
            group=run.group,
            job_type=run.job_type,
            state=run.state,
            tags=frozenset(run.tags),
            notes=run.notes or "",
            config=json.loads(json.dumps(dict(run.config))),
            summary=dict(run.summary._json_dict),
            history={
                step: {key: value for key, value in row.items() if key not in _OF_WANDB}
                for step, row in rows.items()
            },
            console=[line.line for line in state.console],
            files=dict(state.files),
            logged=self._by_name(run.logged_artifacts()),
            used=self._by_name(run.used_artifacts()),
        )

    def _by_name(self, artifacts: Any) -> dict[str, list[ArtifactVersion]]:
        result: dict[str, list[ArtifactVersion]] = {}
        for artifact in artifacts:
            if artifact.type == "run_table":
                continue
            name, version = artifact.qualified_name.rsplit("/", 1)[1].split(":")
            project = artifact.qualified_name.rsplit("/", 1)[0]
            path = f"{project}/{name}:{version}"
            result.setdefault(name, []).append(
                self.versions[path] if path in self.versions else self._server.state.artifact(path)
            )
        return result
