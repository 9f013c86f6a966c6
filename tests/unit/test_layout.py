"""Where a unit test lies: at the mirrored path of the module that it is about."""

from __future__ import annotations

from pathlib import Path

import mfwb

UNIT = Path(__file__).parent
PACKAGE = Path(mfwb.__file__).parent

OF_NO_SINGLE_MODULE = {
    "constraints": "of constraints.txt",
    "docs": "of docs/ and the files beside it",
    "glossary": "of all names in mfwb/",
    "explaining": "of pipeline and report, together",
    "grouping": "of planning and report, together",
    "layout": "of the tests themselves",
    "one_bad_flow_run": "of the whole pipeline",
    "digests": "of ids, fingerprints and digests, which stay as they are",
    "private_parts": "of what mfwb uses of the SDKs that is not public",
    "matrix": "of tools/matrix.py",
    "one_home": "of rules that have one home",
    "one_home_of_destinations": "the same",
    "one_home_of_selections": "the same",
    "one_home_of_stories": "the same",
    "public_names": "of mfwb/__init__.py",
    "release": "of tools/release.py",
    "selection": "of tests/support/selection.py",
    "troubleshooting": "of docs/troubleshooting.md",
    "truth": "of tests/support/truth, which lineage is compared with",
    "turns": "of the whole pipeline",
    "workflows": "of .github/workflows",
    "xdist_groups": "of tests/conftest.py",
    "wrong_values": "of the settings, wherever they come from",
}
"""Tests in the top folder that have no module, with what they are about."""


def _tests() -> set[str]:
    return {
        path.relative_to(UNIT).with_name(path.stem.removeprefix("test_")).as_posix()
        for path in UNIT.rglob("test_*.py")
    }


def _has_a_module(path: str) -> bool:
    return (PACKAGE / f"{path}.py").is_file() or (PACKAGE / path / "__init__.py").is_file()


def test_each_test_is_where_its_module_is() -> None:
    """`tests/unit/X/test_Y.py` is about `mfwb/X/Y.py`, or the package `mfwb/X/Y`."""
    elsewhere = {test for test in _tests() if not _has_a_module(test)}

    assert sorted(elsewhere - OF_NO_SINGLE_MODULE.keys()) == []


def test_no_exception_has_a_module() -> None:
    """Who makes the module of an excepted test, takes the exception away."""
    assert sorted(item for item in OF_NO_SINGLE_MODULE if _has_a_module(item)) == []
