"""The settings in force, each with its origin, and without secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mfwb.config import Layer, Settings
from mfwb.redaction import MASK, mask_url_users, may_hold_secret

__all__ = [
    "DEFAULT",
    "SettingInForce",
    "flatten_settings",
    "list_defaults",
    "list_settings",
    "narrow_settings",
]

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """One setting.

    Attributes:
        name: its name, with the tables that it is in: `flow.TrainFlow.step.end.datasets`.
        value: its value, or stars if that may be a secret.
        origin: the source that set it, as messages name it: the path of a file, for example.
        kind: "default", "file", "variable" or "argument".
    """

    name: str
    value: Any
    origin: str
    kind: str

    @property
    def source(self) -> str:
        """The exact source: a file with its table, a variable, an argument, or the default."""
        table, _, name = self.name.rpartition(".")
        if self.kind == "file":
            return f"{self.origin} [{table}]" if table else self.origin
        if self.kind == "variable":
            return f"MFWB_{self.name.partition('.')[0].upper()}"
        return f"argument {name}" if self.kind == "argument" else self.origin


def list_settings(
    layers: Sequence[Layer], refused: Collection[str] = frozenset()
) -> list[SettingInForce]:
    """Return the settings that some source sets, sorted by name, without secrets.

    Args:
        layers: the sources, lowest first.
        refused: origins of sources that do not count.
    """
    rows: dict[str, SettingInForce] = {}
    for layer in layers:
        if layer.origin not in refused:
            kind = _kind(layer)
            for name, value in flatten_settings(layer.values):
                rows[name] = SettingInForce(name, value, layer.origin, kind)
    return [rows[name] for name in sorted(rows)]


def narrow_settings(
    settings: Sequence[SettingInForce], flow: str, step: str | None = None
) -> list[SettingInForce]:
    """Return the settings in force for a flow, or for one of its steps, sorted by name.

    What a variable or an argument sets counts for all flows. Else the table of the step comes
    first, then that of the flow. Names keep the tables that they are in.

    Args:
        settings: all that some source sets.
        flow: its name.
        step: the name of a step; None: the flow as a whole.
    """
    tables = [f"flow.{flow}.step.{step}."] if step else []
    tables += [f"flow.{flow}.", ""]
    in_force: dict[str, tuple[int, SettingInForce]] = {}
    for setting in settings:
        level = next(n for n, table in enumerate(tables) if setting.name.startswith(table))
        name = setting.name.removeprefix(tables[level])
        if name.startswith(("flow.", "step.")):  # of another flow, or of another step
            continue
        rank = -1 if setting.kind in {"argument", "variable"} else level
        if name not in in_force or rank < in_force[name][0]:
            in_force[name] = rank, setting
    return [in_force[name][1] for name in sorted(in_force)]


def list_defaults(given: Collection[str]) -> list[SettingInForce]:
    """Return the settings that have their default values, sorted by name.

    Args:
        given: names of settings that some source sets, with their tables.
    """
    tables = {name.partition(".")[0] for name in given}
    values = Settings.model_validate({}).model_dump(mode="json", by_alias=True)
    return [
        SettingInForce(name, value, DEFAULT, DEFAULT)
        for name, value in sorted(values.items())
        if name not in tables
    ]


def flatten_settings(values: Mapping[str, Any], table: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each setting by its name with tables; a value that may be a secret is masked."""
    for name, value in values.items():
        if isinstance(value, Mapping) and not may_hold_secret(str(name)):
            yield from flatten_settings(value, f"{table}{name}.")
        else:
            yield f"{table}{name}", _masked(str(name), value)


def _masked(name: str, value: Any) -> Any:
    if may_hold_secret(name):
        return MASK
    return mask_url_users(value) if isinstance(value, str) else value


def _kind(layer: Layer) -> str:
    if layer.file is not None:
        return "file"
    return "argument" if layer.origin == "the arguments" else "variable"
