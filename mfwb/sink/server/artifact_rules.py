"""What the settings' rules give to a version that W&B has: aliases, a link and metadata.

An alias of a rule is for the newest flow run that fulfils the rule, in whatever order flow runs
are synced, as `latest` is for the newest of all. Each version notes in its metadata from which
flow run it has such an alias. If W&B has no such note, somebody else set the alias, and the
version counts as new as it is for `latest`.

A link adds a version to a collection of another project, such as a registry; it stays there. In
that collection, too, `latest` is for the newest flow run.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import wandb

from mfwb.errors import SinkError
from mfwb.outcome import OutputOutcome, RuleOutcome
from mfwb.planning.names import split_project_path
from mfwb.safe_text import first_line
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.collections import VersionRecord, find_versions
from mfwb.sink.client.version_keys import LATEST, NEWEST_START_KEY
from mfwb.sink.content.run_content import MARKER
from mfwb.sink.server.latest_alias import Moment
from mfwb.snapshot import Loss

__all__ = ["RuleWriter", "VersionRules"]

_ALIASES_KEY = "aliases_by_rules"
"""The key in an artifact's metadata, below `mfwb`: starts of flow runs in epoch ms, by alias."""

_FACTS = "metaflow"
"""The key in an artifact's metadata for the facts of Metaflow's artifact."""

_RULES_FOR, _LINK_OF = "rules for ", "link of "
"""How the items of losses begin."""

_REGISTRY_PREFIX = "wandb-registry-"

_ORIGIN_KEYS = ("flow_run", "step", "pathspec")


@dataclass(frozen=True, slots=True)
class VersionRules:
    """What the rules give to a version.

    Attributes:
        outcome: aliases, link and keys of metadata; None: there are no rules for it.
        planned_metadata: all metadata that is planned for it, with that of the rules.
        run_name: the name of the W&B run that logs it.
    """

    outcome: RuleOutcome | None
    planned_metadata: Mapping[str, Any]
    run_name: str

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata that comes from rules."""
        keys = self.outcome.metadata if self.outcome else ()
        return {key: self.planned_metadata[key] for key in keys if key in self.planned_metadata}

    def fits(self, version: wandb.Artifact) -> bool:
        """Whether this W&B run was the first to log a version, which has its metadata."""
        own, existing = (
            _mapping(metadata.get(_FACTS)) for metadata in (self.planned_metadata, version.metadata)
        )
        return all(own.get(key) == existing.get(key) for key in _ORIGIN_KEYS)


class RuleWriter:
    """Gives versions of one project what rules say; thread-safe."""

    def __init__(self, client: ApiClient, entity: str, project: str) -> None:
        self._client = client
        self._path = f"{entity}/{project}"
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    def write(self, version_name: str, moment: Moment, rules: VersionRules) -> tuple[Loss, ...]:
        """Give a version what it lacks; return the losses; SinkError if W&B fails.

        Args:
            version_name: as in `model:v3`.
            moment: when it was made.
            rules: what the rules give.
        """
        outcome = rules.outcome
        if outcome is None or not (outcome.aliases or outcome.link or outcome.metadata):
            return ()
        name = version_name.rpartition(":")[0]
        with self._guard:
            lock = self._locks[name]
        with lock:
            version = self._find(version_name)
            if version is None:
                reason = f"W&B does not have {version_name} any more"
                return (Loss(f"{_RULES_FOR}{name} by {rules.run_name}", reason),)
            self._save(version, moment, outcome.aliases, rules)
            if outcome.link is None:
                return ()
            return self._link(version, moment, outcome.link, rules.run_name)

    def update(
        self,
        outputs: Sequence[OutputOutcome],
        losses: Sequence[Loss],
        moment: Moment,
        rules: Mapping[str, VersionRules],
    ) -> tuple[tuple[OutputOutcome, ...], tuple[Loss, ...]]:
        """Give the artifacts of a complete W&B run what changed rules say; SinkError if W&B fails.

        What the rules gave before stays in W&B. What W&B refused is tried once more.

        Args:
            outputs: the artifacts in the receipt of the W&B run.
            losses: the losses in it.
            moment: when they were made.
            rules: what the rules give, by name in W&B.

        Returns:
            The outputs and losses for the new receipt.
        """
        names = {entry.run_name for entry in rules.values()}
        kept = [loss for loss in losses if not _is_rule_loss(loss, names)]
        try_again = len(kept) < len(losses)
        updated = []
        for output in outputs:
            wanted = rules.get(output.name)
            if wanted is None or output.version is None:
                updated.append(output)
                continue
            if try_again or wanted.outcome != output.rules:
                kept += self.write(f"{output.name}:{output.version}", moment, wanted)
            updated.append(replace(output, rules=wanted.outcome))
        return tuple(updated), tuple(kept)

    def _find(self, version_name: str) -> wandb.Artifact | None:
        """Return a version as it is now; None if W&B does not have it."""
        path = f"{self._path}/{version_name}"

        def request(api: wandb.Api) -> wandb.Artifact | None:
            return api.artifact(path) if api.artifact_exists(path) else None

        return self._client.call(self._path, request, f"read {version_name}")

    def _save(
        self,
        version: wandb.Artifact,
        moment: Moment,
        aliases: Sequence[str],
        rules: VersionRules,
    ) -> None:
        """Save the aliases that no newer version has, and the metadata."""
        note = _mapping(version.metadata.get(MARKER))
        starts = _mapping(note.get(_ALIASES_KEY))
        gained = self._find_gained(version, moment, aliases, starts)
        changed = {
            key: value
            for key, value in rules.metadata.items()
            if rules.fits(version) and version.metadata.get(key) != value
        }
        if not gained and not changed:
            return
        if gained:
            note[_ALIASES_KEY] = {**starts, **dict.fromkeys(gained, moment.started)}

        def action(_: wandb.Api) -> None:
            version.metadata = {**version.metadata, **changed, MARKER: note}
            version.aliases = sorted({*version.aliases, *gained})
            version.save()

        self._client.call(self._path, action, f"set the aliases of {version.name}")

    def _find_gained(
        self,
        version: wandb.Artifact,
        moment: Moment,
        aliases: Sequence[str],
        starts: Mapping[str, Any],
    ) -> list[str]:
        """Return the aliases that a version lacks, or has from an older flow run."""
        wanted = [
            alias
            for alias in aliases
            if alias not in version.aliases or _start_of(starts, alias) < moment.started
        ]
        if not wanted:
            return []
        entity, project = split_project_path(self._path)
        collection = version.name.rpartition(":")[0]
        holders = find_versions(self._client, (entity, project, collection), wanted)
        others = {alias: held for alias, held in holders.items() if held.id != version.id}
        return [
            alias
            for alias in wanted
            if alias not in others or not _is_newer(others[alias], alias, moment)
        ]

    def _link(
        self, version: wandb.Artifact, moment: Moment, path: str, run_name: str
    ) -> tuple[Loss, ...]:
        """Link a version to a collection, unless it is linked there already."""
        try:
            self._client.call(
                self._path,
                lambda api: _link_or_refuse(api, version, moment, path),
                f"link {version.name} to {path}",
            )
        except (SinkError, ValueError) as error:
            name = version.name.rpartition(":")[0]
            return (Loss(f"{_LINK_OF}{name} to {path} by {run_name}", first_line(error)),)
        return ()


def _link_or_refuse(api: wandb.Api, version: wandb.Artifact, moment: Moment, path: str) -> None:
    """Link a version; ValueError if the path leads nowhere, which no retry changes."""
    try:
        _link_once(api, version, moment, path)
    except wandb.errors.CommError as error:
        if isinstance(error.exc, ValueError):
            raise error.exc from error
        raise


def _link_once(api: wandb.Api, version: wandb.Artifact, moment: Moment, path: str) -> None:
    where, collection = split_project_path(path)
    entity, project = split_project_path(where)
    if project.startswith(_REGISTRY_PREFIX):
        entity = ""  # W&B's own name for the entity of a registry is another one
    if any(
        (link.project, link.name.rpartition(":")[0]) == (project, collection)
        and entity in {"", link.entity}
        for link in version.linked_artifacts
    ):
        return
    latest = f"{path}:{LATEST}"
    newest = api.artifact(latest) if api.artifact_exists(latest) else None
    version.link(path)  # W&B gives `latest` to the version that was linked last
    if newest is not None and _own_start(newest) > moment.started:
        # Its `name` is the one that it was requested by, `latest`, which has moved.
        newest = api.artifact(f"{newest.entity}/{newest.project}/{collection}:{newest.version}")
        newest.aliases = sorted({*newest.aliases, LATEST})
        newest.save()


def _is_rule_loss(loss: Loss, run_names: Collection[str]) -> bool:
    """Whether W&B refused what rules give to an artifact of some W&B runs."""
    is_of_run = any(loss.item.endswith(f" by {name}") for name in run_names)
    return is_of_run and loss.item.startswith((_RULES_FOR, _LINK_OF))


def _own_start(version: wandb.Artifact) -> int:
    """Return the start of the newest flow run that logged a version; -1: mfwb did not log it."""
    return _start_of(_mapping(version.metadata.get(MARKER)), NEWEST_START_KEY)


def _is_newer(held: VersionRecord, alias: str, moment: Moment) -> bool:
    """Whether a version has an alias from a newer flow run, or is a newer one of somebody else."""
    metadata = _mapping(held.metadata)
    start = _start_of(_mapping(_mapping(metadata.get(MARKER)).get(_ALIASES_KEY)), alias)
    return start > moment.started if start >= 0 else moment.is_older_than(held.times)


def _start_of(starts: Mapping[str, Any], key: str) -> int:
    start = starts.get(key)
    return start if type(start) is int else -1


def _mapping(value: Any) -> dict[str, Any]:
    """Return a copy of a dict; empty for anything else: anybody may change metadata."""
    return dict(value) if isinstance(value, dict) else {}
