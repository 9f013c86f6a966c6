"""Plan files: what a plan decided, for a sync that carries out exactly that, or refuses.

A plan file holds no artifacts and no secrets, only names, digests and settings. Whoever changes it
gains nothing: a sync plans again, and carries out only what it then decides itself to be the same.
Its settings count as flags of the command line, but only harmless ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mfwb.config import Settings
from mfwb.errors import MfwbError, UsageError
from mfwb.files.private_files import overwrite
from mfwb.settings_files.sensitivity import sensitive_settings
from mfwb.version import __version__

__all__ = [
    "PlanFile",
    "PlanFileFlowRun",
    "PlanFileRun",
    "call_settings",
    "check_plan_path",
    "flags_of",
    "read_plan",
    "write_plan",
]

_FORMAT = "mfwb plan"
_VERSION = 1
_MAX_BYTES = 256_000_000
_MODE = 0o644  # whoever reviews a plan may be another user
_HOW = frozenset({"workers", "max_requests_per_minute", "timeout", "wait", "strict"})
"""Settings that decide how a sync works, and not what it does."""
_KEPT_BACK = frozenset({"redact", "dir"})
"""Further ones that are not in it: patterns may hold what is secret, and a folder is written to."""


@dataclass(frozen=True, slots=True)
class PlanFileRun:
    """A W&B run in a plan file. The field names are stored.

    Attributes:
        name: as W&B shows it.
        fingerprint: of its plan.
        action: what is to be done with it.
        existing: the fingerprint that W&B's run was complete for; None: there was none, or W&B was
            not asked.
    """

    id: str
    name: str
    fingerprint: str
    action: str
    existing: str | None = None


@dataclass(frozen=True, slots=True)
class PlanFileFlowRun:
    """A flow run in a plan file. The field names are stored.

    Attributes:
        status: planned, unchanged, skipped or failed; only the first two are checked.
        reason: why it is skipped, or failed.
        change: new, changed, unfinished or unchanged.
        reasons: what changed.
        mode: online or offline.
        base: the server's URL, or the bundle's folder.
        digest: of its plan.
        tags: of the flow run.
        settings: those that decide what is written, and are not the default.
        settings_stamp: a digest of all that decide.
        recorded: its sync state in the ledger, and the digest of its last sync.
        wandb_runs: those of the plan.
    """

    pathspec: str
    status: str
    reason: str | None = None
    change: str | None = None
    reasons: tuple[str, ...] = ()
    mode: str = ""
    base: str = ""
    entity: str | None = None
    project: str = ""
    digest: str = ""
    tags: tuple[str, ...] | None = None
    settings: dict[str, str] = field(default_factory=dict)
    settings_stamp: str = ""
    recorded: str = ""
    wandb_runs: tuple[PlanFileRun, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan file. The field names are stored.

    Attributes:
        mfwb: the version that made it.
        provider: the metadata provider of all flow runs.
        online: whether W&B was asked.
        failed: whether only failed flow runs were selected (True), or only others (False).
        flags: settings of the command line and of variables, which count again in the sync.
        flags_to_give: names of others, which have to be given again: they may do harm.
        call: settings of the whole call that decide what is done.
        flow_runs: in the order of the plan.
    """

    mfwb: str
    provider: str
    online: bool
    failed: bool | None
    flags: dict[str, Any]
    flags_to_give: tuple[str, ...]
    call: dict[str, str]
    flow_runs: tuple[PlanFileFlowRun, ...]


def flags_of(settings: Settings) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the settings of flags and variables that a plan file keeps, and names of others."""
    fields = {"wandb" if name == "settings" else name for name in settings.explicit - _HOW}
    given = settings.model_dump(mode="json", by_alias=True, include=fields, exclude_unset=True)
    kept, others = {}, []
    for name, value in given.items():
        if _harmful({name: value}):
            others.append(name)
        else:
            kept[name] = value
    return kept, tuple(sorted(others))


def _harmful(flags: Mapping[str, Any]) -> list[str]:
    """Return the names of settings that a plan file must not have."""
    kept_back = [name for name in flags if name in _KEPT_BACK]
    return [*kept_back, *sensitive_settings(flags, Path("/"))]


def call_settings(settings: Settings) -> dict[str, str]:
    """Return the settings of the whole call that decide what is done with W&B runs, as text."""
    return {
        "force": json.dumps(settings.force),
        "on_deleted": settings.on_deleted,
        "overwrite_edits": json.dumps(settings.overwrite_edits),
    }


def check_plan_path(path: Path) -> None:
    """Raise UsageError if a path is no file in a folder: a plan would replace a device, too."""
    is_other = path.exists() and not path.is_file()
    if is_other or not path.absolute().parent.is_dir():
        raise UsageError(f"--out: {path} is no file in a folder that exists")


def write_plan(path: Path, plan: PlanFile) -> None:
    """Write a plan file in one step, in place of an earlier one; MfwbError."""
    content = {"format": _FORMAT, "version": _VERSION, **_to_json(plan)}
    text = json.dumps({**content, "checksum": _checksum(content)}, indent=1)
    try:
        overwrite(path, f"{text}\n".encode(), _MODE)
    except OSError as error:
        raise MfwbError(f"the plan {path} can't be written: {error}") from error


def read_plan(path: Path) -> PlanFile:
    """Return the plan in a file.

    Raises:
        UsageError: it can't be read, is no plan, is cut off, was changed, or was made by another
            version of mfwb.
    """
    document = _parse(path, _read(path))
    if document.get("format") != _FORMAT:
        raise UsageError(f"{path} is no plan of mfwb; `mfwb plan --out FILE` writes one")
    version = document.get("mfwb")
    if document.get("version") != _VERSION or version != __version__:
        made_by = f"mfwb {version}" if isinstance(version, str) else "another mfwb"
        raise UsageError(f"{path} was made by {made_by}, and this is {__version__}; {_HINT}")
    checksum = document.pop("checksum", None)
    if checksum != _checksum(document):
        raise UsageError(f"{path} was changed after the plan was made; {_HINT}")
    values = {name: document[name] for name in document if name not in {"format", "version"}}
    try:
        plan = _adapter().validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path} is no plan of mfwb: {where}: {first['msg']}; {_HINT}") from None
    names = [flow_run.pathspec for flow_run in plan.flow_runs]
    if len(set(names)) < len(names):
        raise UsageError(f"{path} is no plan of mfwb: it has a flow run twice; {_HINT}")
    if harmful := _harmful(plan.flags):
        raise UsageError(f"{path} may not set {', '.join(harmful)}: give it to this call")
    return plan


_HINT = "make a new plan"


def _read(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"the plan {path} can't be read: it is not a file")
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"the plan {path} can't be read: {reason}") from None
    if len(data) > _MAX_BYTES:
        raise UsageError(f"{path} is no plan of mfwb: it has more than {_MAX_BYTES:,} bytes")
    return data


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError, MemoryError):
        raise UsageError(
            f"{path} is no plan of mfwb, or only a part of one: it is not JSON; {_HINT}"
        ) from None
    return document if isinstance(document, dict) else {}


def _checksum(content: Mapping[str, Any]) -> str:
    """Return a digest of all of a plan file but the digest itself."""
    try:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    except RecursionError:  # mfwb wrote nothing so deep
        return ""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _to_json(plan: PlanFile) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(asdict(plan)))  # tuples become lists
    return document


@cache
def _adapter() -> TypeAdapter[PlanFile]:
    return TypeAdapter(PlanFile)  # built on first use, since that is slow
