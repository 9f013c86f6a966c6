"""The messages that mfwb writes into `.wandb` files are those of W&B's SDK."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from wandb.proto import wandb_internal_pb2 as pb

from mfwb.sink.offline import messages, records
from mfwb.sink.offline.messages import FIELDS
from mfwb.sink.push.record_check import _RECORD as CHECKED

_TYPES = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name
    for name in ("bool", "int32", "int64", "string")
}


def _descriptors(descriptor: Any) -> dict[str, Any]:
    """Return the descriptors of a message of W&B and of those below it, by name."""
    found, rest = {}, [descriptor]
    while rest:
        message = rest.pop()
        if message.name not in found:
            found[message.name] = message
            rest += [field.message_type for field in message.fields if field.message_type]
    return found


_THEIRS = _descriptors(pb.Record.DESCRIPTOR)


def _type_of(field: Any) -> str:
    type_ = (
        field.message_type.full_name.removeprefix("wandb_internal.")
        if field.message_type
        else _TYPES[field.type]
    )
    # protobuf 6 has the first, protobuf 5 the second.
    is_repeated = getattr(field, "is_repeated", None)
    if is_repeated is None:
        is_repeated = field.label == field.LABEL_REPEATED
    return f"repeated {type_}" if is_repeated else type_


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_is_theirs(name: str) -> None:
    """By number, type, label, and whether it is one of several."""
    theirs = {field: _THEIRS[name].fields_by_name[field] for field in FIELDS[name]}

    assert {field: (it.number, _type_of(it)) for field, it in theirs.items()} == FIELDS[name]
    ours = messages.Record.DESCRIPTOR.file.message_types_by_name[name]
    for field, it in theirs.items():
        mine = ours.fields_by_name[field]
        assert mine.has_presence == it.has_presence
        assert (mine.containing_oneof is None) == (it.containing_oneof is None), field


def test_a_push_accepts_what_is_written() -> None:
    """Both list the same fields."""

    def listed(name: str, fields: Any) -> dict[str, set[str]]:
        found = {name: set(fields)}
        for field, inner in fields.items():
            if inner is not None:
                type_ = FIELDS[name][field][1].removeprefix("repeated ")
                found |= {} if "." in type_ else listed(type_, inner)
        return found

    assert listed("Record", CHECKED) == {name: set(fields) for name, fields in FIELDS.items()}


def _sample(message: Any, depth: int = 0) -> Any:
    """Return a message with a value in each field; of a record, in those that can be together."""
    for field, (number, type_) in FIELDS.get(message.DESCRIPTOR.name, {}).items():
        item = type_.removeprefix("repeated ")
        if item == "google.protobuf.Timestamp":
            getattr(message, field).FromMilliseconds(1_795_223_691_980 + number)
        elif item in FIELDS:
            inner = getattr(message, field)
            _sample(inner.add() if type_.startswith("repeated") else inner, depth + 1)
        else:
            value = {"string": f"é{number}", "bool": True}.get(item, number << 20)
            if type_.startswith("repeated"):
                getattr(message, field).extend([value, value])
            else:
                setattr(message, field, value)
    return message


@pytest.mark.parametrize(
    "kind", [name for name, (_, type_) in FIELDS["Record"].items() if type_.endswith("Record")]
)
def test_the_bytes_are_the_same(kind: str) -> None:
    """Of a record of each kind with all fields, written by both and read by the other."""
    ours, theirs = messages.Record(num=7), pb.Record(num=7)
    for record in (ours, theirs):
        getattr(record, kind).SetInParent()
        _sample(getattr(record, kind))
        record._info.stream_id = "run"  # noqa: SLF001 - a field of the message

    data = theirs.SerializeToString()

    assert ours.SerializeToString() == data
    assert messages.Record.FromString(data) == ours
    assert pb.Record.FromString(ours.SerializeToString()) == theirs


def test_unknown_fields_stay() -> None:
    """A record of a newer W&B that is read and written again keeps all that it had."""
    data = pb.Record(run=pb.RunRecord(run_id="a", storage_id="b")).SerializeToString()

    assert messages.Record.FromString(data).SerializeToString() == data


def test_a_record_has_one_kind() -> None:
    """The last one that is set, as in W&B's own class."""
    record = records.exit_record(1)
    record.summary.SetInParent()

    assert not record.HasField("exit")
    assert record.WhichOneof("record_type") == "summary"
