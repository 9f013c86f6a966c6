"""Which installed versions are refused, which are warned of, and what is read of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mfwb.known_versions import (
    METAFLOW,
    PYTHON,
    WANDB,
    InstalledPackage,
    KnownVersions,
    check_versions,
    installed_metaflow,
    installed_wandb,
    metaflow_in_force,
)
from tests.unit.pyproject import read_toml

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
MODULES = {"metaflow": "metaflow", "ob-metaflow": "metaflow", "wandb": "wandb"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder for packages, with a metaflow and a wandb that work."""
    install(tmp_path, "metaflow", METAFLOW.newest)
    install(tmp_path, "wandb", WANDB.newest)
    return tmp_path


def install(site: Path, package: str, version: str) -> None:
    """Write what an installation of this version leaves, as far as anybody looks at it."""
    module = site / MODULES[package]
    module.mkdir(exist_ok=True)
    (module / "__init__.py").write_text("raise AssertionError('imported')\n")
    for old in site.glob(f"{package.replace('-', '_')}-*.dist-info"):
        (old / "METADATA").unlink()
        old.rmdir()
    folder = site / f"{package.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: {package}\nVersion: {version}\n\nVersion: 9\n"
    )


def texts(site: Path, python: tuple[int, ...] = (3, 12, 1)) -> list[str]:
    """Return the problems as lines."""
    problems = check_versions([str(site)], python)
    return [f"{problem.severity} {problem.package}: {problem.text}" for problem in problems]


def test_known_versions_are_no_problem(site: Path) -> None:
    """Neither end of a range is."""
    assert texts(site) == []

    install(site, "metaflow", METAFLOW.lowest)
    install(site, "wandb", WANDB.lowest)
    for python in ((3, 10, 0), (3, 13, 9)):
        assert texts(site, python) == []


def test_too_old_ones_are_refused(site: Path) -> None:
    """A refusal comes before a warning, whatever they are about."""
    install(site, "metaflow", "3.0")
    install(site, "wandb", "0.29.9")
    tested = "the newest that mfwb was tested with"

    assert texts(site, (3, 9, 18)) == [
        "refused python: Python 3.9 is too old: mfwb needs 3.10 or newer",
        f"refused wandb: wandb 0.29.9 is too old: mfwb needs {WANDB.lowest} or newer",
        f"warned metaflow: metaflow 3.0 is newer than {METAFLOW.newest}, {tested}",
    ]
    hints = [problem.hint for problem in check_versions([str(site)], (3, 9))]
    assert hints == [
        "Install mfwb with Python 3.10 or newer",
        f'Run: python -m pip install "wandb>={WANDB.lowest}"',
        f"Install a newer mfwb; or metaflow {METAFLOW.newest}, if something goes wrong",
    ]


def test_a_newer_python_is_warned_of(site: Path) -> None:
    """Its own version is compared, not that of a patch."""
    assert texts(site, (3, 99, 1)) == [
        "warned python: Python 3.99 is newer than 3.13, the newest that mfwb was tested with"
    ]


@pytest.mark.parametrize(
    ("version", "old", "new"),
    [
        ("2.12", False, False),
        ("2.12.0", False, False),
        ("2.12.0.post1", False, False),
        ("2.9.15", True, False),
        ("2.11.16", True, False),
        ("2.100.1", False, True),
        ("2.20.0rc1", False, True),
        ("2.19", False, False),
        ("2.19.39.1", False, False),
        ("2.19.40", False, True),
        ("unknown", True, False),
    ],
)
def test_versions_are_compared_as_numbers(version: str, *, old: bool, new: bool) -> None:
    """Not as text, and a zero at the end means nothing."""
    known = KnownVersions("metaflow", "2.12.0", "2.19.39")

    assert (known.is_too_old(version), known.is_newer(version)) == (old, new)


def test_the_fork_alone_is_as_good(site: Path) -> None:
    """Outerbounds numbers its releases after Netflix's."""
    for path in site.glob("metaflow-*"):
        (path / "METADATA").unlink()
        path.rmdir()
    install(site, "ob-metaflow", METAFLOW.lowest + ".1")

    assert installed_metaflow([str(site)]) == (
        InstalledPackage("ob-metaflow", METAFLOW.lowest + ".1"),
    )
    assert texts(site) == []

    install(site, "ob-metaflow", "2.11.16.1")
    assert texts(site)[0].startswith("refused ob-metaflow: ob-metaflow 2.11.16.1 is too old")


@pytest.mark.parametrize("last", ["metaflow", "ob-metaflow", "neither"])
def test_both_at_once_are_noticed(last: str, site: Path) -> None:
    """They bring the same files, of which those that were written last are imported."""
    versions = {"metaflow": METAFLOW.newest, "ob-metaflow": f"{METAFLOW.newest}.1"}
    install(site, "ob-metaflow", versions["ob-metaflow"])
    written = f'metaflow_version = "{versions.get(last, "9.9.9")}"\n'
    (site / "metaflow" / "version.py").write_text(written)

    assert [item.name for item in installed_metaflow([str(site)])] == ["metaflow", "ob-metaflow"]
    used = metaflow_in_force([str(site)])
    assert (used and used.name) == (None if last == "neither" else last)
    (text,) = texts(site)
    assert text.startswith(f"warned ob-metaflow: metaflow {METAFLOW.newest} and ob-metaflow ")
    assert text.endswith("mixed" if last == "neither" else f"; the files are those of {last}")


def test_one_alone_is_in_force(site: Path) -> None:
    """Its files are not looked at; without any, nothing is in force."""
    assert metaflow_in_force([str(site)]) == InstalledPackage("metaflow", METAFLOW.newest)
    assert metaflow_in_force([str(site / "metaflow")]) is None


def test_a_package_whose_files_are_gone_is_refused(site: Path) -> None:
    """One of the two was uninstalled, which took the files of the other, too."""
    (site / "metaflow" / "__init__.py").unlink()

    (text,) = texts(site)
    assert text.startswith(f"refused metaflow: metaflow {METAFLOW.newest} is installed, but its ")


def test_what_is_not_installed_is_refused(tmp_path: Path) -> None:
    """Neither SDK comes without a word."""
    assert installed_wandb([str(tmp_path)]) is None
    assert texts(tmp_path) == [
        "refused metaflow: metaflow is not installed",
        "refused wandb: wandb is not installed",
    ]


def test_a_source_tree_has_no_version(site: Path) -> None:
    """A module on the path that no package brought can't be compared, and is no problem."""
    for path in site.glob("*.dist-info"):
        (path / "METADATA").unlink()
        path.rmdir()

    assert installed_metaflow([str(site)]) == ()
    assert texts(site) == []


def test_no_sdk_is_imported() -> None:
    """Every command begins with this check."""
    code = (
        "import sys; from mfwb.known_versions import check_versions; print(check_versions()); "
        "print(sorted({'metaflow', 'wandb', 'email.parser'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.splitlines()[1] == "[]"


def test_the_lower_ends_are_those_of_pyproject() -> None:
    """Mfwb refuses what pip refuses."""
    project = read_toml(PYPROJECT)["project"]
    wanted = {f"{item.name}>={item.lowest.removesuffix('.0')}" for item in (METAFLOW, WANDB)}

    assert wanted <= set(project["dependencies"])
    assert project["requires-python"] == f">={PYTHON.lowest}"
    newest = f"Programming Language :: Python :: {PYTHON.newest}"
    assert [item for item in project["classifiers"] if ":: 3." in item][-1] == newest
