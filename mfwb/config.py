"""The settings of mfwb: frozen, checked, and resolved per flow and per step.

Order of precedence, lowest first: defaults, `mfwb.toml` of the user's configuration folder,
`mfwb.toml` or `[tool.mfwb]` of pyproject.toml, `MFWB_*`, flags. Tables per flow and per step
override the top level of files, but not the environment and flags.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from mfwb.errors import UsageError
from mfwb.files.home_folder import expand_home
from mfwb.redaction import Masker, describe_wrong_pattern
from mfwb.request_budget import MIN_REQUESTS_PER_MINUTE
from mfwb.settings_files import (
    SettingsFile,
    current_folder,
    find_file,
    find_users_file,
    load_trust,
    read_named_file,
    refuse_unless_trusted,
)
from mfwb.settings_files.artifact_rules import (
    check_aliases,
    check_link,
    check_metadata_names,
    check_when,
)
from mfwb.settings_files.sensitivity import sensitive_settings
from mfwb.settings_files.value_errors import describe_error, setting_path
from mfwb.units.quantities import SIZE_FORMAT, Bytes, Seconds, parse_bytes
from mfwb.version import __version__

__all__ = [
    "ArtifactRules",
    "Curves",
    "Layer",
    "OnDeleted",
    "Plugin",
    "Redaction",
    "Settings",
    "SizeLimits",
    "StepSettings",
    "Unpickle",
    "find_sensitive",
    "latest_layers",
    "load_settings",
    "read_layers",
    "select_config_file",
]

Mode = Literal["online", "offline"]
Granularity = Literal["step", "task"]
Unpickle = Literal["safe", "trusted", "never"]
OnDeleted = Literal["skip", "recreate", "fail"]
KindName = Literal["dataset", "model", "other", "value", "image"]
Curves = bool | tuple[str, ...]

_MAX_MEMORY = 2 * 10**9  # bytes
_ENVIRONMENT = "MFWB_"
_CALL_WIDE_FIELDS = frozenset({"base_url", "api_key"})
"""Fields of wandb.Settings that hold for a whole call: one server, one key."""
_SYNC_WORKERS = 64  # what waits for W&B takes little: 2 MB for each W&B run that is open
_REQUEST_WORKERS = 16
_LONGEST_WAIT = 31 * 86_400.0  # seconds of waiting, which a file can't make endless


class SizeLimits(BaseModel):
    """Largest size of an artifact in bytes, by type of W&B artifact; None: no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Bytes | None = None
    model: Bytes | None = None
    other: Bytes | None = None


def _to_limits(value: Any) -> Any:
    """Return a single size as limits: it is the limit of each type."""
    if isinstance(value, (dict, SizeLimits)):
        return value
    size = parse_bytes(value)
    if size is None:
        return {}
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError(SIZE_FORMAT)
    return dict.fromkeys(SizeLimits.model_fields, size)


def _split_list(value: Any) -> Any:
    """Split the text of a variable at its commas; return any other value unchanged."""
    if isinstance(value, str):
        return tuple(part for text in value.split(",") if (part := text.strip()))
    return value


def _to_patterns(value: Any) -> Any:
    """Return `true` and `false` of a variable as they are, and any other text split at commas."""
    if isinstance(value, str):
        return _FLAGS.get(value.strip().lower(), _split_list(value))
    return value


_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def _reject_bool(value: Any) -> Any:
    """Return the value; ValueError for true and false, which pydantic takes for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("it is a whole number")  # noqa: TRY004 - pydantic expects ValueError
    return value


def _reject_empty(value: Any) -> Any:
    """Return the value; ValueError for an empty text, which would be the current folder."""
    if value == "":
        raise ValueError("it is a folder")
    return value


def _to_absolute(value: Any) -> Any:
    """Return absolute paths of folders; in a text they are separated as in PATH."""
    folders = value.split(os.pathsep) if isinstance(value, str) else value
    if not isinstance(folders, (list, tuple)):
        raise ValueError("it is a list of folders")  # noqa: TRY004 - pydantic expects ValueError
    if not all(isinstance(folder, (str, Path)) and "\0" not in str(folder) for folder in folders):
        raise ValueError("it is a list of folders")
    return tuple(
        os.path.abspath(expand_home(folder))  # noqa: PTH100 - links are not followed
        for folder in folders
        if str(folder)
    )


class Plugin(BaseModel):
    """Description of a converter of another package; `mfwb.conversion.plugins` finds them.

    Attributes:
        name: the name of its entry point.
        types: patterns of types that it converts, for example `mylib.Table` or `mylib.io.*`.
        kind: the kind of W&B artifact for these types.
        safe: whether it runs no code from pickles.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    types: tuple[str, ...]
    kind: Literal["dataset", "model", "other"]
    safe: bool = False


def _check_expression(value: str) -> str:
    """Return a regular expression of the user; ValueError if it can't be used."""
    wrong = describe_wrong_pattern(value)
    if wrong is not None:
        raise ValueError(wrong)
    return value


def _to_redaction(value: Any) -> Any:
    """Return `true` and `false`, also those of a variable, as the table `[redact]`."""
    if isinstance(value, str):
        value = _FLAGS.get(value.strip().lower(), value)
    return {"enabled": value} if isinstance(value, bool) else value


class Redaction(BaseModel):
    """What is masked in W&B: the table `[redact]`.

    Attributes:
        enabled: whether anything is masked.
        patterns: regular expressions of further secrets.
        names: patterns of further names whose values are secrets, as in `*_pin`.
        exempt: patterns of names whose values are never masked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    patterns: tuple[Annotated[str, AfterValidator(_check_expression)], ...] = ()
    names: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()

    def make_masker(self) -> Masker:
        """Return what masks values and texts by these rules."""
        rules = self.model_dump()
        return Masker(**rules)

    @property
    def digest(self) -> str:
        """A digest of the rules: what was written with other rules is written again; else empty."""
        return _digest_of(self)


@lru_cache(maxsize=64)
def _digest_of(rules: Redaction) -> str:
    """Return the digest of rules, which each W&B run of a flow run asks for."""
    return rules.make_masker().digest


class ArtifactRules(BaseModel):
    """What a flow's artifact of one name gets in W&B: the table `[flow.F.artifact.model]`.

    Attributes:
        aliases: further aliases.
        when: a condition on values of the task that made the artifact, for aliases and link.
        metadata: names of values of that task that become metadata.
        link: the path of the collection that the version is linked to, as `link_artifact` takes it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    aliases: Annotated[tuple[str, ...], AfterValidator(check_aliases)] = ()
    when: Annotated[str | None, AfterValidator(check_when)] = None
    metadata: Annotated[tuple[str, ...], AfterValidator(check_metadata_names)] = ()
    link: Annotated[str | None, AfterValidator(check_link)] = None

    @model_validator(mode="after")
    def _check_effect(self) -> ArtifactRules:
        if self.when is not None and not self.aliases and self.link is None:
            raise ValueError("it has aliases or a link beside when, which decides about them")
        return self


class _PerStep(BaseModel):
    """Settings that may differ from step to step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    datasets: bool = True
    models: bool = True
    others: bool = True
    max_artifact_size: Annotated[SizeLimits, BeforeValidator(_to_limits)] = SizeLimits()
    curves: Annotated[Curves, BeforeValidator(_to_patterns)] = Field(
        default=True,
        description="whether curves become charts, or patterns of the names of artifacts that do",
    )
    wandb: dict[str, Any] = Field(default_factory=dict, alias="settings")


class StepSettings(_PerStep):
    """Settings of one step, all tables applied."""

    kinds: tuple[tuple[str, KindName], ...] = ()  # the first pattern that matches a type counts
    plugins: tuple[Plugin, ...] = ()
    unpickle: Unpickle = "safe"
    max_memory: int = _MAX_MEMORY
    references: bool | None = None
    file_references: bool = False
    path_roots: tuple[str, ...] = ()
    artifact: dict[str, ArtifactRules] = Field(default_factory=dict, description="by pattern")


def _reject_call_wide_fields(value: dict[str, Any]) -> dict[str, Any]:
    for name in _CALL_WIDE_FIELDS & value.keys():
        raise ValueError(f"{name} applies to all flows: set it under [settings]")
    return value


class _StepTable(_PerStep):
    """`[flow.MyFlow.step.end]`."""

    @field_validator("wandb")
    @classmethod
    def _reject_flow_wide_fields(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in {"entity", "project"} & value.keys():
            raise ValueError(f"{name} applies to a flow as a whole: lineage ends at a project")
        return _reject_call_wide_fields(value)


_Name = Annotated[str, Field(min_length=1)]


class _FlowSettings(_PerStep):
    """Settings that may differ from flow to flow."""

    entity: _Name | None = None
    project: _Name | None = None
    granularity: Granularity = "step"
    overview: bool = Field(default=False, description="one more W&B run for each flow run")
    code: bool = Field(default=True, description="log the code package as an artifact")
    kinds: dict[str, KindName] = Field(default_factory=dict, description="by pattern of types")


class _FlowTable(_FlowSettings):
    """`[flow.MyFlow]`."""

    artifact: dict[str, ArtifactRules] = Field(default_factory=dict)
    step: dict[str, _StepTable] = Field(default_factory=dict)

    _check_fields = field_validator("wandb")(_reject_call_wide_fields)


class _InputSettings(_FlowSettings):
    """Settings that a file, the environment or an argument may set."""

    overview_report: bool = Field(
        default=True, description="a page about the flow run in that W&B run"
    )
    mode: Mode | None = Field(None, description="None: the value of WANDB_MODE, else online")
    dir: Annotated[Path | None, BeforeValidator(_reject_empty)] = Field(
        None, description="the bundle of an offline sync"
    )
    metadata: _Name | None = Field(None, description="Metaflow's provider, as in service@URL")
    namespace: _Name | None = Field(None, description="Metaflow's namespace; None: all")
    datastore_roots: Annotated[tuple[str, ...], BeforeValidator(_split_list)] = Field(
        (), description="datastores to read from, besides those Metaflow is configured to use"
    )
    unpickle: Unpickle = "safe"
    max_memory: Bytes = Field(_MAX_MEMORY, description="bytes that loading an artifact may take")
    references: bool | None = Field(
        None, description="point at Metaflow's bytes; None: at those that are too large to copy"
    )
    file_references: bool = Field(
        default=False, description="also at files, which other machines can't read"
    )
    path_roots: Annotated[tuple[str, ...], BeforeValidator(_to_absolute)] = Field(
        (), description="folders of this machine that flow runs may send files from"
    )
    workers: Annotated[int | None, BeforeValidator(_reject_bool)] = Field(
        None, ge=1, le=64, description="None: 64 W&B runs of a sync, 16 requests elsewhere"
    )
    max_requests_per_minute: Annotated[int | None, BeforeValidator(_reject_bool)] = Field(
        None,
        ge=MIN_REQUESTS_PER_MINUTE,
        description="requests to W&B in a minute; None: any number",
    )
    timeout: Seconds = Field(
        300.0, le=_LONGEST_WAIT, description="seconds of retrying that all workers share"
    )
    wait: Seconds = Field(
        0.0, le=_LONGEST_WAIT, description="seconds for which to wait for another sync to end"
    )
    redact: Annotated[Redaction, BeforeValidator(_to_redaction)] = Redaction()
    on_deleted: OnDeleted = Field("skip", description="what to do about deleted W&B runs")
    abandoned_after: Seconds = Field(86_400.0, description="seconds without activity")
    force: bool = False
    overwrite_edits: bool = Field(
        default=False, description="overwrite edits of others to mfwb's texts in W&B"
    )
    strict: bool = False
    flow: dict[str, _FlowTable] = Field(default_factory=dict)


class Settings(_InputSettings):
    """All settings of one call. Make it with `load_settings`."""

    explicit: frozenset[str] = Field(frozenset(), exclude=True)  # set by environment or flag
    plugins: tuple[Plugin, ...] = Field((), exclude=True)  # discovered, not set by the user
    origins: dict[str, str] = Field(default_factory=dict, exclude=True)

    @property
    def sync_workers(self) -> int:
        """The number of W&B runs that a sync writes at a time."""
        return self.workers or _SYNC_WORKERS

    @property
    def request_workers(self) -> int:
        """The number of requests that are sent to W&B at a time where nothing is synced."""
        return self.workers or _REQUEST_WORKERS

    def origin_of(self, table: str, field: str) -> str | None:
        """Return the source that set a field of W&B's settings; None if it is not known.

        Args:
            table: its name in mfwb.toml, for example `flow.F.settings`.
            field: the field in that table.
        """
        return self.origins.get(f"{table}.{field}")

    def entity_of(self, flow: str) -> str | None:
        """Return the W&B entity that the settings have for a flow."""
        value: str | None = self._resolve("entity", flow)
        return value or self.wandb_of(flow).get("entity")

    def project_of(self, flow: str) -> str | None:
        """Return the W&B project that the settings have for a flow."""
        value: str | None = self._resolve("project", flow)
        return value or self.wandb_of(flow).get("project")

    def granularity_of(self, flow: str) -> Granularity:
        """Return whether the flow gets a W&B run per step or per task."""
        value: Granularity = self._resolve("granularity", flow)
        return value

    def overview_of(self, flow: str) -> bool:
        """Return whether a flow run gets a W&B run of its own, beside those of its steps."""
        value: bool = self._resolve("overview", flow)
        return value

    def code_of(self, flow: str) -> bool:
        """Return whether the code package of a flow run is logged as an artifact."""
        value: bool = self._resolve("code", flow)
        return value

    def artifact_rules_of(self, flow: str) -> dict[str, ArtifactRules]:
        """Return the rules for a flow's artifacts, by patterns of names, specific ones first."""
        table = self.flow.get(flow)
        rules = table.artifact if table else {}
        return {pattern: rules[pattern] for pattern in sorted(rules, key=_specificity)}

    def kinds_of(self, flow: str) -> tuple[tuple[str, KindName], ...]:
        """Return patterns of types and their kinds, by precedence.

        The flow's own patterns come first, and specific patterns come before general ones. So their
        order in the file does not matter.
        """
        tables = [self] if "kinds" in self.explicit else [self.flow.get(flow), self]
        return tuple(
            (pattern, table.kinds[pattern])
            for table in tables
            if table is not None
            for pattern in sorted(table.kinds, key=_specificity)
        )

    def stamp(self, flow: str) -> str:
        """Return a digest of all settings that decide what is written to W&B for a flow.

        If it is equal to that of an earlier sync, the same would be written; the digest contains
        mfwb's version, since another version may write something else.
        """
        values = self.model_dump(mode="json", include=set(_DECISIVE))
        table = self.flow.get(flow)
        own = table.model_dump(mode="json", exclude_unset=True) if table else {}
        plugins = [plugin.model_dump(mode="json") for plugin in self.plugins]
        document = [__version__, values, own, plugins, sorted(self.explicit & _DECISIVE)]
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]

    def wandb_of(self, flow: str) -> dict[str, Any]:
        """Return the `wandb.Settings` fields for a flow as a whole."""
        table = self.flow.get(flow)
        return {**self.wandb, **(table.wandb if table else {})}

    def for_step(self, flow: str, step: str) -> StepSettings:
        """Return the settings of one step, all tables applied."""
        tables = self._tables(flow, step)
        return StepSettings(
            datasets=self._resolve("datasets", flow, step),
            models=self._resolve("models", flow, step),
            others=self._resolve("others", flow, step),
            max_artifact_size=self._size_limits(flow, step),
            curves=self._resolve("curves", flow, step),
            artifact=self.artifact_rules_of(flow),
            settings={
                key: value
                for table in reversed(tables)
                for key, value in table.wandb.items()
                if key != "api_key"  # it applies to the whole call, and is not part of a plan
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
        """Return the limit for each type, from the most specific table that has one."""
        explicit = "max_artifact_size" in self.explicit
        values: dict[str, int | None] = {}
        for table in [self] if explicit else reversed(self._tables(flow, step)):
            values |= table.max_artifact_size.model_dump(exclude_unset=True)
        return SizeLimits(**values)

    def _tables(self, flow: str, step: str | None) -> list[_PerStep]:
        """Return the tables that apply to a step, the most specific first."""
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
        "overview",
        "code",
        "curves",
        "redact",
        "kinds",
        "unpickle",
        "max_memory",
        "references",
        "file_references",
        "path_roots",
    }
)


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of settings, checked.

    Attributes:
        origin: its name in messages.
        values: its settings.
        file: the settings file, if the source is a file.
    """

    origin: str
    values: Mapping[str, Any]
    file: SettingsFile | None = None


def load_settings(
    flags: Mapping[str, Any],
    *,
    file: Path | None = None,
    folder: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Return the settings of a call.

    Args:
        flags: values of the command line or of Python arguments; None means not given.
        file: a settings file to read instead of searching for one; None: the file of MFWB_CONFIG.
        folder: the folder with `mfwb.toml` or `pyproject.toml`; None: the current folder.
        environ: the environment with the `MFWB_*` variables.

    Raises:
        UsageError: a setting is wrong (the text has the setting, its source and the reason); or a
            file that the user neither named nor trusts has sensitive settings.
    """
    layers = read_layers(flags, file=file, folder=folder, environ=environ)
    _LATEST[:] = layers
    trust = load_trust(environ)
    from_files: dict[str, Any] = {}
    explicit: dict[str, Any] = {}
    redact: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        origins |= dict.fromkeys(_wandb_fields(layer.values), layer.origin)
        redact = _add_redaction(redact, layer.values)
        if layer.file is None:
            explicit |= layer.values
        else:
            sensitive = find_sensitive(layer.file)
            refuse_unless_trusted(layer.file, sensitive, trust, can_be_named=True)
            from_files = _merge(from_files, layer.values)
    values = {**from_files, **explicit, **({"redact": redact} if redact else {})}
    return Settings(**values, explicit=frozenset(explicit), origins=origins)


_LATEST: list[Layer] = []


def latest_layers() -> Sequence[Layer]:
    """Return the sources of the settings that were loaded last, for the log of a bug.

    With concurrent calls in one process these are those of one of the calls.
    """
    return tuple(_LATEST)


def _wandb_fields(values: Mapping[str, Any], table: str = "") -> Iterator[str]:
    """Yield the dotted names of all fields of W&B's settings: `flow.F.settings.run_tags`."""
    for name, value in values.items():
        if name == "settings":
            yield from (f"{table}{name}.{field}" for field in value)
        elif name in {"flow", "step"}:
            for key, inner in value.items():
                yield from _wandb_fields(inner, f"{table}{name}.{key}.")


def read_layers(
    flags: Mapping[str, Any],
    *,
    file: Path | None = None,
    folder: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> list[Layer]:
    """Return the sources of settings, lowest first; arguments and errors as of `load_settings`.

    It does not check whether a file may be used.
    """
    named = select_config_file(file, environ)
    current = read_named_file(named) if named else find_file(folder or current_folder())
    files = [file for file in (find_users_file(), current) if file is not None]
    values = {name: value for name, value in flags.items() if value is not None}
    layers = [
        *(Layer(str(file.path), file.values, file) for file in files),
        Layer("the MFWB_* variables", _from_environment(environ)),
        Layer("the arguments", values),
    ]
    for layer in layers:
        _check(layer.values, layer.origin)
    return layers


def select_config_file(file: Path | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the settings file of the argument, or else of MFWB_CONFIG; None if neither is set."""
    variable = environ.get(_CONFIG)
    return file or (Path(variable) if variable else None)


def find_sensitive(file: SettingsFile) -> list[str]:
    """Return the names of the sensitive settings of a file; UsageError."""
    settings = _check(file.values, str(file.path))
    values = settings.model_dump(exclude_unset=True, by_alias=True)
    return sensitive_settings(values, file.real_path.parent)


def _merge(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the values of two files: tables are merged, any other value is the upper file's.

    So a `[settings]` table in the current folder keeps the fields of the user's own table.
    """
    both = {
        name: _merge(lower[name], upper[name])
        for name in lower.keys() & upper.keys()
        if isinstance(lower[name], Mapping) and isinstance(upper[name], Mapping)
    }
    return {**lower, **upper, **both}


def _add_redaction(lower: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table `[redact]` of several sources: their lists add up, so that none unmasks."""
    upper = _to_redaction(values.get("redact", {}))
    if isinstance(upper, Redaction):
        upper = upper.model_dump(exclude_unset=True)
    lists = {
        name: [*lower.get(name, ()), *upper.get(name, ())]
        for name in ("patterns", "names", "exempt")
        if name in lower or name in upper
    }
    return {**lower, **upper, **lists}


def _check(values: Any, origin: str) -> _InputSettings:
    """Check one source of settings on its own, so that the message can name it."""
    try:
        return _InputSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "extra_forbidden":
            name = setting_path(first["loc"], None)
            raise UsageError(f"{origin}: there is no setting {name!r}") from None
        raise UsageError(f"{origin}: {describe_error(error)}") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings among the MFWB_* variables; an empty variable counts as not set."""
    return {
        name.removeprefix(_ENVIRONMENT).lower(): value
        for name, value in environ.items()
        if name.startswith(_ENVIRONMENT) and value and name not in NOT_SETTINGS
    }


_CONFIG = "MFWB_CONFIG"
NOT_SETTINGS = frozenset({"MFWB_STATE_DIR", _CONFIG})
"""Variables of mfwb that are not settings: the paths of its state folder and settings file."""


def _specificity(pattern: str) -> tuple[int, str]:
    return -len(pattern.replace("*", "")), pattern
