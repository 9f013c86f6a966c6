"""Plugins: converters of other packages, which write files for types that mfwb does not support.

A package offers a converter with an entry point, which has the converter's name:

    [project.entry-points."mfwb.payloads"]
    mylib = "mylib.for_mfwb:tables"

The entry point refers to any object, such as a module or a class, with

    types = ("mylib.Table", "mylib.io.*")    types as Metaflow records them; * is anything
    kind = "dataset"                         the type of W&B artifact: dataset, model or other
    safe = True                              optional; without it, it is False

    def convert(pickle: Path, folder: Path) -> None: ...

`convert` reads the pickle that Metaflow stored and writes at least one file into the folder, which
is empty. It runs in a process of its own, once for each artifact, and may raise anything: then W&B
gets the pickle as it is. A single file gets the artifact's name and its own suffix; several files
go into a folder with the artifact's name.

`safe` promises that `convert` runs nothing that a pickle asks for. It is not enough to trust one's
own classes, since anybody may have written the pickle. A converter that calls `pickle.load` is not
safe, and is used only with `--unpickle trusted`; its `kind` is used in any case. A safe converter
runs with the same limits as untrusted pickles: it can read Python's libraries and the pickle, and
write into the folder. Opening other files, connecting or starting programs fails, or ends the
process (`mfwb.isolation.confine`).

mfwb imports the object for each plan: heavy modules should be imported inside `convert`.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from mfwb.config import Plugin
from mfwb.errors import UsageError

__all__ = ["GROUP", "Converter", "convert_with", "find_plugins"]

GROUP = "mfwb.payloads"

_ATTRIBUTES = ("types", "kind", "safe")


class Converter(Protocol):
    """The object of an entry point; it may also have `safe`, a bool."""

    types: tuple[str, ...]
    kind: str

    def convert(self, pickle: Path, folder: Path) -> None:
        """Write the content of a pickle as files into an empty folder."""
        ...


def find_plugins() -> tuple[Plugin, ...]:
    """Return the declarations of the installed converters, sorted by name.

    Raises:
        UsageError: a converter can't be imported, is invalid, or has the name of another one.
    """
    entries = sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))
    for entry, other in pairwise(entries):
        if entry.name == other.name and entry.value != other.value:
            raise _plugin_error(other, f"{entry.value} has the same name")
    return tuple(_read_plugin(entry) for entry in {entry.name: entry for entry in entries}.values())


def convert_with(name: str, pickle: Path, folder: Path) -> None:
    """Write the files of a pickle with a converter.

    This runs code of another package: never call it in the process that uses Metaflow and W&B.

    Args:
        name: the name of the converter.
        pickle: the file of the pickle.
        folder: an empty folder for the files.

    Raises:
        LookupError: there is no such converter.
        Exception: any error that the converter raises.
    """
    entries = entry_points(group=GROUP, name=name)
    if not entries:
        raise LookupError(f"there is no converter {name}")
    converter: Converter = next(iter(entries)).load()
    converter.convert(pickle, folder)


def _read_plugin(entry: EntryPoint) -> Plugin:
    try:
        converter = entry.load()
    except Exception as error:  # a package may do anything when it is imported
        raise _plugin_error(entry, f"{type(error).__name__}: {error}") from error
    if not callable(getattr(converter, "convert", None)):
        raise _plugin_error(entry, "it has no function `convert`")
    attributes = {
        name: getattr(converter, name) for name in _ATTRIBUTES if hasattr(converter, name)
    }
    try:
        return Plugin.model_validate({"name": entry.name, **attributes})
    except ValidationError as error:
        first = error.errors()[0]
        raise _plugin_error(entry, f"{first['loc'][0]}: {first['msg']}") from None


def _plugin_error(entry: EntryPoint, why: str) -> UsageError:
    package = f" of {entry.dist.name}" if entry.dist else ""
    return UsageError(
        f"the converter {entry.name}{package} ({entry.value}) can't be used: {why}. "
        f"Fix or uninstall it"
    )
