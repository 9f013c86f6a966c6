"""Settings in force in a folder, where each is set, and which files do not count."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mfwb.config import Layer
from mfwb.report.json_output import for_any_output
from mfwb.report.settings_document_types import (
    SettingsDocument,
    TrustDocument,
    UntrustDocument,
)
from mfwb.settings_files import Trust, printable
from mfwb.settings_in_force import flatten_settings, list_settings, narrow_settings
from mfwb.settings_inventory import CheckedFile

__all__ = [
    "settings_as_json",
    "settings_as_text",
    "trust_as_json",
    "trust_as_text",
    "untrust_as_json",
]

_LANDLOCK, _HOOK = "Landlock", "audit hook"


def settings_as_text(  # noqa: PLR0913 - what is shown, and for what
    layers: Sequence[Layer],
    files: Sequence[CheckedFile],
    trust: Trust,
    confined_by: Sequence[str],
    *,
    flow: str | None = None,
    step: str | None = None,
) -> str:
    """Return the settings in force, the settings files, and what confines conversions.

    Args:
        layers: the sources of settings, lowest first.
        files: settings files of the folder.
        trust: the files that the user trusts.
        confined_by: what confines conversions of pickles.
        flow: show only what is in force for this flow; None: all.
        step: show only what is in force for this step of it; None: the flow.
    """
    rows = _rows(layers, _refused(files, trust), flow, step)
    width = max((len(name) for name, _, _ in rows), default=0)
    lines = [f"{name:<{width}} = {_shown(value)}  ({origin})" for name, value, origin in rows]
    if not lines:
        lines = ["all settings have their defaults"]
    for file in files:
        lines += ["", f"{file.file.path} ({file.file.origin.value})"]
        lines += [f"  {line}" for line in _about(file, trust)]
    lines += ["", f"conversion of pickles: {_confined(confined_by, _unpickled(rows))}"]
    return "".join(f"{line}\n" for line in lines)


def settings_as_json(  # noqa: PLR0913 - the same
    layers: Sequence[Layer],
    files: Sequence[CheckedFile],
    trust: Trust,
    confined_by: Sequence[str],
    *,
    flow: str | None = None,
    step: str | None = None,
) -> tuple[str, str]:
    """Return the same as a JSON document, and for a stream that takes ASCII only."""
    document: SettingsDocument = {
        "version": 1,
        "command": "config",
        "settings": [
            {"name": name, "value": _as_json(value), "origin": origin}
            for name, value, origin in _rows(layers, _refused(files, trust), flow, step)
        ],
        "files": [
            {
                "path": str(file.file.path),
                "origin": file.file.origin.name.lower(),
                "counts": file.refusal_reason(trust) is None,
                "reason": file.refusal_reason(trust),
                "trusted": trust.includes(file.file),
                "sensitive": [*file.sensitive],
            }
            for file in files
        ],
        "confined_by": [*confined_by],
    }
    return for_any_output(document)


def trust_as_text(files: Iterable[CheckedFile]) -> str:
    """Return the settings that are trusted from now on."""
    lines = []
    for file in files:
        lines.append(f"trusted: {file.file.real_path}")
        lines += [f"  {name} = {_shown(value)}" for name, value in _sensitive_values(file)]
        if file.sends_key_in_the_clear:
            lines.append("  with http://, keys go over the network unencrypted")
    return "".join(f"{line}\n" for line in lines)


def trust_as_json(files: Iterable[CheckedFile]) -> tuple[str, str]:
    """Return the same as a JSON document, and for a stream that takes ASCII only."""
    document: TrustDocument = {
        "version": 1,
        "command": "config trust",
        "trusted": [
            {
                "path": str(file.file.real_path),
                "settings": {name: _as_json(value) for name, value in _sensitive_values(file)},
                "sends_key_in_the_clear": file.sends_key_in_the_clear,
            }
            for file in files
        ],
    }
    return for_any_output(document)


def untrust_as_json(paths: Iterable[Path]) -> tuple[str, str]:
    """Return the document of files that are no longer trusted, and the same in ASCII only."""
    document: UntrustDocument = {
        "version": 1,
        "command": "config untrust",
        "untrusted": [str(path) for path in paths],
    }
    return for_any_output(document)


def _unpickled(rows: Sequence[tuple[str, Any, str]]) -> str:
    """Return how pickles are loaded: the most permissive value in any table of the settings."""
    values = [value for name, value, _ in rows if name.rpartition(".")[2] == "unpickle"]
    return "trusted" if "trusted" in values else "safe"


def _confined(by: Sequence[str], unpickle: str) -> str:
    """Return what keeps pickles from doing harm."""
    if unpickle == "trusted":
        return 'not confined where unpickle is "trusted": there, pickles may run code'
    if not by:
        return "not possible: no process for it can be started on this system"
    kernel = [name for name in by if name != _HOOK]
    names = ", ".join(kernel) if kernel else "Python's audit hook only"
    has_landlock = any(name.startswith(_LANDLOCK) for name in kernel)
    return f"confined by {names}{'' if has_landlock else ': this system has no Landlock'}"


def _about(file: CheckedFile, trust: Trust) -> Iterator[str]:
    reason = file.refusal_reason(trust)
    if reason is not None:
        yield f"is ignored: {reason}"
    elif trust.includes(file.file):
        yield "trusted"
    else:
        yield "counts"


def _refused(files: Iterable[CheckedFile], trust: Trust) -> set[str]:
    return {str(file.file.path) for file in files if file.refusal_reason(trust) is not None}


def _rows(
    layers: Sequence[Layer], refused: set[str], flow: str | None, step: str | None
) -> list[tuple[str, Any, str]]:
    """Return name, value and origin of the settings in force; refused ones are excluded."""
    settings = list_settings(layers, refused)
    if flow is not None:
        settings = narrow_settings(settings, flow, step)
    return [(printable(setting.name), setting.value, setting.origin) for setting in settings]


def _sensitive_values(file: CheckedFile) -> Iterator[tuple[str, Any]]:
    """Yield the settings that could do harm, by the names that the error messages use."""
    flat = dict(flatten_settings(file.file.values))
    for name in file.sensitive:
        key = re.sub(r"^\[(.*)\] ", r"\1.", name)
        yield (
            printable(name),
            flat.get(key, {k: v for k, v in flat.items() if k.startswith(f"{key}.")}),
        )


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)
