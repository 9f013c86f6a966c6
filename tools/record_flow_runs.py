"""Run a flow with each minor version of Metaflow since 2.9, and store the flow runs.

`make old-flow-runs` calls this. Tests read the archive that it writes with the Metaflow that they
have: `tests/integration/test_old_flow_runs.py`. In the archive is a folder for each version, with
what that version wrote, but for two things: `@ROOT@` is where it was written, and the HTML of cards
is cut to a line, since it has hundreds of kilobytes that say nothing of the flow run.
"""

from __future__ import annotations

import io
import lzma
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tools.venvs import ROOT, make_venv, run_uv

PYTHONS = {
    "2.9.0": "3.8",
    "2.10.0": "3.8",
    "2.11.16": "3.8",
    "2.12.0": "3.10",
    "2.13": "3.10",
    "2.14.0": "3.10",
    "2.15.0": "3.10",
    "2.16.0": "3.10",
    "2.17.0": "3.10",
    "2.18.0": "3.10",
    "2.19.0": "3.10",
}
"""The versions of Metaflow, each with a version of Python of its time."""

ARCHIVE = ROOT / "tests" / "data" / "old_flow_runs.tar.xz"
FLOW = ROOT / "tests" / "flows" / "recorded_flow.py"
CARD = b"<p>cut</p>\n"


def main() -> int:
    """Write the archive anew."""
    with tempfile.TemporaryDirectory(prefix="mfwb-") as name:
        folder = Path(name)
        for version, python in PYTHONS.items():
            sys.stderr.write(f"metaflow {version}\n")
            record(version, python, folder / version)
        ARCHIVE.write_bytes(packed(folder))
    sys.stderr.write(f"{ARCHIVE.relative_to(ROOT)}: {ARCHIVE.stat().st_size} bytes\n")
    return 0


def record(version: str, python: str, root: Path) -> None:
    """Run the flow with a version of Metaflow, with `root` as its datastore."""
    root.mkdir()
    program = make_venv(ROOT / ".venv-old", python)
    # Metaflow imported setuptools without requiring it until 2.10.
    run_uv("pip", "install", "--python", str(program), f"metaflow=={version}", "setuptools")
    script = root / FLOW.name  # its path is in tracebacks that the flow run keeps
    script.write_bytes(FLOW.read_bytes())
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "LC_ALL": "C.UTF-8",
        "METAFLOW_USER": "tester",
        "METAFLOW_HOME": str(root / "metaflowconfig"),
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(root),
    }
    command = [str(program), str(script), "--quiet", "run", "--tag", "recorded"]
    subprocess.run(command, cwd=root, env=environment, check=True)


def packed(folder: Path) -> bytes:
    """Return the datastores of all versions as an archive that depends on nothing else."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for path in sorted(folder.glob("*/.metaflow/**/*")):
            if path.is_file():
                root = folder / path.relative_to(folder).parts[0]
                content = without_place(path, root)
                entry = tarfile.TarInfo(str(path.relative_to(folder)))
                entry.size = len(content)
                entry.mtime = int(path.stat().st_mtime)
                archive.addfile(entry, io.BytesIO(content))
    return lzma.compress(written.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def without_place(path: Path, root: Path) -> bytes:
    """Return the content of a file, without the path of its datastore."""
    if path.suffix == ".html":
        return CARD
    content = path.read_bytes()
    return content.replace(str(root).encode(), b"@ROOT@") if path.suffix == ".json" else content


if __name__ == "__main__":
    sys.exit(main())
