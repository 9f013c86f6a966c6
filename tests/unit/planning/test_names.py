"""Ids, names, tags and keys that W&B accepts."""

from __future__ import annotations

import re
from pathlib import PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfwb.planning import names
from tests.support.strangers import anything
from tests.unit.planning.labels import assert_key, assert_label

# What may come from outside. Lone surrogates can't: pathspecs and attributes are real text.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
LINE = TEXT.map(lambda text: " ".join(text.split()))
PARTS = st.lists(TEXT, min_size=3, max_size=4)


def test_run_id() -> None:
    """A W&B run id is readable, and the same on every machine for ever."""
    assert names.run_id("Flow", "123", "train") == "Flow-123-train-a6ea9d27e5a8"
    assert names.run_id("Flow", "123", "train", "4") == "Flow-123-train-4-2f0e03110e63"


def test_run_id_of_an_argo_run() -> None:
    """Signs that W&B refuses in an id are replaced."""
    result = names.run_id("Flow", "argo-my.flow:x/1", "train")

    assert re.fullmatch("Flow-argo-my-flow-x-1-train-[0-9a-f]{12}", result)


@given(PARTS)
def test_run_id_is_acceptable(parts: list[str]) -> None:
    """Whatever a flow run is called, its ids are made of signs that W&B takes, and short."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", names.run_id(*parts))


@given(PARTS, PARTS)
def test_run_ids_are_distinct(one: list[str], other: list[str]) -> None:
    """Different steps and tasks get different ids, if they differ in one sign only."""
    if one == other:
        other = [*other[:-1], other[-1] + "-"]

    assert names.run_id(*one) != names.run_id(*other)


def test_run_ids_distinguish_parts() -> None:
    """Where one part ends and the next begins makes a difference."""
    long = "x" * 100

    assert names.run_id("A", "1", "b-c") != names.run_id("A", "1-b", "c")
    assert names.run_id(long, "1", "train") != names.run_id(long, "2", "train")


def test_run_ids_of_many_tasks_are_distinct() -> None:
    """A wide foreach of a flow with a long name does not run out of ids."""
    flow, step = "AnUnusuallyLongNameOfAFlow", "a_step_with_a_long_name_too"
    result = {names.run_id(flow, "1795226515084300", step, str(task)) for task in range(20_000)}

    assert len(result) == 20_000


def test_shortened_leaves_short_text() -> None:
    """Text within the limit stays as it is, any signs included."""
    assert names.shortened("Flow/123/träin", 14) == "Flow/123/träin"


def test_shortened_stays_within_the_limit() -> None:
    """Longer text is cut to the limit, and keeps its beginning."""
    result = names.shortened("a" * 129, 128)

    assert len(result) == 128
    assert result.startswith("a" * 100)


@given(LINE, LINE, st.integers(16, 128))
def test_shortened_is_distinct(one: str, other: str, limit: int) -> None:
    """Texts that differ, and not only in white space, are still told apart after shortening."""
    short, other_short = names.shortened(one, limit), names.shortened(other, limit)

    assert len(short) <= limit
    assert (short == other_short) == (one == other)


@pytest.mark.parametrize("name", ["model", "_x9", "a.b-c", "x" * 128])
def test_artifact_name_stays(name: str) -> None:
    """A name that W&B takes stays as it is."""
    assert names.artifact_name(name) == name


@pytest.mark.parametrize(
    ("name", "readable"),
    [
        ("größe", "grosse"),
        ("données", "donnees"),
        ("数据", "ShuJu"),
        ("модель", "model_"),
        ("\u0301", "_"),
    ],
)
def test_artifact_name_of_another_alphabet(name: str, readable: str) -> None:
    """It can be read, and is told from the name that is written like that."""
    result = names.artifact_name(name)

    assert re.fullmatch(f"{readable}-[0-9a-f]{{12}}", result)
    assert result != names.artifact_name(readable)


def test_names_that_are_read_alike() -> None:
    """Each has its own."""
    alike = ["grosse", "größe", "grösse", "größe_"]

    assert len({names.artifact_name(item) for item in alike}) == len(alike)


@given(TEXT.filter(bool))
def test_artifact_name_is_acceptable(name: str) -> None:
    """Whatever an attribute is called, W&B takes the artifact's name."""
    assert re.fullmatch(r"[A-Za-z0-9_.\-]{1,128}", names.artifact_name(name))


def test_run_alias() -> None:
    """An alias says which flow run made a version, without the signs that W&B refuses."""
    assert names.run_alias("123") == "run-123"
    assert names.run_alias("argo-a/b:c") == "run-argo-a-b-c"


def test_keys_that_are_taken() -> None:
    """A name that W&B or mfwb needs for itself gets a `_` behind."""
    assert names.config_key("alpha") == "alpha"
    assert names.config_key("metaflow") == "metaflow_"
    assert names.summary_key("accuracy") == "accuracy"
    assert names.summary_key("tasks") == "tasks_"
    assert names.summary_key("_step") == "_step_"


@pytest.mark.parametrize("taken", ["metaflow", "mfwb", "tasks", "card", "_wandb", "_runtime"])
def test_keys_do_not_collide(taken: str) -> None:
    """Whoever already uses the name with a `_` behind keeps a key of its own."""
    lookalikes = [taken, f"{taken}_", f"{taken}__"]

    assert len({names.summary_key(name) for name in lookalikes}) == 3
    assert len({names.config_key(name) for name in lookalikes}) == 3


@given(text=anything())
def test_names(text: str) -> None:
    """Names that differ stay different; those that fit stay."""
    assert_label(names.project_name(text), 128)
    assert not set(names.project_name(text)) & set("/\\#?%:")
    assert_key(names.summary_key(text))
    assert names.summary_key(text) != names.summary_key(f"{text}x")
    assert names.project_name("TrainFlow") == "TrainFlow"
    assert names.summary_key("train/loss") == "train/loss"
    assert names.card_key("card", "0", "my_card") == "card/0/my_card"
    table = f"run-{names.run_id('F', text, 'a' * 100)}-{names.table_key(text)}"
    assert_label(table, 128 - len("__"))
    assert not PureWindowsPath(names.table_key(text)).drive


@pytest.mark.parametrize("name", ["t:b", "t:", "Z:loss/train"])
def test_tables_are_on_no_drive(name: str) -> None:
    """W&B refuses a file of a table whose name it takes for a path of another drive."""
    assert not PureWindowsPath(names.table_key(name)).drive
    assert names.table_key(name) != names.table_key(name.replace(":", "_"))
    assert names.summary_key(name) == name


@pytest.mark.parametrize(
    ("entity", "project", "path"), [("acme", "wines", "acme/wines"), (None, "wines", "/wines")]
)
def test_project_path(entity: str | None, project: str, path: str) -> None:
    """A path has an entity or none, and is split into the same parts."""
    assert names.project_path(entity, project) == path
    assert names.split_project_path(path) == (entity or "", project)
    assert names.split_project_path(project) == ("", project)
