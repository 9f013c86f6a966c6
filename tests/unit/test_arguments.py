"""Arguments in the forms in which Python code gives them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest
import typing_extensions
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from mfwb import arguments
from mfwb.arguments import (
    SettingsArguments,
    flow_names,
    flow_run_pathspecs,
    folder_path,
    pathspec_text,
)
from mfwb.config import Settings, SizeLimits, load_settings
from mfwb.errors import UsageError


@dataclass(frozen=True)
class Client:
    """Stands for an object of Metaflow's client: it has a pathspec, and yields what is below."""

    pathspec: Any
    children: tuple[Any, ...] = ()

    def __iter__(self) -> Any:
        """Yield what is below."""
        return iter(self.children)


FLOW, RUN, STEP, TASK = (Client(text) for text in ("F", "F/1", "F/1/train", "F/1/train/4"))
ARTIFACT = Client("F/1/train/4/model")


# --- pathspecs -------------------------------------------------------------------------------


def test_objects_become_their_flow_runs() -> None:
    """A flow stays a flow; what is below a flow run becomes that flow run."""
    assert flow_run_pathspecs([FLOW, RUN, STEP, TASK, ARTIFACT]) == ["F", *["F/1"] * 4]


def test_text_stays_as_it_is() -> None:
    """What is wrong with it, `snapshot.pathspec.parse` finds out."""
    assert flow_run_pathspecs(["F/1/train", " F ", ""]) == ["F/1/train", " F ", ""]
    assert flow_names(["F/1"]) == ["F/1"]


def test_lists_of_both() -> None:
    """Lists, tuples and generators of texts and objects are taken apart."""
    given: list[Any] = ["A/1", [RUN, "B/2"], (FLOW,), (text for text in ("C/3",)), []]

    assert flow_run_pathspecs(given) == ["A/1", "F/1", "B/2", "F", "C/3"]


def test_an_object_is_not_taken_apart() -> None:
    """A `Run` is iterable: it yields its steps, which are not meant."""
    assert flow_run_pathspecs([Client("F/1", (STEP, STEP)), [Client("F/2", (STEP,))]]) == [
        "F/1",
        "F/2",
    ]


def test_flows_of_objects() -> None:
    """Any object becomes the flow that it belongs to."""
    assert flow_names([FLOW, [RUN, TASK], "G"]) == ["F", "F", "F", "G"]


@pytest.mark.parametrize("given", [None, 7, b"F/1", Path("F/1"), Client(None), Client(7), [["F"]]])
def test_anything_else_is_refused(given: Any) -> None:
    """The error names what was given, and says what to give."""
    with pytest.raises(UsageError, match=r"is not a pathspec; give a text as in 'Flow/123', or an"):
        flow_run_pathspecs([given])


def test_a_pathspec_keeps_its_parts() -> None:
    """Where steps, tasks and artifacts are named, nothing is cut off."""
    assert [pathspec_text(given) for given in (STEP, TASK, "F/1/x")] == [
        "F/1/train",
        "F/1/train/4",
        "F/1/x",
    ]


def test_folders() -> None:
    """Text and paths are the same; None is none."""
    assert folder_path("a/b") == folder_path(Path("a/b")) == Path("a/b")
    assert folder_path(None) is None


# --- settings --------------------------------------------------------------------------------


def table_in(model: type[BaseModel], name: str) -> type[BaseModel]:
    """Return the model of the tables by name that a field of a model has."""
    result: type[BaseModel] = get_args(model.model_fields[name].annotation)[1]
    return result


FLOW_TABLE = table_in(Settings, "flow")
TABLES: dict[str, tuple[type, type[BaseModel]]] = {
    "call": (arguments.SettingsArguments, Settings),
    "flow": (arguments.FlowArguments, FLOW_TABLE),
    "step": (arguments.StepArguments, table_in(FLOW_TABLE, "step")),
    "sizes": (arguments.SizeArguments, SizeLimits),
}
SAMPLES: tuple[Any, ...] = (
    *(True, False, 1, 2, 60, 1.5, "", "text", "7", "true", "2GB", "24h", b"text"),
    *("step", "task", "online", "offline", "safe", "trusted", "never", "skip", "recreate", "fail"),
    *(Path("folder"), [], ["a"], ("a", "b"), [Path("a")], [1], {1}, object()),
    *(
        {},
        {"dataset": 1},
        {"dataset": "2GB", "model": None},
        {"lib.*": "model"},
        {"lib.*": "nonsense"},
    ),
    *({"run_tags": ["a"]}, {"F": {"project": "p"}}, {"F": {"nonsense": 1}}, {"train": {}}),
    *({"train": {"datasets": False}}, {"F": {"step": {"train": {"models": True}}}}),
)
BAD_VALUES = {"value_error", "greater_than_equal", "less_than_equal", "string_too_short"}
"""What pydantic calls errors about a value whose type is right."""


@pytest.mark.parametrize("table", TABLES)
def test_the_typed_settings_are_the_settings(table: str) -> None:
    """No setting is missing, and none is there that `mfwb.config` does not have."""
    typed, model = TABLES[table]
    names = {
        field.alias or name
        for name, field in model.model_fields.items()
        if not field.exclude  # what `load_settings` adds
    }

    assert get_type_hints(typed).keys() == names


@pytest.mark.parametrize("name", get_type_hints(SettingsArguments))
def test_the_types_are_those_that_settings_take(name: str) -> None:
    """Settings take what the type allows; what else they take is `"7"` for 7 and the like.

    So mypy refuses what would fail, and lets pass what is written as documented. Variables give
    numbers as text.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(for_pydantic(get_type_hints(SettingsArguments)[name]))
    refused = {index: errors_of(name, sample) for index, sample in enumerate(SAMPLES)}
    accepted = {index for index, errors in refused.items() if not errors}
    well_typed = accepted | {index for index, errors in refused.items() if errors & BAD_VALUES}
    typed = indices_of_valid(adapter, strict=True)
    converted = indices_of_valid(TypeAdapter(bool | float), strict=False)
    converted.add(SAMPLES.index(b"text"))

    assert [SAMPLES[index] for index in typed - well_typed] == []
    assert [SAMPLES[index] for index in accepted - typed - converted] == []
    assert accepted & typed


def errors_of(name: str, value: Any) -> set[str]:
    """Return what pydantic calls the errors of a setting with that value."""
    try:
        Settings.model_validate({name: value})
    except ValidationError as error:
        return {each["type"] for each in error.errors()}
    return set()


def indices_of_valid(adapter: TypeAdapter[Any], *, strict: bool) -> set[int]:
    """Return which samples are of a type; if not strict, which pydantic can convert to it."""
    valid = set()
    for index, sample in enumerate(SAMPLES):
        with suppress(ValidationError):
            adapter.validate_python(sample, strict=strict)
            valid.add(index)
    return valid


def for_pydantic(hint: Any) -> Any:
    """Return a type with its TypedDicts as pydantic takes them before Python 3.12."""
    if is_typeddict(hint):
        fields = {name: for_pydantic(each) for name, each in get_type_hints(hint).items()}
        make: Any = typing_extensions.TypedDict
        made = make(hint.__name__, fields, total=False)
        made.__pydantic_config__ = ConfigDict(extra="forbid")
        return made
    inner = tuple(for_pydantic(each) for each in get_args(hint))
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        return reduce(or_, inner)
    if inner and get_origin(hint) is not Literal:
        return get_origin(hint)[inner]
    return hint


def test_none_is_not_given(tmp_path: Path) -> None:
    """Each setting can be None, which leaves it to files and variables."""
    nothing = dict.fromkeys(get_type_hints(SettingsArguments))

    assert load_settings(nothing, folder=tmp_path, environ={}).explicit == frozenset()
