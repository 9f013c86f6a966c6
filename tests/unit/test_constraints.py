"""constraints.txt says one version of each package, for each Python and system."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.unit.pyproject import read_toml

ROOT = Path(__file__).parents[2]
LINES = [
    line
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    if line and not line.lstrip().startswith("#")
]
PINS = [Requirement(line) for line in LINES]
MACHINES = list(product(["3.10", "3.11", "3.12", "3.13"], ["linux", "darwin"]))


def direct() -> Iterator[Requirement]:
    """Yield what pyproject.toml names, for users and for `make setup`."""
    about = read_toml(ROOT / "pyproject.toml")
    groups: dict[str, list[Any]] = about["dependency-groups"]
    names = ["checks", "test", "examples"]
    for line in [
        *about["project"]["dependencies"],
        *(group for name in names for group in groups[name]),
    ]:
        yield Requirement(line)


def pinned_on(python: str, system: str) -> dict[str, list[str]]:
    """Return the versions of each package on a machine."""
    machine = {
        "python_version": python,
        "python_full_version": f"{python}.5",
        "sys_platform": system,
        "platform_system": {"linux": "Linux", "darwin": "Darwin"}[system],
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    result: dict[str, list[str]] = {}
    for pin in PINS:
        if pin.marker is None or pin.marker.evaluate(machine):
            (version,) = pin.specifier
            assert version.operator == "=="
            result.setdefault(canonicalize_name(pin.name), []).append(version.version)
    return result


@pytest.mark.parametrize(("python", "system"), MACHINES)
def test_one_version_of_each(python: str, system: str) -> None:
    """What `make setup` installs is said, and fits what pyproject.toml asks for."""
    pinned = pinned_on(python, system)

    assert [name for name, versions in pinned.items() if len(versions) != 1] == []
    for wanted in direct():
        if wanted.marker is None or wanted.marker.evaluate({"python_version": python}):
            (version,) = pinned[canonicalize_name(wanted.name)]
            assert wanted.specifier.contains(version, prereleases=True), wanted


def test_says_no_host() -> None:
    """Where packages come from is said elsewhere: pip's own settings know."""
    assert [line for line in LINES if "://" in line or line.startswith("-")] == []


def test_nothing_of_cuda() -> None:
    """torch, which is of some gigabytes on some systems, is no part of it."""
    names = {canonicalize_name(pin.name) for pin in PINS}

    assert not {name for name in names if name.startswith(("torch", "nvidia", "triton"))}
