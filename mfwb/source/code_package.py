"""Texts of the user's files in Metaflow's code package. Seen in Metaflow 2.19.39.

A task's record `code-package` is JSON of `sha`, `location`, `ds_type` and `metadata`, which is JSON
itself. The package is a gzipped tar, stored raw in the flow's datastore. If it has a file
`.mf_install`, Metaflow's own files lie in `.mf_code` and `.mf_meta`, and its facts about the flow
in `.mf_meta/INFO`; before that layout, in `metaflow`, `metaflow_extensions` and `INFO`.
The contract test is in tests/integration/source/test_code_package.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import BaseModel, Field, Json, ValidationError

from mfwb.snapshot import SourceCode
from mfwb.source.python_text import SIZE_LIMIT, decode_python
from mfwb.source.tarball import TarballError, normalize_name, read_files

__all__ = ["CodePackage", "PackageError", "parse_package_record", "read_source"]

_FILES_LIMIT = 2_000
_TEXT_LIMIT = 20_000_000  # bytes of all files together
_RECORD_LIMIT = 10_000  # letters

_MARKER = ".mf_install"

_Kind = TypeVar("_Kind", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Paths of Metaflow's own files in a package."""

    info: str
    own: tuple[str, ...]


_LAYOUTS = {
    # Until `.mf_install` is read, which comes after Metaflow's own files, the layout is not known.
    0: _Layout("INFO", ("metaflow/", "metaflow_extensions/", ".mf_meta/", ".mf_code/")),
    1: _Layout(".mf_meta/INFO", (".mf_meta/", ".mf_code/")),
}
_INFOS = {layout.info for layout in _LAYOUTS.values()}


class PackageError(Exception):
    """A code package can't be read; the text is the reason."""


class _Form(BaseModel):
    archive_format: str = "tgz"  # also of packages from before Metaflow had several formats


class CodePackage(BaseModel):
    """A task's record of its code package. Its location is not used."""

    sha: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    location: str
    ds_type: str
    metadata: Json[_Form] = _Form()


def read_source(packed: bytes) -> SourceCode:
    """Return the user's files in a code package; PackageError."""
    files = _PackageFiles()
    try:
        for name, data in read_files(packed, files.max_size):
            files.add(name, data)
    except TarballError as error:
        raise PackageError(str(error)) from None
    return files.to_source_code()


class _Marker(BaseModel):
    version: int


class _Info(BaseModel):
    script: str


def parse_package_record(value: str) -> CodePackage | None:
    """Return the package of a task's record; None if it is not a package that Metaflow made.

    If users set METAFLOW_CODE_SHA for another purpose, the record has no other field.
    """
    if len(value) > _RECORD_LIMIT:
        return None
    try:
        return CodePackage.model_validate_json(value)
    except ValidationError:
        return None


class _PackageFiles:
    """Files read from a package so far. Metaflow's own files come before the user's files."""

    def __init__(self) -> None:
        self._layout = _LAYOUTS[0]
        self._scripts: dict[str, str] = {}  # by the INFO file that names it
        self._texts: dict[str, str] = {}
        self._undecodable: dict[str, str] = {}  # reasons, by file
        self._left = _TEXT_LIMIT

    def max_size(self, name: str) -> int:
        """Return how many bytes a file may have; 0: not the user's, or the package is full."""
        if name == _MARKER or name in _INFOS or name == self._script():
            return SIZE_LIMIT + 1
        full = self._left <= 0 or len(self._texts) >= _FILES_LIMIT
        is_users = name.endswith(".py") and not name.startswith(self._layout.own)
        return min(SIZE_LIMIT, self._left) if is_users and not full else 0

    def add(self, name: str, data: bytes) -> None:
        """Add a file. Of two files with the same name the last one counts, as in an extraction."""
        if name == _MARKER:
            version = _parse(_Marker, data).version
            if version not in _LAYOUTS:
                raise PackageError(f"mfwb does not know how it is laid out (version {version})")
            self._layout = _LAYOUTS[version]
        elif name in _INFOS:
            self._scripts[name] = normalize_name(_parse(_Info, data).script) or ""
        else:
            self._left -= len(data)
            self._texts.pop(name, None)
            try:
                self._texts[name] = decode_python(data)
            except ValueError as error:  # no problem if nothing imports this file
                self._undecodable[name] = str(error)

    def to_source_code(self) -> SourceCode:
        """Return the user's files; PackageError if the script that was run is not among them."""
        script = self._script()
        if not script:
            raise PackageError("it does not name the script that ran")
        if script not in self._texts:
            raise PackageError(f"{script} {self._undecodable.get(script, 'is not in it')}")
        return SourceCode(script, self._texts, origin="package")

    def _script(self) -> str:
        return self._scripts.get(self._layout.info, "")


def _parse(kind: type[_Kind], data: bytes) -> _Kind:
    try:
        return kind.model_validate_json(data)
    except ValidationError:
        raise PackageError("Metaflow's own metadata in it is damaged") from None
