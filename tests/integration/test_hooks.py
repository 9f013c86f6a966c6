"""`@exit_hook(on_success=["mfwb.hooks.sync"])` of a real flow, offline into a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.sandbox import FLOWS, Finished, Sandbox
from tests.support.versions import since

pytestmark = since("metaflow", "2.16", "it has `@exit_hook`")


_REPOSITORY = str(Path(__file__).parents[2])


@dataclass(frozen=True)
class Hooked:
    """A flow run that called the hook."""

    sandbox: Sandbox
    flow: Finished
    pathspec: str

    @property
    def bundled(self) -> int:
        """How many W&B runs the bundle holds."""
        return len(list((self.sandbox.root / "bundle").rglob("run-*.wandb")))

    def hook(self, pathspec: str, **environment: str) -> Finished:
        """Call the hook once more, by the program with which Metaflow does."""
        metaflow = find_spec("metaflow")
        assert metaflow is not None
        assert metaflow.origin is not None
        script = Path(metaflow.origin).with_name("plugins") / "exit_hook" / "exit_hook_script.py"
        arguments = (str(FLOWS / "hooked_flow.py"), "mfwb.hooks.sync", pathspec)
        return self.sandbox.script(script, *arguments, PYTHONPATH=_REPOSITORY, **environment)


def _hooked(root: Path, *arguments: str) -> Hooked:
    sandbox = Sandbox(root)
    (root / "mfwb.toml").write_text(
        'mode = "offline"\ndir = "bundle"\nentity = "acme"\n', encoding="utf-8"
    )
    flow = sandbox.flow("hooked_flow", "run", "--run-id-file", "id.txt", *arguments)
    return Hooked(sandbox, flow, f"HookedFlow/{(root / 'id.txt').read_text(encoding='utf-8')}")


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Hooked:
    """Return a flow run that ended well."""
    return _hooked(tmp_path_factory.mktemp("hooked"))


def test_on_success(hooked: Hooked) -> None:
    """The flow run is synced by the settings of its folder, and a line says so."""
    assert hooked.flow.code == 0, hooked.flow.err
    assert f"mfwb: {hooked.pathspec} synced: 2 W&B runs in acme/HookedFlow\n" in hooked.flow.out
    assert "mfwb:" not in hooked.flow.err
    assert hooked.bundled == 2


def test_on_error(tmp_path: Path) -> None:
    """A flow run that failed is over, too; it fails as it does without a hook."""
    hooked = _hooked(tmp_path, "--fail", "true")

    assert hooked.flow.code == 1
    assert f"mfwb: {hooked.pathspec} synced: 2 W&B runs in acme/HookedFlow\n" in hooked.flow.out
    assert hooked.bundled == 2


def test_where_the_flow_ran(hooked: Hooked) -> None:
    """The flow run is read where the hook is, whoever calls it and whatever settings say."""
    elsewhere = f"local@{hooked.sandbox.root}/nowhere"

    done = hooked.hook(hooked.pathspec, MFWB_METADATA=elsewhere, METAFLOW_USER="else")

    assert (done.code, done.out) == (
        0,
        f"mfwb: {hooked.pathspec} unchanged: 2 W&B runs in acme/HookedFlow\n",
    ), done.err


def test_a_flow_run_that_metaflow_does_not_find(hooked: Hooked) -> None:
    """It says what to do, and does not fail."""
    done = hooked.hook("HookedFlow/1")

    assert done.code == 0
    assert done.out == "Run('HookedFlow/1') does not exist\n"  # Metaflow's own word
    [reported] = done.err.splitlines()
    assert reported.startswith("mfwb: Metaflow did not find the flow run")
    assert "METAFLOW_DEFAULT_METADATA" in reported


def test_what_cannot_be_synced(hooked: Hooked) -> None:
    """Settings that are wrong are one line on stderr, and no failure."""
    done = hooked.hook(hooked.pathspec, MFWB_GRANULARITY="run")

    assert (done.code, done.out) == (0, "")
    [reported] = done.err.splitlines()
    assert reported.startswith(f"mfwb: {hooked.pathspec} is not synced: the MFWB_* variables")
