"""Code packages of real flow runs: read as Metaflow made them, and after somebody changed them."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox import Sandbox
from tests.support.versions import since
from tests.unit.source.tars import FLOW, NEW, member, packed

pytestmark = since("metaflow", "2.16", "a local flow run can have a code package")

SCRIPT = Path(__file__).parents[2] / "flows" / "shapes" / "from_package" / "from_package.py"
READ = "4 steps, 4 tasks, 6 artifacts made; 5 edges: 4 read, 1 parameter"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a real flow run with a code package; it ran elsewhere."""
    root = tmp_path_factory.mktemp("packaged")
    shutil.copytree(SCRIPT.parent, root / "source")
    sandbox = Sandbox(root, {"METAFLOW_FEAT_ALWAYS_UPLOAD_CODE_PACKAGE": "1"})
    script = str(root / "source" / SCRIPT.name)
    finished = sandbox.script(script, "--quiet", "run")
    assert finished.code == 0, finished.err
    shutil.rmtree(root / "source")
    return root.rename(root.with_name("moved"))


@pytest.fixture
def theirs(made: Path, tmp_path: Path) -> Theirs:
    """Return a copy of the flow run's datastore, to be changed."""
    shutil.copytree(made / ".metaflow", tmp_path / ".metaflow")
    return Theirs(tmp_path)


class Theirs:
    """A flow run whose code package somebody else may write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sandbox = Sandbox(root)
        self.flow = root / ".metaflow" / "FromPackage"
        self.pathspec = f"FromPackage/{(self.flow / 'latest_run').read_text()}"

    def record(self, **changes: Any) -> dict[str, Any]:
        """Change the record of the package in each task, and return what it was."""
        before: dict[str, Any] = {}
        for path in self.flow.rglob("*_code-package_*.json"):
            record = json.loads(path.read_text())
            before = json.loads(record["value"])
            record["value"] = json.dumps(before | changes)
            path.write_text(json.dumps(record))
        assert before
        return before

    def package(self, data: bytes) -> None:
        """Put another package in the place of theirs."""
        sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        blob = self.flow / "data" / sha[:2] / sha
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(data)
        blob.with_name(f"{sha}_meta").write_text('{"cas_raw": true, "cas_version": 1}')
        self.record(sha=sha)

    def lineage(self) -> str:
        """Return what is said of its lineage."""
        done = self.sandbox.mfwb("lineage", self.pathspec)
        assert done.code == 0, done.err
        return " ".join(done.out.split())


def test_as_metaflow_made_it(theirs: Theirs) -> None:
    """All steps are known, from several files, and Metaflow's own are not among them."""
    record = theirs.record()
    data = (theirs.flow / "data" / record["sha"][:2] / record["sha"]).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = archive.getnames()

    assert set(record) == {"sha", "location", "ds_type", "metadata"}
    assert json.loads(record["metadata"])["mfcontent_version"] == 1
    assert {"from_package.py", "parts/base.py"} <= set(names)
    assert ".mf_code/metaflow/__init__.py" in names[: names.index(".mf_install")]
    assert ".mf_meta/INFO" in names[: names.index("from_package.py")]
    assert READ in theirs.lineage()


def test_nothing_is_extracted(theirs: Theirs) -> None:
    """Names that lead elsewhere, a link and a file through it: no file comes to be anywhere."""
    external = theirs.root / "outside"
    external.mkdir()
    theirs.package(
        packed(
            *NEW,
            member("../" * 9 + f"{external}/above.py", b"bad"),
            member(f"{external}/absolute.py", b"bad"),
            member("out", type=tarfile.SYMTYPE, linkname=str(external)),
            member("out/through.py", b"bad"),
            member("flow.py", FLOW),
        )
    )

    for command in ("lineage", "plan"):
        done = theirs.sandbox.mfwb(command, theirs.pathspec)
        assert done.code == 0, done.err

    assert list(external.iterdir()) == []
    assert list(theirs.root.rglob("through.py")) == []
    assert "there is no class FromPackage in flow.py" in theirs.lineage()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sha": "0" * 40}, "its code package can't be read: its bytes are gone"),
        ({"ds_type": "s3"}, "it is in another datastore (s3) than the artifacts"),
        ({"metadata": '{"archive_format": "zip"}'}, "it is not a gzipped tar but 'zip'"),
        ({"metadata": None}, "its source can't be read"),
        ({"sha": "../../../../../../etc/passwd"}, "its source can't be read"),
        ({"location": "/etc/passwd"}, ""),
    ],
    ids=["gone", "elsewhere", "another format", "no metadata", "a path", "location"],
)
def test_records_that_somebody_changed(
    theirs: Theirs, changes: dict[str, Any], reason: str
) -> None:
    """One reason, the flow run itself is read; where the record says it lies does not matter."""
    theirs.record(**changes)

    assert (reason or READ) in theirs.lineage()


def test_a_package_that_is_not_what_its_sha_says(theirs: Theirs) -> None:
    """It is not used."""
    sha = theirs.record()["sha"]
    blob = theirs.flow / "data" / sha[:2] / sha
    blob.write_bytes(blob.read_bytes() + b" ")

    assert "don't have the recorded sha1" in theirs.lineage()
