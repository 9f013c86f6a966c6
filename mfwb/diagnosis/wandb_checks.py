"""Checks of W&B's side: server, credentials, entity and project are queried, nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from mfwb.config import Settings
from mfwb.destination import mode_to_write, named_destinations, read_defaults
from mfwb.diagnosis.bounded_checks import BoundedChecks
from mfwb.diagnosis.check import Check, failed, passed, skipped, warned
from mfwb.diagnosis.clock import Answer, check_clock, request_answer
from mfwb.errors import SinkError, Unreachable, UsageError

if TYPE_CHECKING:
    from mfwb.destination import WandbDefaults
    from mfwb.sink.inspection import Inspection
    from mfwb.sink.server.account import Viewer

__all__ = ["run_wandb_checks"]

_GROUP = "W&B"
_SERVER_ERROR = 500  # HTTP status
_OWN_CLOUD = frozenset({"https://api.wandb.ai", "https://api.forge.coreweave.com"})
_OLDEST_SERVER = (0, 70)
"""The oldest self-hosted server that wandb 0.31 works with."""
_MAX_DESTINATIONS = 10
_MAX_NAMES = 10
_SERVER_ADVICE = "look at WANDB_BASE_URL, at HTTPS_PROXY and NO_PROXY, and at the network"
_KEY_ADVICE = "run `wandb login`, or set WANDB_API_KEY; https://wandb.ai/authorize shows a key"


def run_wandb_checks(checks: BoundedChecks, settings: Settings) -> str | None:
    """Check W&B's side; return the URL of the server, or None for an offline sync.

    Args:
        checks: gets the results.
        settings: their `timeout` limits each request.
    """
    side = _WandbSide(settings)
    if not checks.run(_GROUP, "mode", side.check_mode):
        return None
    if side.mode == "offline":
        checks.run(_GROUP, "entity", side.check_offline_entity)
        for name in ("server", "credentials", "project", "clock"):
            checks.done.append(skipped(_GROUP, name, "an offline sync does without W&B"))
        return None
    with ExitStack() as stack:
        if not checks.run(_GROUP, "server", side.check_server, _SERVER_ADVICE):
            _skip_rest(checks, "the server is not reached")
            return side.base_url
        checks.run(_GROUP, "clock", side.check_clock)
        if not checks.run(
            _GROUP, "credentials", lambda: side.check_credentials(stack), _KEY_ADVICE
        ):
            _skip_rest(checks, "W&B accepts no credentials")
            return side.base_url
        checks.run(_GROUP, "version", side.check_version)
        checks.run(_GROUP, "entity and project", side.check_destinations)
    return side.base_url


def _skip_rest(checks: BoundedChecks, reason: str) -> None:
    done = {check.name for check in checks.done if check.group == _GROUP}
    for name in ("credentials", "entity", "project"):
        if name not in done:
            checks.done.append(skipped(_GROUP, name, reason))


class _WandbSide:
    """W&B while it is checked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._defaults: WandbDefaults | None = None
        self._inspection: Inspection | None = None
        self._answer: Answer | None = None
        self.mode = ""
        self.base_url = ""

    def check_mode(self) -> Iterator[Check]:
        self._defaults = read_defaults()
        self.mode = mode_to_write(self._settings, self._defaults)
        self.base_url = str(self._settings.wandb.get("base_url") or self._defaults.base_url)
        if self.mode == "online" and self._settings.dir is not None:
            yield failed(
                _GROUP,
                "mode",
                "a folder for a bundle is given, and the mode is online",
                "add --mode offline, or leave --dir out",
            )
        elif self.mode == "offline" and self._settings.dir is None:
            yield warned(
                _GROUP, "mode", "offline, without a folder for the bundle", "add --dir DIR"
            )
        else:
            yield passed(_GROUP, "mode", self.mode)

    def check_offline_entity(self) -> Check:
        if (entity := self._given_entity) is None:
            return failed(
                _GROUP,
                "entity",
                "none is given, and an offline sync can't ask W&B for yours",
                "add --entity or set WANDB_ENTITY",
            )
        return passed(_GROUP, "entity", f"{entity}; whether it exists shows when it is pushed")

    def check_server(self) -> Iterator[Check]:
        answer = request_answer(self.base_url, self._settings.timeout)
        self._answer = answer
        if answer.status >= _SERVER_ERROR:
            raise Unreachable(f"{self.base_url} answered {answer.status}")
        yield passed(_GROUP, "server", f"{self.base_url} answers in {answer.milliseconds:,} ms")

    def check_clock(self) -> Check:
        if self._answer is None:
            raise UsageError("the server was not asked")
        return check_clock(_GROUP, "W&B", self._answer)

    def check_credentials(self, stack: ExitStack) -> Iterator[Check]:
        from mfwb.sink.inspection import open_inspection  # noqa: PLC0415 - the rest imports wandb

        self._inspection = stack.enter_context(open_inspection(self._settings))
        source = self._inspection.key_source
        try:
            entity = self._inspection.destinations.viewer_entity()
        except Unreachable as error:
            if source is None:
                raise
            problem = str(error).removeprefix("W&B credentials: ")
            yield failed(
                *(_GROUP, "credentials", f"from {source}: {problem}", _KEY_ADVICE),
                exit_code=Unreachable.exit_code,
            )
            return
        yield passed(
            *(_GROUP, "credentials"),
            f"accepted, from {source or 'wandb itself'}; the default entity is {entity}",
        )

    def check_version(self) -> Check:
        version = self._opened.account.server_version()
        if version is None:
            kind = "W&B's own cloud" if self.base_url in _OWN_CLOUD else "a server"
            return passed(_GROUP, "version", f"{kind}, which does not say its version")
        if _numbers(version) < _OLDEST_SERVER:
            oldest = ".".join(map(str, _OLDEST_SERVER))
            return warned(
                _GROUP,
                "version",
                f"a server of version {version}; wandb needs {oldest} or newer",
                "upgrade the server, or install a wandb that works with it",
            )
        return passed(_GROUP, "version", f"a server of version {version}")

    def check_destinations(self) -> Iterator[Check]:
        viewer = self._opened.account.viewer()
        entities = {entity: None for entity, _ in self._destinations(viewer)}
        writable = {}
        for entity in entities:
            check, writable[entity] = self._check_entity(entity, viewer)
            yield check
        for entity, project in self._destinations(viewer):
            if project is None:
                text = "each flow's own name; none is given"
                yield passed(_GROUP, "project", text)
            elif writable[entity] is not False:
                yield self._check_project(entity, project, is_member=writable[entity] is True)
            else:
                text = f"{entity}/{project}: the entity can't be used"
                yield skipped(_GROUP, "project", text)

    def _check_entity(self, name: str, viewer: Viewer) -> tuple[Check, bool | None]:
        """Return a check, and whether the user is a member; False if it can't be used at all."""
        yours = ", ".join(sorted(viewer.entities)[:_MAX_NAMES])
        advice = f"say another --entity; yours are {yours}"
        existing = self._opened.account.entity(name)
        if existing is None:
            text = f"W&B has no entity {name}, or does not show it to {viewer.name}"
            return failed(_GROUP, "entity", text, advice, Unreachable.exit_code), False
        if existing.read_only:
            text = f"W&B says that {name} can only be read"
            return failed(_GROUP, "entity", text, advice, Unreachable.exit_code), False
        if name in viewer.entities:
            return passed(_GROUP, "entity", f"{name} exists, and {viewer.name} is in it"), True
        text = f"{name} exists, and {viewer.name} is not in it: W&B may refuse to write"
        return warned(_GROUP, "entity", text, advice), None

    def _check_project(self, entity: str, name: str, *, is_member: bool) -> Check:
        path = f"{entity}/{name}"
        advice = "ask for a role that may write there, or say another --project"
        existing = self._opened.account.project(entity, name)
        if existing is None and is_member:
            text = (
                f"{path} does not exist yet, and the first sync makes it; whether your role "
                "allows that can't be told without a write"
            )
            return passed(_GROUP, "project", text)
        if existing is None:
            text = f"{path} does not exist, and only members of {entity} can make it"
            return failed(_GROUP, "project", text, advice, Unreachable.exit_code)
        if existing.read_only:
            text = f"W&B says that {path} can only be read with these credentials"
            return failed(_GROUP, "project", text, advice, Unreachable.exit_code)
        if existing.read_only is None:
            text = f"{path} exists; whether it can be written can't be told without a write"
            return passed(_GROUP, "project", text)
        return passed(_GROUP, "project", f"{path} exists, and W&B does not call it read-only")

    def _destinations(self, viewer: Viewer) -> list[tuple[str, str | None]]:
        """Return entities and projects that the settings name; None: the flow's own name."""
        named = named_destinations(self._settings, self._opened.destinations.defaults)
        pairs = []
        for given, project in named[:_MAX_DESTINATIONS]:
            entity = given or viewer.entity
            if entity is None:
                raise SinkError("the account has no default entity; say --entity")
            pairs.append((entity, project))
        return pairs

    @property
    def _given_entity(self) -> str | None:
        if self._defaults is None:
            return None
        [(entity, _), *_] = named_destinations(self._settings, self._defaults)
        return entity

    @property
    def _opened(self) -> Inspection:
        if self._inspection is None:
            raise UsageError("W&B is not opened")
        return self._inspection


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split("-", maxsplit=1)[0].split(".")
    return tuple(int(part) for part in parts if part.isdecimal())
