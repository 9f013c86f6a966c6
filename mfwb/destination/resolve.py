"""Resolve where W&B runs go: mfwb's settings come first, then W&B's own variables and files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from mfwb.config import Settings
from mfwb.destination.wandb_defaults import WandbDefaults
from mfwb.errors import Unreachable, UsageError
from mfwb.files.home_folder import expand_home
from mfwb.planning.names import is_project_name, project_name
from mfwb.ports import Destination

__all__ = [
    "Destinations",
    "bundle_of",
    "entity_and_project",
    "given_mode",
    "mode_to_write",
    "named_destinations",
    "project_of",
]

_MODES = ("online", "offline")


class Destinations:
    """The destination of each flow in one call, with a query to W&B only where that is allowed."""

    def __init__(
        self,
        settings: Settings,
        defaults: WandbDefaults,
        query_entity: Callable[[str], str | None],
        *,
        may_ask: bool,
    ) -> None:
        """Resolve mode, server and bundle; `of` resolves the rest for each flow.

        Args:
            settings: of this call.
            defaults: W&B's own settings, from its variables and files.
            query_entity: returns the entity of the credentials at a server; it raises Unreachable
                if they are not valid.
            may_ask: whether W&B may be queried for an entity that was not given.

        Raises:
            UsageError: for a mode that writes nothing, or that does not fit `dir`.
        """
        self._settings = settings
        self._query_entity = query_entity
        self._may_ask = may_ask
        self._viewer_entity: str | Unreachable | None = None
        self._is_known = False  # of the entity, or why there is none
        self._lock = threading.Lock()
        self.defaults = defaults
        self.mode = mode_to_write(settings, defaults)
        self.bundle = _bundle_to_write(settings, self.mode)
        self.base_url = str(settings.wandb.get("base_url") or defaults.base_url)

    def of(self, flow: str) -> Destination:
        """Return the destination of the runs of a flow.

        Raises:
            UsageError: W&B accepts no such name, or the entity of an offline sync is unknown.
            Unreachable: the entity has to be queried, and the credentials are not valid.
        """
        entity, project = entity_and_project(
            flow, self._settings, self.defaults, default_entity=self._entity
        )
        base = str(self.bundle) if self.bundle else self.base_url
        return Destination(mode=self.mode, base=base, entity=entity, project=project)

    def of_bundled(self, bundled: Destination) -> Destination:
        """Return the destination of a push of a bundled run: names stay the same."""
        return Destination("online", self.base_url, bundled.entity, bundled.project)

    def viewer_entity(self) -> str | None:
        """Return the entity of the credentials; Unreachable if they are not valid.

        W&B is asked once in a call, however many flow runs begin at the same time.
        """
        with self._lock:
            if not self._is_known:
                try:
                    self._viewer_entity = self._query_entity(self.base_url)
                except Unreachable as error:
                    self._viewer_entity = error
                self._is_known = True
        if isinstance(self._viewer_entity, Unreachable):
            raise self._viewer_entity
        return self._viewer_entity

    def _entity(self) -> str | None:
        """Return the entity if none was given; None if it is unknown."""
        if self.mode == "online":
            return self.viewer_entity() if self._may_ask else None
        raise UsageError(
            "an offline sync must know the W&B entity, which `wandb sync` can't add later; add "
            "--entity or set WANDB_ENTITY"
        )


def entity_and_project(
    flow: str,
    settings: Settings,
    defaults: WandbDefaults,
    *,
    default_entity: Callable[[], str | None] = lambda: None,
) -> tuple[str | None, str]:
    """Return the entity and the project of a flow; the entity is None if it is unknown.

    Args:
        flow: its name.
        settings: of this call.
        defaults: W&B's own settings, from its variables and files.
        default_entity: called for an entity that was not given.

    Raises:
        UsageError: W&B accepts no such name.
    """
    entity = settings.entity_of(flow) or defaults.entity
    if entity is None:
        entity = default_entity()
    project = project_of(flow, settings, defaults) or project_name(flow)
    _check_names(entity, project)
    return entity, project


def project_of(flow: str, settings: Settings, defaults: WandbDefaults) -> str | None:
    """Return the project that was given for a flow; None if it has the name of the flow."""
    return settings.project_of(flow) or defaults.project


def named_destinations(
    settings: Settings, defaults: WandbDefaults
) -> list[tuple[str | None, str | None]]:
    """Return each entity and project that the settings name, that for all other flows first.

    An entity is None if none is given, and a project if it has the name of each flow.

    Raises:
        UsageError: W&B accepts no such name.
    """
    entity, project = settings.entity_of("") or defaults.entity, project_of("", settings, defaults)
    _check_names(entity, project or "any")
    named = [entity_and_project(flow, settings, defaults) for flow in settings.flow]
    return list(dict.fromkeys([(entity, project), *named]))


def bundle_of(settings: Settings, defaults: WandbDefaults) -> Path | None:
    """Return the bundle whose ledger is read; None for the ledger of all servers.

    A folder alone is enough here: nothing is written, so the mode is clear.

    Raises:
        UsageError: if mode and folder don't fit together.
    """
    if settings.dir is not None:
        if given_mode(settings) == "online":
            raise UsageError("--dir is where an offline sync writes; add --mode offline")
        return _bundle_path(settings.dir)
    if (given_mode(settings) or defaults.mode) == "offline":
        raise UsageError("an offline sync has its ledger in its bundle; add --dir DIR")
    return None


def given_mode(settings: Settings) -> str | None:
    """Return the mode that mfwb's own settings give; None: W&B's settings decide."""
    mode: str | None = settings.mode or settings.wandb.get("mode")
    return mode


def mode_to_write(settings: Settings, defaults: WandbDefaults) -> str:
    """Return "online" or "offline"; UsageError for a mode in which nothing would be written."""
    mode = str(given_mode(settings) or defaults.mode)
    if mode not in _MODES:
        raise UsageError(
            f"W&B's mode is {mode!r}, in which nothing would be written; use --mode online "
            "or --mode offline --dir DIR"
        )
    return mode


def _bundle_to_write(settings: Settings, mode: str) -> Path | None:
    if mode == "online":
        if settings.dir is not None:
            raise UsageError("--dir is where an offline sync writes; add --mode offline")
        return None
    if settings.dir is None:
        raise UsageError("an offline sync needs a folder to write to; add --dir DIR")
    return _bundle_path(settings.dir)


def _bundle_path(folder: Path) -> Path:
    return expand_home(folder).resolve()


def _check_names(entity: str | None, project: str) -> None:
    """Raise UsageError for names that W&B refuses only when it opens a run, or reads as a path."""
    if not is_project_name(project):
        raise UsageError(
            f"{project!r} is not a valid W&B project: at most 128 characters, and none "
            "of / \\ # ? % :"
        )
    if entity is not None and not is_project_name(entity):
        raise UsageError(
            f"{entity!r} is not a valid W&B entity; give --entity and --project separately"
        )
