"""Converters of other packages: they make files of types that mfwb knows nothing of.

A package offers one by an entry point, whose name is the converter's:

    [project.entry-points."mfwb.payloads"]
    mylib = "mylib.for_mfwb:tables"

It leads to any object, a module or a class will do, with

    types = ("mylib.Table", "mylib.io.*")    types as Metaflow records them; * is anything
    kind = "dataset"                         the type of W&B artifact: dataset, model or other
    safe = True                              optional; without it, it is False

    def convert(pickle: Path, folder: Path) -> None: ...

`convert` reads the pickle that Metaflow stored and writes at least one file into the folder, which
is empty. It runs in a process of its own, once for each artifact, and may raise anything: then W&B
gets the pickle as it is. A single file goes by the artifact's name and its own suffix, several go
into a folder of the artifact's name.

`safe` promises that `convert` runs nothing that a pickle asks for: it is not enough to trust one's
own classes, since anybody may have written the pickle. A converter that calls `pickle.load` is not
safe, and is used with `--unpickle trusted` only. Its kind counts in any case. A safe one works
where all that is not trusted does: it can read Python's libraries and the pickle, and write into
the folder; to open other files, to connect or to start programs fails, or ends it (`confining`).

mfwb imports the object whenever it plans: what is heavy should be imported by `convert`.
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

_SAID = ("types", "kind", "safe")


class Converter(Protocol):
    """What an entry point leads to; it may also have `safe`, a bool."""

    types: tuple[str, ...]
    kind: str

    def convert(self, pickle: Path, folder: Path) -> None:
        """Write files that say what a pickle says into an empty folder."""
        ...


def find_plugins() -> tuple[Plugin, ...]:
    """Return what the converters of installed packages say of themselves, by name.

    Raises:
        UsageError: one can't be imported, is no converter, or has the name of another.
    """
    found = sorted(entry_points(group=GROUP), key=lambda one: (one.name, one.value))
    for one, other in pairwise(found):
        if one.name == other.name and one.value != other.value:
            raise _useless(other, f"{one.value} goes by the same name")
    return tuple(_declared(one) for one in {one.name: one for one in found}.values())


def convert_with(name: str, pickle: Path, folder: Path) -> None:
    """Let a converter write files.

    This runs code of another package: not for the process that talks to Metaflow and W&B.

    Args:
        name: of the converter.
        pickle: the file of the pickle.
        folder: an empty one.

    Raises:
        LookupError: there is no such converter.
        Exception: any, whatever the converter raises.
    """
    entries = entry_points(group=GROUP, name=name)
    if not entries:
        raise LookupError(f"there is no converter {name}")
    converter: Converter = next(iter(entries)).load()
    converter.convert(pickle, folder)


def _declared(entry: EntryPoint) -> Plugin:
    try:
        converter = entry.load()
    except Exception as error:  # a package may do anything when it is imported
        raise _useless(entry, f"{type(error).__name__}: {error}") from error
    if not callable(getattr(converter, "convert", None)):
        raise _useless(entry, "it has no function `convert`")
    said = {name: getattr(converter, name) for name in _SAID if hasattr(converter, name)}
    try:
        return Plugin.model_validate({"name": entry.name, **said})
    except ValidationError as error:
        first = error.errors()[0]
        raise _useless(entry, f"{first['loc'][0]}: {first['msg']}") from None


def _useless(entry: EntryPoint, why: str) -> UsageError:
    package = f" of {entry.dist.name}" if entry.dist else ""
    return UsageError(
        f"the converter {entry.name}{package} ({entry.value}) can't be used: {why}. "
        f"Mend or uninstall it"
    )
