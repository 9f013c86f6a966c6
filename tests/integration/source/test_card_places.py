"""Where cards are looked for: in the flow run's datastore, and where the user's own ones are."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from mfwb.errors import ItemLost
from mfwb.snapshot import Card, Datastore
from tests.support.flow_runs import flow_run, task

with warnings.catch_warnings():  # what Metaflow imports warns
    warnings.simplefilter("ignore")
    from mfwb.source.contents import FlowRunContents
    from mfwb.source.datastore.flow_store import local_card_root

UUID = "6acd7102ebd84e3390d7713b36fb880e"
CARD = Card("blank", None, UUID)
NAME = f"F/runs/1/steps/start/tasks/1/cards/blank-{UUID}.html"


def _copied(root: Path, *linked_folders: Path, cards: Path | None = None) -> bytes:
    """Return a card of a flow run whose datastore is in a folder."""
    store = root / ".metaflow"
    store.mkdir(exist_ok=True)
    item = replace(
        task("start/1"), pathspec="F/1/start/1", datastore=Datastore("local", str(store))
    )
    run = flow_run(item)
    contents = FlowRunContents(run, linked_folders, {"local": str(cards)} if cards else {})
    target = root / "copied"
    contents.copy_card("F/1/start/1", CARD, target)
    return target.read_bytes()


@pytest.mark.parametrize("folder", [".metaflow/mf.cards", ".metaflow"])
def test_in_the_datastore(folder: str, tmp_path: Path) -> None:
    """Metaflow leaves them in the root itself where it is told to have them somewhere else."""
    _write(tmp_path / folder / NAME)

    assert _copied(tmp_path) == b"a card"


@pytest.mark.parametrize("named", ["flow", "flow/.metaflow"])
def test_where_the_flow_ran(named: str, tmp_path: Path) -> None:
    """With a datastore elsewhere they are there; that is looked at if the user names it."""
    _write(tmp_path / "flow" / ".metaflow" / "mf.cards" / NAME)
    root = tmp_path / "root"
    root.mkdir()

    with pytest.raises(ItemLost, match="which --datastore-root can name"):
        _copied(root)
    assert _copied(root, tmp_path / named) == b"a card"
    assert _copied(root, cards=tmp_path / "flow" / ".metaflow" / "mf.cards") == b"a card"
    with pytest.raises(ItemLost, match="gone"):
        _copied(root, cards=tmp_path / "nowhere")


def test_a_link_to_somewhere_else(tmp_path: Path) -> None:
    """It is not followed, wherever cards are."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    location = tmp_path / "flow" / ".metaflow" / "mf.cards"
    (location / NAME).parent.mkdir(parents=True)
    (location / NAME).symlink_to(secret)
    root = tmp_path / "root"
    root.mkdir()

    for linked_folders, cards in (((tmp_path / "flow",), None), ((), location)):
        with pytest.raises(ItemLost, match="leads out"):
            _copied(root, *linked_folders, cards=cards)
    assert not (root / "copied").exists()


def test_a_folder_of_cards_that_is_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may write where a flow ran can't have cards of others shown; the user may name these."""
    theirs = tmp_path / "theirs" / ".metaflow" / "mf.cards"
    _write(theirs / NAME)
    here = tmp_path / "flow"
    (here / ".metaflow").mkdir(parents=True)
    (here / ".metaflow" / "mf.cards").symlink_to(theirs)
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.chdir(here)

    assert local_card_root() is None
    with pytest.raises(ItemLost, match="leads out"):
        _copied(root, here)
    assert _copied(root, here, tmp_path / "theirs") == b"a card"


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"a card")
