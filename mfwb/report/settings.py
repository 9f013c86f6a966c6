"""The settings of a folder: which hold, who says so, and which files may not decide."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mfwb.config import Layer
from mfwb.settings_files import Trust, printable
from mfwb.settings_inventory import CheckedFile

__all__ = ["settings_as_json", "settings_as_text", "trust_as_text"]

_SECRET = re.compile(r"key|token|secret|password|credential|headers", re.IGNORECASE)
_USER_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")
_HIDDEN = "***"
_LANDLOCK, _HOOK = "Landlock", "audit hook"


def settings_as_text(
    layers: Sequence[Layer],
    files: Sequence[CheckedFile],
    trust: Trust,
    confined_by: Sequence[str],
) -> str:
    """Return what holds, a line each, the files that have a say, and what confines conversions."""
    rows = _rows(layers, _refused(files, trust))
    width = max((len(name) for name, _, _ in rows), default=0)
    lines = [f"{name:<{width}} = {_shown(value)}  ({origin})" for name, value, origin in rows]
    if not lines:
        lines = ["all settings have their defaults"]
    for one in files:
        lines += ["", f"{one.file.path} ({one.file.origin.value})"]
        lines += [f"  {line}" for line in _about(one, trust)]
    lines += ["", f"conversion of pickles: {_confined(confined_by, _unpickled(rows))}"]
    return "".join(f"{line}\n" for line in lines)


def settings_as_json(
    layers: Sequence[Layer],
    files: Sequence[CheckedFile],
    trust: Trust,
    confined_by: Sequence[str],
) -> str:
    """Return the same as a document."""
    document = {
        "version": 1,
        "command": "config",
        "settings": [
            {"name": name, "value": value, "origin": origin}
            for name, value, origin in _rows(layers, _refused(files, trust))
        ],
        "files": [
            {
                "path": str(one.file.path),
                "origin": one.file.origin.name.lower(),
                "counts": one.refusal_reason(trust) is None,
                "reason": one.refusal_reason(trust),
                "trusted": trust.includes(one.file),
                "sensitive": [*one.sensitive],
            }
            for one in files
        ],
        "confined_by": [*confined_by],
    }
    return f"{json.dumps(document, indent=2, default=str)}\n"


def trust_as_text(files: Iterable[CheckedFile]) -> str:
    """Return what it is that is trusted from now on."""
    lines = []
    for one in files:
        lines.append(f"trusted: {one.file.real_path}")
        lines += [f"  {name} = {_shown(value)}" for name, value in _sensitive_values(one)]
        if one.sends_key_in_the_clear:
            lines.append("  with http://, keys go over the network unencrypted")
    return "".join(f"{line}\n" for line in lines)


def _unpickled(rows: Sequence[tuple[str, Any, str]]) -> str:
    """Return how far pickles are loaded, by the most that any table of the settings says."""
    said = [value for name, value, _ in rows if name.rpartition(".")[2] == "unpickle"]
    return "trusted" if "trusted" in said else "safe"


def _confined(by: Sequence[str], unpickle: str) -> str:
    """Say what keeps pickles from doing harm."""
    if unpickle == "trusted":
        return 'not confined where unpickle is "trusted": there, pickles may run code'
    if not by:
        return "not possible: no process for it can be started on this system"
    kernel = [one for one in by if one != _HOOK]
    words = ", ".join(kernel) if kernel else "Python's audit hook only"
    has_landlock = any(one.startswith(_LANDLOCK) for one in kernel)
    return f"confined by {words}{'' if has_landlock else ': this system has no Landlock'}"


def _about(one: CheckedFile, trust: Trust) -> Iterator[str]:
    reason = one.refusal_reason(trust)
    if reason is not None:
        yield f"does not count: {reason}"
    elif trust.includes(one.file):
        yield "trusted"
    else:
        yield "counts"


def _refused(files: Iterable[CheckedFile], trust: Trust) -> set[str]:
    return {str(one.file.path) for one in files if one.refusal_reason(trust) is not None}


def _rows(layers: Sequence[Layer], refused: set[str]) -> list[tuple[str, Any, str]]:
    """Return name, value and origin of what holds; what a file may not say is left out."""
    rows: dict[str, tuple[Any, str]] = {}
    for layer in layers:
        if layer.origin not in refused:
            rows |= {name: (value, layer.origin) for name, value in _flat(layer.values)}
    return [(printable(name), value, origin) for name, (value, origin) in sorted(rows.items())]


def _flat(values: Mapping[str, Any], table: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and not _SECRET.search(str(name)):
            yield from _flat(value, f"{table}{name}.")
        else:
            yield f"{table}{name}", _masked(str(name), value)


def _sensitive_values(one: CheckedFile) -> Iterator[tuple[str, Any]]:
    """Yield what could do harm, by the names that the file's complaints have."""
    flat = dict(_flat(one.file.values))
    for name in one.sensitive:
        key = re.sub(r"^\[(.*)\] ", r"\1.", name)
        yield (
            printable(name),
            flat.get(key, {k: v for k, v in flat.items() if k.startswith(f"{key}.")}),
        )


def _masked(name: str, value: Any) -> Any:
    if _SECRET.search(name):
        return _HIDDEN
    return _USER_IN_URL.sub(f"{_HIDDEN}@", value) if isinstance(value, str) else value


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)
