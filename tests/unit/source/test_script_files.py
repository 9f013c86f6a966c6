"""Source of a flow at the path in the graph, with the modules that it imports from its folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mfwb.source.script_files import read_script


def lay_out(root: Path, **files: str) -> Path:
    """Write files, `a__b` being a/b.py, and return the one called flow."""
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root / "flow.py"


def test_a_script_and_what_it_imports(tmp_path: Path) -> None:
    """All kinds of imports are followed, through several files; no other files, no libraries."""
    script = lay_out(
        tmp_path,
        flow="import helpers\nfrom package.steps import Base\nfrom package import other\nimport os",
        helpers="import deeper as d",
        deeper="",
        unrelated="",
        package__init="",
        package__steps="from . import near\nfrom .nearer import x\nfrom .. import too_far",
        package__near="",
        package__nearer="",
        package__other="import package.by_full_name",
        package__by_full_name="",
    )
    (tmp_path / "package" / "init.py").rename(tmp_path / "package" / "__init__.py")

    code = read_script(script)

    assert (code.script, code.origin) == ("flow.py", "file")
    assert set(code.files) == {
        "flow.py",
        "helpers.py",
        "deeper.py",
        "package/__init__.py",
        "package/steps.py",
        "package/near.py",
        "package/nearer.py",
        "package/other.py",
        "package/by_full_name.py",
    }


def test_when_it_was_written(tmp_path: Path) -> None:
    """The newest file counts."""
    script = lay_out(tmp_path, flow="import helpers", helpers="")
    os.utime(script, (1_000, 1_000))
    os.utime(tmp_path / "helpers.py", (2_000, 2_000))

    code = read_script(script)

    assert code.changed_at == 2_000_000


def test_an_encoding_of_its_own(tmp_path: Path) -> None:
    """A file declares its own encoding."""
    script = tmp_path / "flow.py"
    script.write_bytes("# coding: latin-1\nname = 'grün'\n".encode("latin-1"))

    code = read_script(script)

    assert "grün" in code.files["flow.py"]


@pytest.mark.parametrize("name", ["gone.py", "folder.py", "binary.py", "text.txt", "large.py"])
def test_what_can_not_be_had_is_said(tmp_path: Path, name: str) -> None:
    """Missing, a folder, not a text, not a Python file, too large."""
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "text.txt").write_text("x = 1")
    (tmp_path / "large.py").write_text("#" * 1_000_001)

    with pytest.raises((OSError, ValueError), match=name):
        read_script(tmp_path / name)


def test_a_file_that_imports_itself(tmp_path: Path) -> None:
    """Cyclic imports end, and a file that can't be parsed is kept."""
    script = lay_out(tmp_path, flow="import a", a="import flow, b", b="def (:")

    code = read_script(script)

    assert set(code.files) == {"flow.py", "a.py", "b.py"}


def test_no_link_out_of_the_folder_is_followed(tmp_path: Path) -> None:
    """Links out of the folder are not followed, for the script and its imports; others are."""
    secret = tmp_path / "secret.py"
    secret.write_text("key = 1")
    folder = tmp_path / "flows"
    script = lay_out(folder, flow="import stolen, near", real="x = 1")
    (folder / "stolen.py").symlink_to(secret)
    (folder / "near.py").symlink_to("real.py")
    (folder / "linked.py").symlink_to(secret)

    assert set(read_script(script).files) == {"flow.py", "near.py"}
    with pytest.raises(OSError, match="leads out"):
        read_script(folder / "linked.py")


def test_only_files_are_read(tmp_path: Path) -> None:
    """Reading a pipe would wait for ever."""
    script = lay_out(tmp_path, flow="import pipe")
    os.mkfifo(tmp_path / "pipe.py")

    assert set(read_script(script).files) == {"flow.py"}
    with pytest.raises(OSError, match="is not a file"):
        read_script(tmp_path / "pipe.py")


@pytest.mark.parametrize("codec", ["zip", "punycode", "idna", "rot13", "unicode_escape", "utf-7"])
def test_codecs_that_are_more_than_letters(tmp_path: Path, codec: str) -> None:
    """Special codecs are not run, however they are declared."""
    script = tmp_path / "flow.py"
    script.write_text(f"#!/usr/bin/python\n# -*- coding: {codec} -*-\n" + "a" * 400_000)

    with pytest.raises(ValueError, match="which mfwb does not read"):
        read_script(script)


@pytest.mark.parametrize("codec", ["utf-8", "utf_8", "UTF8", "ascii", "cp1252", "iso-8859-15"])
def test_encodings_of_letters(tmp_path: Path, codec: str) -> None:
    """They are read, with any line ends."""
    script = tmp_path / "flow.py"
    script.write_bytes(f"# vim: set fileencoding={codec} :\r\nx = 1\r\n".encode())

    assert read_script(script).files["flow.py"].splitlines()[1] == "x = 1"


@pytest.mark.parametrize(
    "text",
    [
        "import " + "a." * 60_000 + "a",
        "from a import " + ", ".join(f"n{i}" for i in range(100_000)),
        "from " + "." * 900_000 + " import a",
        "x = " + "-" * 500_000 + "1",
        "x\0y",
    ],
    ids=["a dotted name", "many names", "many dots", "deep", "a NUL"],
)
def test_imports_without_an_end(tmp_path: Path, text: str) -> None:
    """The number of searched paths has a limit."""
    script = lay_out(tmp_path, flow=text)

    assert set(read_script(script).files) == {"flow.py"}
