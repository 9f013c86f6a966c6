"""Datastores that may be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfwb.errors import SourceError
from mfwb.snapshot import Datastore
from mfwb.source.datastore.roots import DatastoreRoots, configured_card_roots, configured_roots

CONFIGURED = {
    "s3": "s3://ours/metaflow",
    "azure": "container/metaflow",
    "gs": "gs://ours/metaflow/",
}
ROOTS = DatastoreRoots(None, CONFIGURED, ("s3://second", "azure://other/deep"))


@pytest.mark.parametrize(
    ("kind", "root"),
    [
        ("s3", "s3://ours/metaflow"),
        ("s3", "s3://ours/metaflow/"),
        ("s3", "s3://ours/metaflow/team"),
        ("s3", "s3://second/any/where"),
        ("gs", "gs://ours/metaflow"),
        ("azure", "container/metaflow"),
        ("azure", "other/deep/er"),
    ],
)
def test_own(kind: str, root: str) -> None:
    """Roots of the configuration or the setting, and paths below them, are admitted."""
    datastore = Datastore(kind, root)

    assert ROOTS.admit(datastore, "F/1/start/1") == datastore


@pytest.mark.parametrize(
    ("kind", "root"),
    [
        ("s3", "s3://ours"),
        ("s3", "s3://ours/metaflow2"),
        ("s3", "s3://theirs/metaflow"),
        ("s3", "s3://ours/metaflow/../secret"),
        ("s3", "gs://ours/metaflow"),
        ("s3", "container/metaflow"),
        ("gs", "s3://ours/metaflow"),
        ("gs", "s3://second"),
        ("azure", "container/metaflow-2"),
        ("azure", "s3://ours/metaflow"),
        ("nfs", "s3://ours/metaflow"),
        ("s3", ""),
        ("s3", "s3://ours/metaflow/\x00"),
        ("s3", "s3://ours/metaflow/\ud800"),
        ("s3", "s3://ours/metaflow/" + "a" * 3_000),
        ("local", "relative"),
        ("local", "/a/../etc"),
        ("local", "/a/b"),
    ],
)
def test_others(kind: str, root: str) -> None:
    """Similar roots, other types and invalid roots are refused."""
    with pytest.raises(SourceError, match=r"^F/1/start/1 .*its datastore|your datastores"):
        ROOTS.admit(Datastore(kind, root), "F/1/start/1")


def test_advice() -> None:
    """Without a configured datastore, the message has both ways to set one."""
    with pytest.raises(SourceError) as caught:
        DatastoreRoots(None, {}, ()).admit(Datastore("s3", "s3://b/m"), "F/1/start/1")

    assert "--datastore-root s3://b/m" in str(caught.value)
    assert "METAFLOW_DATASTORE_SYSROOT_S3" in str(caught.value)


def test_folders(tmp_path: Path) -> None:
    """A local root that is not the user's is replaced by that of the metadata, else refused."""
    home, extra, other = (tmp_path / name for name in ("home", "named", "other"))
    for folder in (home, extra / "deep", other):
        folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(extra)
    (extra / "out").symlink_to(other)
    at_home = Datastore("local", str(home))

    def admit(roots: DatastoreRoots, folder: Path) -> Datastore:
        return roots.admit(Datastore("local", str(folder)), "F/1/start/1")

    local = DatastoreRoots(home, {}, (str(extra),))
    assert admit(local, home) == at_home
    assert admit(local, extra / "deep") == Datastore("local", str(extra / "deep"))
    assert admit(local, tmp_path / "link" / "deep").root.endswith("link/deep")
    assert admit(local, extra / "gone") == at_home  # moved together with its metadata
    assert admit(local, extra / "out") == admit(local, other) == at_home
    service = DatastoreRoots(None, {"local": str(extra)}, ())
    assert admit(service, extra / "gone") == Datastore("local", str(extra / "gone"))
    with pytest.raises(SourceError, match="your datastores"):
        admit(service, other)


@pytest.mark.parametrize(
    ("mode", "counting"), [(0o600, {"s3"}), (0o644, {"s3"}), (0o666, set()), (0o664, set())]
)
def test_settings_that_others_may_write(
    mode: int, counting: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Roots in a datastore's config.json count if nobody else can have written it."""
    monkeypatch.delenv("METAFLOW_DATASTORE_SYSROOT_S3", raising=False)
    tmp_path.chmod(0o755)
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "config.json").chmod(mode)
    reported = {"METAFLOW_DATASTORE_SYSROOT_S3": "s3://b/m"}

    result = configured_roots({"s3": "s3://b/m", "local": None}, reported, lambda: str(tmp_path))
    cards = configured_card_roots({"s3": "s3://b/m/mf.cards"}, reported, lambda: str(tmp_path))

    assert result.pop("local") == str(tmp_path)
    assert {*result} == {*cards} == counting
