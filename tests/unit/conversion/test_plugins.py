"""Converters of other packages, installed below a folder of the test."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mfwb.config import Plugin
from mfwb.conversion.plugins import convert_with, find_plugins
from mfwb.errors import UsageError

CONVERTER = """
types = ("mylib.Table", "mylib.io.*")
kind = "dataset"
safe = True

def convert(pickle, folder):
    (folder / "size.txt").write_text(str(pickle.stat().st_size))
"""


def install(
    folder: Path, name: str = "mine", code: str = CONVERTER, *, at: str = "", package: str = ""
) -> None:
    """Put a package with one converter into a folder, as installers do."""
    module = f"{package or name}_for_mfwb"
    (folder / f"{module}.py").write_text(code, encoding="utf-8")
    about = folder / f"{package or name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: {package or name}\nVersion: 1.0\n", encoding="utf-8")
    entry = f"[mfwb.payloads]\n{name} = {module}{at}\n"
    (about / "entry_points.txt").write_text(entry, encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder whose packages count as installed; what is imported is forgotten later."""
    known = set(sys.modules)
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_none() -> None:
    """Where no package has a converter, there is none."""
    assert find_plugins() == ()


def test_what_converters_say_of_themselves(site: Path) -> None:
    """Modules, classes and objects all do; who does not say to be safe is not."""
    install(site)
    code = "class Nets:\n    types = ['nets.Net']\n    kind = 'model'\n    convert = print\n"
    install(site, "a.nets", f"{code}\nnets = Nets()\n", at=":nets", package="nets")

    assert find_plugins() == (
        Plugin(name="a.nets", types=("nets.Net",), kind="model", safe=False),
        Plugin(name="mine", types=("mylib.Table", "mylib.io.*"), kind="dataset", safe=True),
    )


def test_one_package_in_two_places(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that is found twice has one converter."""
    install(site)
    again = tmp_path / "again"
    again.mkdir()
    install(again)
    monkeypatch.syspath_prepend(again)

    assert [plugin.name for plugin in find_plugins()] == ["mine"]


@pytest.mark.parametrize(
    ("code", "at", "why"),
    [
        ("import there_is_no_such_thing", "", "ModuleNotFoundError: No module named"),
        ("1 / 0", "", "ZeroDivisionError: division by zero"),
        ("x = 1", ":y", "AttributeError: "),
        ("types = ()\nkind = 'model'", "", "it has no function `convert`"),
        ("kind = 'model'\ndef convert(): ...", "", "types: Field required"),
        (
            "types = ('a',)\nkind = 'value'\ndef convert(): ...",
            "",
            "kind: Input should be 'dataset', 'model' or 'other'",
        ),
        (f"{CONVERTER}\ntypes = 'mylib.Table'", "", "types: Input should be a valid tuple"),
        (f"{CONVERTER}\nsafe = 'perhaps'", "", "safe: Input should be a valid boolean"),
    ],
)
def test_useless_converter(site: Path, code: str, at: str, why: str) -> None:
    """A converter that can't be used is named, with its package and what is wrong with it."""
    install(site, code=code, at=at)

    with pytest.raises(UsageError) as caught:
        find_plugins()

    reported = str(caught.value)
    assert reported.startswith(
        f"the converter mine of mine (mine_for_mfwb{at}) can't be used: {why}"
    )
    assert reported.endswith("Fix or uninstall it")


def test_two_of_one_name(site: Path) -> None:
    """Two packages can't have a converter of the same name: which one would it be?"""
    install(site)
    install(site, package="theirs")

    with pytest.raises(UsageError, match="mine_for_mfwb has the same name"):
        find_plugins()


def test_convert(site: Path, tmp_path: Path) -> None:
    """The converter of that name is given the pickle and the folder."""
    install(site)
    source, folder = tmp_path / "x.pkl", tmp_path / "files"
    source.write_bytes(pickle.dumps([1, 2]))
    folder.mkdir()

    convert_with("mine", source, folder)

    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "size.txt": str(source.stat().st_size)
    }


def test_convert_without_converter(tmp_path: Path) -> None:
    """A name that leads nowhere is an error, not an empty folder."""
    with pytest.raises(LookupError, match="there is no converter gone"):
        convert_with("gone", tmp_path / "x.pkl", tmp_path)


def test_what_a_converter_raises(site: Path, tmp_path: Path) -> None:
    """What went wrong in a converter is the caller's to hear."""
    install(site, code=f"{CONVERTER}\ndef convert(pickle, folder):\n    raise KeyError('no')\n")

    with pytest.raises(KeyError, match="no"):
        convert_with("mine", tmp_path / "x.pkl", tmp_path)


def python(code: str, path: Path) -> str:
    """Return what a Python of its own prints; it finds modules in a folder, too."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(path)},
    )
    return done.stdout


def test_help_imports_no_converter(tmp_path: Path) -> None:
    """Who asks for help waits for nobody's package."""
    install(tmp_path, code="raise SystemExit('imported')")
    code = """
import sys
from click.testing import CliRunner
from mfwb.cli.app import mfwb
CliRunner().invoke(mfwb, ["sync", "--help"])
print("mfwb.conversion.plugins" in sys.modules, "mine_for_mfwb" in sys.modules)
"""

    assert python(code, tmp_path) == "False False\n"


def test_nothing_is_imported_for_nothing(tmp_path: Path) -> None:
    """Without a converter, looking for one imports at most parts of Python."""
    code = """
import json, sys
import mfwb.conversion.plugins as plugins
before = set(sys.modules)
plugins.find_plugins()
new = {name.split(".")[0] for name in set(sys.modules) - before}
print(json.dumps(sorted(new - set(sys.stdlib_module_names))))
"""

    assert json.loads(python(code, tmp_path)) == []
