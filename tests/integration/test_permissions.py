"""What a user may not read or write is called that, and never taken for something missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.results import metadata_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.warm import Constraints

_OBEYING = Constraints(obeys=True)
_FORBIDDEN = 0


@pytest.fixture
def stored(tmp_path: Path, flows_root: Path, flow_run: Callable[[str], str]) -> Iterator[Path]:
    """Return the folder of one flow run, and a place beside it."""
    flow_run("two_flow")
    root = tmp_path / "stored"
    shutil.copytree(flows_root / ".metaflow" / "TwoFlow", root / ".metaflow" / "TwoFlow")
    (tmp_path / "place").mkdir()
    yield root
    for path in tmp_path.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o700)


@contextmanager
def _forbidden(path: Path) -> Iterator[None]:
    mode = path.stat().st_mode
    path.chmod(_FORBIDDEN)
    try:
        yield
    finally:
        path.chmod(mode)


def _run(stored: Path, *arguments: str) -> Finished:
    sandbox = Sandbox(stored.parent / "place", {"WANDB_ENTITY": "acme"})
    return sandbox.constrained_mfwb(
        _OBEYING, *arguments, "--metadata", metadata_of(stored), "--quiet"
    )


def test_what_may_not_be_read(stored: Path) -> None:
    """Folders of metadata, of a flow, of a flow run, and its record."""
    flow = stored / ".metaflow" / "TwoFlow"
    run = flow / (flow / "latest_run").read_text(encoding="utf-8")
    pathspec = f"TwoFlow/{run.name}"
    for path in (stored / ".metaflow", flow, run, run / "_meta" / "_self.json"):
        with _forbidden(path):
            for selected in (pathspec, "TwoFlow/latest"):
                done = _run(stored, "lineage", selected)

                assert done.code in (1, 2), (path, selected, done)
                assert "ermission" in done.err, (path, selected, done)
                assert "there is no" not in done.err
                assert done.err.count("\n") == 1


def test_what_may_not_be_written(stored: Path) -> None:
    """The folder of the ledger, and that of a bundle."""
    place = stored.parent / "place"
    offline = ("sync", "TwoFlow/latest", "--mode", "offline", "--dir")
    place.joinpath("state").mkdir()
    for path, bundle in ((place / "state", None), (place / "full", "full/bundle")):
        path.mkdir(exist_ok=True)
        with _forbidden(path):
            done = _run(
                stored, *(("plan", "TwoFlow/latest") if bundle is None else (*offline, bundle))
            )

            assert done.code in (1, 2), done
            assert "ermission denied" in done.err, done
            assert done.err.count("\n") == 1
