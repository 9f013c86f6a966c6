"""Typed records of the JSON that Metaflow writes into datastores and metadata.

Anybody who can write to these can write anything there. A value of a wrong type or out of range is
an error, never a guess. If a name occurs twice, both values have to be valid, and the last one
counts, as for Metaflow. Unknown fields, which later versions of Metaflow may add, are ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from functools import cache, lru_cache
from typing import Annotated, Any, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from mfwb.ports import Readable
from mfwb.safe_text import storable
from mfwb.snapshot import Card
from mfwb.snapshot.identifiers import SHA1, is_artifact_name
from mfwb.source.typed_values import MAX_EPOCH_MS, MAX_INTEGER, DamagedError, describe_error

__all__ = [
    "ArtifactRecord",
    "AttemptRecord",
    "BlobRecord",
    "ExitRecord",
    "Location",
    "RunRecord",
    "TaskRecord",
    "has_lone_surrogate",
    "parse_json",
    "read_limited",
    "to_card",
    "validate",
]

_RECORD_LIMIT = 16_000_000
"""Bytes of a task's record: a thousand artifacts take 200 KB."""

_TYPE_LIMIT = 500  # characters; a metaclass may give its classes names of any length
_T = TypeVar("_T")


@lru_cache(maxsize=1_024)  # the tasks of a foreach have the same names
def _check_artifact_name(value: str) -> str:
    if not is_artifact_name(value):
        raise ValueError("that is not the name of an artifact")
    return value


def _shorten(value: Any) -> Any:
    return value[:_TYPE_LIMIT] if isinstance(value, str) else value


_ArtifactName = Annotated[str, AfterValidator(_check_artifact_name)]
_Sha1 = Annotated[str, StringConstraints(pattern=f"^{SHA1}$")]
_Size = Annotated[int, Field(strict=True, ge=0, le=MAX_INTEGER)]
_Moment = Annotated[int, Field(strict=True, ge=0, le=MAX_EPOCH_MS)]  # epoch ms
_Heartbeat = Annotated[int, Field(strict=True, ge=0, le=MAX_EPOCH_MS // 1000)]  # epoch s
_Tag = Annotated[str, StringConstraints(strict=True, max_length=5_000)]
_Tags = Annotated[list[_Tag], Field(max_length=10_000)]
_Short = Annotated[str, StringConstraints(strict=True, max_length=1_000)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class ArtifactRecord(_Record):
    """Record of an attempt about one artifact: `info[name]`."""

    size: _Size | None = None
    type: Annotated[str, BeforeValidator(_shorten)] | None = None
    encoding: Annotated[str, StringConstraints(strict=True, max_length=200)] = "gzip+pickle-v2"


class AttemptRecord(_Record):
    """Record of an attempt about its artifacts: `<attempt>.data.json`."""

    objects: dict[_ArtifactName, _Sha1] = Field(default_factory=dict)
    info: dict[_ArtifactName, ArtifactRecord] = Field(default_factory=dict)

    def artifact(self, name: str) -> ArtifactRecord:
        """Return the record of an artifact; an empty one if there is none."""
        return self.info.get(name) or ArtifactRecord()


class ExitRecord(_Record):
    """Record that Metaflow's runtime writes when an attempt ends: `<attempt>.runtime`."""

    return_code: Annotated[int, Field(strict=True)] | None = None
    killed: Annotated[bool, Field(strict=True)] | None = None


class BlobRecord(_Record):
    """Record of the datastore about a blob."""

    cas_raw: Annotated[bool, Field(strict=True)] | None = None


class RunRecord(_Record):
    """Record of a metadata provider about a flow run."""

    run_number: Annotated[int, Field(strict=True)] | _Short
    ts_epoch: _Moment
    user_name: _Short | None = None
    last_heartbeat_ts: _Heartbeat | None = None
    tags: _Tags | None = None
    system_tags: _Tags | None = None


class TaskRecord(_Record):
    """Record of a metadata provider about a task."""

    ts_epoch: _Moment
    last_heartbeat_ts: _Heartbeat | None = None


class Location(_Record):
    """Location of an artifact, from its metadata."""

    ds_type: _Short
    location: Annotated[str, StringConstraints(strict=True, max_length=5_000)]


class _CardRecord(_Record):
    type: _Short
    id: _Short | None = None
    card_uuid: _Short


def parse_json(kind: type[_T], data: bytes | str) -> _T:
    """Parse JSON into a value of this type; DamagedError with the reason.

    Characters that are not Unicode are escaped: a name of bytes that are not UTF-8 has some.
    """
    try:
        result: _T = _adapter(cast("Hashable", kind)).validate_json(data)
    except ValidationError as error:
        if not has_lone_surrogate(data):
            raise DamagedError(describe_error(error)) from None
        try:
            return validate(kind, json.loads(data))
        except (ValueError, RecursionError) as second_error:
            raise DamagedError(str(second_error)) from None
    return result


def validate(kind: type[_T], value: Any) -> _T:
    """Validate decoded JSON as this type; DamagedError. Text is escaped as by `parse_json`."""
    try:
        result: _T = _adapter(cast("Hashable", kind)).validate_python(value)
    except ValidationError as error:
        try:
            escaped = _escape(value)
        except RecursionError:
            raise DamagedError("it is nested too deep") from None
        if escaped == value:
            raise DamagedError(describe_error(error)) from None
        return validate(kind, escaped)
    return result


def has_lone_surrogate(data: bytes | str) -> bool:
    """Return whether JSON has a lone surrogate, which Python accepts and few other readers do."""
    text = data.decode(errors="replace") if isinstance(data, bytes) else data
    return _SURROGATE.search(text) is not None


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _escape(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_escape(item) for item in value]
    if isinstance(value, dict):
        return {_escape(name): _escape(item) for name, item in value.items()}
    return value


def to_card(value: str) -> Card:
    """Return the card of metadata of the type `card-info`; DamagedError."""
    record = parse_json(_CardRecord, value)
    return Card(type=record.type, id=record.id, uuid=record.card_uuid)


def read_limited(stream: Readable, max_bytes: int = _RECORD_LIMIT) -> bytes:
    """Return all bytes of a stream; DamagedError if there are more than `max_bytes`."""
    data = bytearray()
    while chunk := stream.read(max_bytes + 1 - len(data)):
        data += chunk
        if len(data) > max_bytes:
            raise DamagedError(f"it has more than {max_bytes:,} bytes")
    return bytes(data)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)  # built on first use: building it takes a while
