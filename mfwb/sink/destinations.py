"""Where W&B runs go: mode, server or bundle, entity and project."""

from __future__ import annotations

from pathlib import Path

from mfwb.config import Settings
from mfwb.errors import Unreachable, UsageError
from mfwb.planning.names import is_project_name, project_name
from mfwb.ports import Destination
from mfwb.sink.defaults import Defaults

__all__ = ["Destinations"]

_MODES = ("online", "offline")


class Destinations:
    """Resolves destinations by our settings first, then by W&B's own conventions."""

    def __init__(self, settings: Settings, defaults: Defaults, no_key: str | None = None) -> None:
        """Resolve them.

        Args:
            settings: of this call.
            defaults: what W&B's own settings say.
            no_key: why there is no key for the server; None: there may be one.
        """
        self._settings = settings
        self.defaults = self._wandb = defaults
        self._no_key = no_key
        self._viewer_entity: str | None = None
        self.mode = self._resolve_mode()
        self.bundle = self._resolve_bundle()
        self.base_url = str(settings.wandb.get("base_url") or self._wandb.base_url)

    def of(self, flow: str, *, ask: bool) -> Destination:
        """Return where the runs of a flow go; with `ask`, an unknown entity is asked for.

        Raises:
            UsageError: W&B takes no such name, or an offline sync does not know the entity.
            Unreachable: the credentials don't hold.
        """
        entity = self._settings.entity_of(flow) or self._wandb.entity
        if entity is None and ask:
            entity = self._entity_to_ask_for()
        project = self._settings.project_of(flow) or self._wandb.project or project_name(flow)
        _check_names(entity, project)
        return Destination(
            mode=self.mode,
            base=str(self.bundle) if self.bundle else self.base_url,
            entity=entity,
            project=project,
        )

    def _entity_to_ask_for(self) -> str | None:
        if self.mode == "online":
            return self.viewer_entity()
        raise UsageError(
            "an offline sync must know the W&B entity, which `wandb sync` can't add later; add "
            "--entity or set WANDB_ENTITY"
        )

    def viewer_entity(self) -> str | None:
        """Return the entity that the credentials stand for; Unreachable if they don't hold."""
        if self._no_key is not None:
            raise Unreachable(self._no_key)
        if self._viewer_entity is None:
            from mfwb.sink.asking import ask_entity  # noqa: PLC0415 - it brings wandb

            self._viewer_entity = ask_entity(self.base_url, self._settings.timeout)
        return self._viewer_entity

    def _resolve_mode(self) -> str:
        said = self._settings.mode or self._settings.wandb.get("mode")
        mode = str(said or self._wandb.mode)
        if mode not in _MODES:
            raise UsageError(
                f"W&B's mode is {mode!r}, in which nothing would be written; say --mode online "
                "or --mode offline --dir DIR"
            )
        return mode

    def _resolve_bundle(self) -> Path | None:
        folder = self._settings.dir
        if self.mode == "online":
            if folder is not None:
                raise UsageError("--dir is where an offline sync writes; add --mode offline")
            return None
        if folder is None:
            raise UsageError("an offline sync needs a folder to write to; add --dir DIR")
        return folder.expanduser().resolve()


def _check_names(entity: str | None, project: str) -> None:
    """Refuse what W&B would refuse as late as it opens a run, or take for a part of a path."""
    if not is_project_name(project):
        raise UsageError(
            f"{project!r} is no name of a W&B project, which has 128 characters at most and none "
            "of / \\ # ? % :"
        )
    if entity is not None and not is_project_name(entity):
        raise UsageError(f"{entity!r} is no name of a W&B entity; say --entity and --project apart")
