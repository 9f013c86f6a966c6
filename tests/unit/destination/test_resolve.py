"""Destinations from mfwb's settings and W&B's own ones."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mfwb.config import load_settings
from mfwb.destination import (
    Destinations,
    WandbDefaults,
    bundle_of,
    entity_and_project,
    read_defaults,
)
from mfwb.errors import Unreachable, UsageError
from mfwb.ports import Destination

SERVER = "https://w.example"
NOTHING = WandbDefaults(mode="online", base_url=SERVER, entity=None, project=None)


class EntityQueries:
    """A server that returns the entity of the credentials, and notes each query."""

    def __init__(self) -> None:
        self.servers: list[str] = []

    def __call__(self, base_url: str) -> str | None:
        """Return the entity."""
        self.servers.append(base_url)
        return "me"


def destinations(
    queries: EntityQueries, defaults: WandbDefaults = NOTHING, *, may_ask: bool = True, **given: Any
) -> Destinations:
    """Return the destinations of a call."""
    return Destinations(load_settings(given, environ={}), defaults, queries, may_ask=may_ask)


def test_a_sync_asks_once() -> None:
    """An entity that was not given is that of the credentials."""
    queries = EntityQueries()
    resolved = destinations(queries)

    assert resolved.of("F") == Destination("online", SERVER, "me", "F")
    assert resolved.of("G").entity == "me"
    assert queries.servers == [SERVER]


@pytest.mark.parametrize("is_valid", [True, False])
def test_those_who_ask_at_once_ask_once(*, is_valid: bool) -> None:
    """Many flow runs begin together; what W&B answers to the first holds for all."""
    queries, together = EntityQueries(), threading.Barrier(8)

    def query(base_url: str) -> str | None:
        time.sleep(0.05)
        entity = queries(base_url)
        if not is_valid:
            raise Unreachable("the key is wrong")
        return entity

    resolved = Destinations(load_settings({}, environ={}), NOTHING, query, may_ask=True)

    def ask(_: int) -> str | None:
        together.wait()
        try:
            return resolved.viewer_entity()
        except Unreachable as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(8)))

    assert answers == {"me" if is_valid else "the key is wrong"}
    assert queries.servers == [SERVER]


def test_a_plan_does_not_ask() -> None:
    """An entity that was not given stays unknown."""
    queries = EntityQueries()

    assert destinations(queries, may_ask=False).of("F") == Destination("online", SERVER, None, "F")
    assert queries.servers == []


def test_nobody_asks_for_what_was_given() -> None:
    """Neither for an argument, nor for W&B's own variable or file."""
    queries = EntityQueries()
    by_wandb = replace(NOTHING, entity="acme", project="wines")

    assert destinations(queries, entity="ours", project="p").of("F").entity == "ours"
    assert destinations(queries, by_wandb).of("F") == Destination("online", SERVER, "acme", "wines")
    assert queries.servers == []


def test_offline(tmp_path: Path) -> None:
    """A sync into a bundle must know the entity, and so must a plan of one."""
    queries = EntityQueries()
    given: dict[str, Any] = {"mode": "offline", "dir": tmp_path}

    for may_ask in (True, False):
        with pytest.raises(UsageError, match="--entity"):
            destinations(queries, may_ask=may_ask, **given).of("F")
    assert queries.servers == []


def test_a_push_keeps_the_names(tmp_path: Path) -> None:
    """Only the server is the one of this call."""
    bundled = Destination("offline", str(tmp_path), "acme", "wines")

    result = destinations(EntityQueries(), replace(NOTHING, project="other")).of_bundled(bundled)

    assert result == Destination("online", SERVER, "acme", "wines")


@pytest.mark.parametrize("given", [{"project": "a/b"}, {"entity": "a/b"}])
def test_names_that_wandb_refuses(given: dict[str, str]) -> None:
    """They are refused before anything is read, in every command."""
    with pytest.raises(UsageError, match="is not a valid W&B"):
        entity_and_project("F", load_settings(given, environ={}), NOTHING)


def bundle(tmp_path: Path, **given: Any) -> Path | None:
    """Return the bundle that some settings select."""
    return bundle_of(load_settings(given, folder=tmp_path, environ={}), read_defaults())


def test_bundle_that_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder selects a bundle, and without one the server is selected."""
    monkeypatch.delenv("WANDB_MODE", raising=False)
    folder = tmp_path / "b"

    assert bundle(tmp_path) is None
    assert bundle(tmp_path, mode="online") is None
    assert bundle(tmp_path, mode="offline", dir=folder) == folder
    assert bundle(tmp_path, dir=folder) == folder
    assert bundle(tmp_path, settings={"mode": "offline"}, dir=folder) == folder


@pytest.mark.parametrize(
    "given",
    [{"mode": "online", "dir": "b"}, {"mode": "offline"}, {"settings": {"mode": "offline"}}],
)
def test_mode_and_folder_have_to_fit(tmp_path: Path, given: dict[str, Any]) -> None:
    """A server has no folder, and a bundle is one."""
    with pytest.raises(UsageError, match="--dir"):
        bundle(tmp_path, **given)


def test_wandb_may_say_that_it_is_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """W&B's own variable counts where nothing else is given."""
    monkeypatch.setenv("WANDB_MODE", "offline")

    with pytest.raises(UsageError, match="add --dir"):
        bundle(tmp_path)
    assert bundle(tmp_path, mode="online") is None


def test_a_file_of_wandb_may_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`wandb offline` writes it."""
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb" / "settings").write_text("[default]\nmode = offline\n", encoding="utf-8")

    with pytest.raises(UsageError, match="add --dir"):
        bundle(tmp_path)
