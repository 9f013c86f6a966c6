"""The settings of mfwb: frozen, checked, and resolved per flow and per step.

Lowest first: defaults, `mfwb.toml` or `[tool.mfwb]` of pyproject.toml, `MFWB_*`, flags. Tables per
flow and per step override the file's own top level, but not what was said by environment or flag.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from mfwb.errors import UsageError
from mfwb.quantities import A_SIZE, Bytes, Seconds, as_bytes
from mfwb.version import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "OnDeleted",
    "Plugin",
    "Settings",
    "SizeLimits",
    "StepSettings",
    "Unpickle",
    "load_settings",
]

Mode = Literal["online", "offline"]
Granularity = Literal["step", "task"]
Unpickle = Literal["safe", "trusted", "never"]
OnDeleted = Literal["skip", "recreate", "fail"]
KindName = Literal["dataset", "model", "other", "value"]

_MAX_MEMORY = 2 * 10**9  # bytes
_ENVIRONMENT = "MFWB_"
_FILES = ("mfwb.toml", "pyproject.toml")


class SizeLimits(BaseModel):
    """How many bytes an artifact may have, by the type of W&B artifact; None: any number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Bytes | None = None
    model: Bytes | None = None
    other: Bytes | None = None


def _limits(value: Any) -> Any:
    """Return one size as the limits it stands for, which are the same for all types."""
    if isinstance(value, (dict, SizeLimits)):
        return value
    size = as_bytes(value)
    if size is None:
        return {}
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError(A_SIZE)
    return dict.fromkeys(SizeLimits.model_fields, size)


def _folders(value: Any) -> Any:
    """Return folders, absolute; a text holds several, separated as in PATH."""
    said = value.split(os.pathsep) if isinstance(value, str) else value
    if not isinstance(said, (list, tuple)):
        raise ValueError("it is a list of folders")  # noqa: TRY004 - pydantic's way to say so
    if not all(isinstance(one, (str, Path)) and "\0" not in str(one) for one in said):
        raise ValueError("it is a list of folders")
    return tuple(os.path.abspath(Path(one).expanduser()) for one in said if str(one))  # noqa: PTH100


class Plugin(BaseModel):
    """What a converter of another package says of itself; `mfwb.payload.plugins` finds them.

    Attributes:
        name: of its entry point.
        types: patterns of types that it converts, as in `mylib.Table` or `mylib.io.*`.
        kind: where these go.
        safe: whether it runs nothing that a pickle asks for.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    types: tuple[str, ...]
    kind: Literal["dataset", "model", "other"]
    safe: bool = False


class _PerStep(BaseModel):
    """What can be said of a single step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    datasets: bool = True
    models: bool = True
    others: bool = True
    max_artifact_size: Annotated[SizeLimits, BeforeValidator(_limits)] = SizeLimits()
    wandb: dict[str, Any] = Field(default_factory=dict, alias="settings")


class StepSettings(_PerStep):
    """What holds for one step, all tables applied."""

    kinds: tuple[tuple[str, KindName], ...] = ()  # the first pattern that fits a type holds
    plugins: tuple[Plugin, ...] = ()
    unpickle: Unpickle = "safe"
    max_memory: int = _MAX_MEMORY
    references: bool | None = None
    file_references: bool = False
    path_roots: tuple[str, ...] = ()


class _StepTable(_PerStep):
    """`[flow.MyFlow.step.end]`."""

    @field_validator("wandb")
    @classmethod
    def _stay_in_the_project(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in {"entity", "project"} & value.keys():
            raise ValueError(f"{name} holds for a flow as a whole: lineage ends at a project")
        return value


class _FlowSettings(_PerStep):
    """What can differ from flow to flow."""

    entity: str | None = None
    project: str | None = None
    granularity: Granularity = "step"
    kinds: dict[str, KindName] = Field(default_factory=dict, description="by pattern of types")


class _FlowTable(_FlowSettings):
    """`[flow.MyFlow]`."""

    step: dict[str, _StepTable] = Field(default_factory=dict)


class _Sayable(_FlowSettings):
    """What can be said in a file, by environment or as an argument."""

    mode: Mode | None = Field(None, description="None: what WANDB_MODE says, else online")
    dir: Path | None = Field(None, description="the bundle of an offline sync")
    metadata: str | None = Field(None, description="Metaflow's provider, as in service@URL")
    namespace: str | None = Field(None, description="Metaflow's namespace; None: all")
    unpickle: Unpickle = "safe"
    max_memory: Bytes = Field(_MAX_MEMORY, description="bytes that loading an artifact may take")
    references: bool | None = Field(
        None, description="point at Metaflow's bytes; None: at those that are too large to copy"
    )
    file_references: bool = Field(
        default=False, description="also at files, which others can't reach"
    )
    path_roots: Annotated[tuple[str, ...], BeforeValidator(_folders)] = Field(
        (), description="folders of this machine that flow runs may send files from"
    )
    workers: int = Field(16, ge=1, le=64)
    timeout: Seconds = Field(300.0, description="seconds of retrying that all workers share")
    wait: Seconds = Field(0.0, description="seconds for which to wait for another sync to end")
    on_deleted: OnDeleted = Field("skip", description="what to do about deleted W&B runs")
    abandoned_after: Seconds = Field(86_400.0, description="without a sign of life")
    force: bool = False
    strict: bool = False
    flow: dict[str, _FlowTable] = Field(default_factory=dict)


class Settings(_Sayable):
    """All settings of one call. Make it with `load_settings`."""

    explicit: frozenset[str] = Field(frozenset(), exclude=True)  # said by environment or flag
    plugins: tuple[Plugin, ...] = Field((), exclude=True)  # found, not said

    def entity_of(self, flow: str) -> str | None:
        """Return the W&B entity that was set for a flow."""
        found: str | None = self._resolve("entity", flow)
        return found or self.wandb_of(flow).get("entity")

    def project_of(self, flow: str) -> str | None:
        """Return the W&B project that was set for a flow."""
        found: str | None = self._resolve("project", flow)
        return found or self.wandb_of(flow).get("project")

    def granularity_of(self, flow: str) -> Granularity:
        """Return whether the flow gets a W&B run per step or per task."""
        found: Granularity = self._resolve("granularity", flow)
        return found

    def kinds_of(self, flow: str) -> tuple[tuple[str, KindName], ...]:
        """Return patterns of types and their kinds, in the order in which they count.

        The flow's own come first, and the more a pattern spells out, the earlier it comes: so the
        order in which they are written does not matter.
        """
        tables = [self] if "kinds" in self.explicit else [self.flow.get(flow), self]
        return tuple(
            (pattern, table.kinds[pattern])
            for table in tables
            if table is not None
            for pattern in sorted(table.kinds, key=_by_what_is_spelled_out)
        )

    def stamp(self, flow: str) -> str:
        """Return a digest of all that decides what W&B gets of a flow; another version may differ.

        Whoever finds the same one again need not work out what it was that was to be written.
        """
        said = self.model_dump(mode="json", include=set(_DECISIVE))
        table = self.flow.get(flow)
        own = table.model_dump(mode="json", exclude_unset=True) if table else {}
        plugins = [one.model_dump(mode="json") for one in self.plugins]
        document = [__version__, said, own, plugins, sorted(self.explicit & _DECISIVE)]
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]

    def wandb_of(self, flow: str) -> dict[str, Any]:
        """Return the `wandb.Settings` fields that were set for a flow as a whole."""
        table = self.flow.get(flow)
        return {**self.wandb, **(table.wandb if table else {})}

    def for_step(self, flow: str, step: str) -> StepSettings:
        """Return what holds for one step, all tables applied."""
        tables = self._tables(flow, step)
        return StepSettings(
            datasets=self._resolve("datasets", flow, step),
            models=self._resolve("models", flow, step),
            others=self._resolve("others", flow, step),
            max_artifact_size=self._size_limits(flow, step),
            settings={
                key: value for table in reversed(tables) for key, value in table.wandb.items()
            },
            kinds=self.kinds_of(flow),
            plugins=self.plugins,
            unpickle=self.unpickle,
            max_memory=self.max_memory,
            references=self.references,
            file_references=self.file_references,
            path_roots=self.path_roots,
        )

    def _size_limits(self, flow: str, step: str) -> SizeLimits:
        """Return the limit for each type: that of the most specific table that speaks of it."""
        explicit = "max_artifact_size" in self.explicit
        said: dict[str, int | None] = {}
        for table in [self] if explicit else reversed(self._tables(flow, step)):
            said |= table.max_artifact_size.model_dump(exclude_unset=True)
        return SizeLimits(**said)

    def _tables(self, flow: str, step: str | None) -> list[_PerStep]:
        """Return the tables that speak of a step, the most specific first."""
        flow_table = self.flow.get(flow)
        step_table = flow_table.step.get(step) if flow_table and step else None
        return [table for table in (step_table, flow_table, self) if table is not None]

    def _resolve(self, name: str, flow: str, step: str | None = None) -> Any:
        if name in self.explicit:
            return getattr(self, name)
        for table in self._tables(flow, step):
            if name in table.model_fields_set:
                return getattr(table, name)
        return getattr(self, name)


_DECISIVE = frozenset(
    {
        "datasets",
        "models",
        "others",
        "max_artifact_size",
        "wandb",
        "granularity",
        "kinds",
        "unpickle",
        "max_memory",
        "references",
        "file_references",
        "path_roots",
    }
)


def load_settings(
    flags: Mapping[str, Any],
    *,
    file: Path | None = None,
    folder: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Return the settings of a call.

    Args:
        flags: what was said on the command line or in Python; None means not said.
        file: a settings file to read instead of looking for one.
        folder: where to look for `mfwb.toml` and `pyproject.toml`; None: the current folder.
        environ: where to look for `MFWB_*`.

    Raises:
        UsageError: naming the setting, where it was said and what is wrong with it.
    """
    found = file or _find_file(folder or Path.cwd())
    from_file = _read_file(found) if found else {}
    from_environment = _from_environment(environ)
    said = {name: value for name, value in flags.items() if value is not None}
    explicit = frozenset({*from_environment, *said})
    _check(from_file, str(found))
    _check(from_environment, "the MFWB_* variables")
    _check(said, "the arguments")
    return Settings(**{**from_file, **from_environment, **said}, explicit=explicit)


def _check(values: Any, origin: str) -> None:
    """Check one source of settings on its own, so that a complaint can name it."""
    try:
        _Sayable.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise UsageError(f"{origin}: there is no setting {name!r}") from None
        problem = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{origin}: {name}: {problem}, not {first['input']!r}") from None


def _find_file(folder: Path) -> Path | None:
    for name in _FILES:
        candidate = folder / name
        if candidate.is_file() and (name == "mfwb.toml" or _tool_table(candidate) is not None):
            return candidate
    return None


def _read_file(path: Path) -> dict[str, Any]:
    if path.name == "pyproject.toml":
        return _tool_table(path) or {}
    return _read_toml(path)


def _tool_table(path: Path) -> dict[str, Any] | None:
    tools = _read_toml(path).get("tool")
    table = tools.get("mfwb") if isinstance(tools, dict) else None
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{path}: [tool.mfwb] must be a table")
    return table


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: no valid TOML: {error}") from None
    return table


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings among the MFWB_* variables; an empty one counts as not said."""
    return {
        name.removeprefix(_ENVIRONMENT).lower(): value
        for name, value in environ.items()
        if name.startswith(_ENVIRONMENT) and value and name not in NOT_SETTINGS
    }


NOT_SETTINGS = frozenset({"MFWB_STATE_DIR"})
"""Variables of ours that say where mfwb lives rather than what it does."""


def _by_what_is_spelled_out(pattern: str) -> tuple[int, str]:
    return -len(pattern.replace("*", "")), pattern
