"""The versions of Python, Metaflow and wandb with which mfwb is known to work.

`make test-matrix` shows the ranges, and `pyproject.toml` has the lower ends, too. pip keeps to
them, but not all ways to install do (`--no-deps`, an image where another package chose), and mfwb
uses parts of both SDKs that are not public. Nothing here imports an SDK: the versions are read from
the metadata of the installed packages, which takes 2 ms.

The module `metaflow` comes from one of two packages: Netflix's `metaflow`, or Outerbounds' fork
`ob-metaflow`. They write the same files: seen with 2.19.39, the one that is installed last puts 19
of its own in place of the other's, and an uninstalled one takes the files of both.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder
from pathlib import Path
from typing import Final, Literal

__all__ = [
    "METAFLOW",
    "PYTHON",
    "WANDB",
    "InstalledPackage",
    "KnownVersions",
    "VersionProblem",
    "check_versions",
    "installed_metaflow",
    "installed_wandb",
    "metaflow_in_force",
]

Severity = Literal["refused", "warned"]


@dataclass(frozen=True)
class KnownVersions:
    """A range of versions, both ends included, that the matrix has shown to work."""

    name: str
    lowest: str
    newest: str
    packages: tuple[str, ...] = ()
    """The packages that bring it, of which one has to be installed."""

    def is_too_old(self, version: str) -> bool:
        """Return whether the version is below the range."""
        return _release(version) < _release(self.lowest)

    def is_newer(self, version: str) -> bool:
        """Return whether the version is above the range: it may work, but nobody has tried."""
        return _release(version) > _release(self.newest)


PYTHON: Final = KnownVersions("Python", "3.10", "3.13")
METAFLOW: Final = KnownVersions("metaflow", "2.14.0", "2.19.39", ("metaflow", "ob-metaflow"))
WANDB: Final = KnownVersions("wandb", "0.30.0", "0.31.0", ("wandb",))


@dataclass(frozen=True)
class InstalledPackage:
    """An installed package: its name in the registry, and its version."""

    name: str
    version: str


@dataclass(frozen=True)
class VersionProblem:
    """Something that is wrong with the versions, and what to do.

    `refused` means that mfwb can't work so; `warned` that it may, but nobody has tried.
    """

    severity: Severity
    package: str
    text: str
    """One line: what is wrong."""
    hint: str
    """One line: what to do."""


def installed_metaflow(path: Sequence[str] | None = None) -> tuple[InstalledPackage, ...]:
    """Return the packages that bring the module `metaflow`: none, one, or both by mistake.

    `path` are the folders to look in; without it, those of `sys.path`.
    """
    return tuple(_installed(METAFLOW, path))


def metaflow_in_force(path: Sequence[str] | None = None) -> InstalledPackage | None:
    """Return the package whose module `metaflow` is imported; None if that can't be known."""
    installed = installed_metaflow(path)
    if len(installed) < 2:  # noqa: PLR2004 - there is no choice
        return next(iter(installed), None)
    version = _version_of_files(path)
    return next((package for package in installed if package.version == version), None)


def installed_wandb(path: Sequence[str] | None = None) -> InstalledPackage | None:
    """Return the installed wandb, or None."""
    return next(_installed(WANDB, path), None)


def check_versions(
    path: Sequence[str] | None = None, python: tuple[int, ...] | None = None
) -> tuple[VersionProblem, ...]:
    """Return what is wrong with the installed versions, refusals first; empty if all is well."""
    python = sys.version_info[:2] if python is None else python[:2]
    problems = [
        *_of_version(PYTHON, InstalledPackage("python", ".".join(map(str, python)))),
        *_of_metaflow(path),
        *_of_wandb(path),
    ]
    return tuple(sorted(problems, key=lambda problem: problem.severity != "refused"))


def _of_metaflow(path: Sequence[str] | None) -> Iterator[VersionProblem]:
    installed = installed_metaflow(path)
    for package in installed:
        yield from _of_version(METAFLOW, package)
    if not _has_module("metaflow", path):
        yield _missing(METAFLOW, installed)
    if len(installed) > 1:
        names = " and ".join(f"{package.name} {package.version}" for package in installed)
        used = metaflow_in_force(path)
        result = "their files are mixed" if used is None else f"the files are those of {used.name}"
        yield VersionProblem(
            "warned",
            "ob-metaflow",
            f"{names} are both installed, which have the same files; {result}",
            "Uninstall both, then install the one that you need; docs/install.md tells how",
        )


def _of_wandb(path: Sequence[str] | None) -> Iterator[VersionProblem]:
    installed = installed_wandb(path)
    if installed is not None:
        yield from _of_version(WANDB, installed)
    if not _has_module("wandb", path):
        yield _missing(WANDB, () if installed is None else (installed,))


def _of_version(known: KnownVersions, installed: InstalledPackage) -> Iterator[VersionProblem]:
    name, version = installed.name, installed.version
    subject = f"{known.name if name == 'python' else name} {version}"
    if known.is_too_old(version):
        hint = (
            f"Install mfwb with Python {known.lowest} or newer"
            if name == "python"
            else f'Run: python -m pip install "{name}>={known.lowest}"'
        )
        text = f"{subject} is too old: mfwb needs {known.lowest} or newer"
        yield VersionProblem("refused", name, text, hint)
    elif known.is_newer(version):
        text = f"{subject} is newer than {known.newest}, the newest that mfwb was tested with"
        hint = f"Install a newer mfwb; or {known.name} {known.newest}, if something goes wrong"
        yield VersionProblem("warned", name, text, hint)


def _missing(known: KnownVersions, installed: Sequence[InstalledPackage]) -> VersionProblem:
    if not installed:
        hint = f'Run: python -m pip install "{known.name}>={known.lowest}"'
        return VersionProblem("refused", known.name, f"{known.name} is not installed", hint)
    name = installed[0].name
    text = f"{name} {installed[0].version} is installed, but its files are missing"
    hint = f"Run: python -m pip install --force-reinstall --no-deps {name}"
    return VersionProblem("refused", name, text, hint)


def _installed(known: KnownVersions, path: Sequence[str] | None) -> Iterator[InstalledPackage]:
    for name in known.packages:
        version = _version(name, path)
        if version is not None:
            yield InstalledPackage(name, version)


def _version(name: str, path: Sequence[str] | None) -> str | None:
    # `Distribution.version` parses the whole of the metadata, wandb's README with it.
    context = DistributionFinder.Context(name=name, path=sys.path if path is None else list(path))
    distributions = iter(MetadataPathFinder.find_distributions(context))
    distribution: Distribution | None = next(distributions, None)
    text = None if distribution is None else distribution.read_text("METADATA")
    line = re.search(r"^Version:[ \t]*(\S+)", text or "", re.MULTILINE)
    return None if line is None else line[1]


def _version_of_files(path: Sequence[str] | None) -> str | None:
    """Return what `metaflow/version.py` says, without running it."""
    spec = PathFinder.find_spec("metaflow", path)
    if spec is None or spec.origin is None:
        return None
    try:
        text = Path(spec.origin).with_name("version.py").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    line = re.search(r"""^metaflow_version\s*=\s*["']([^"']+)""", text, re.MULTILINE)
    return None if line is None else line[1]


def _has_module(name: str, path: Sequence[str] | None) -> bool:
    if path is None and name in sys.modules:
        return True
    spec = PathFinder.find_spec(name, path)
    # Without an origin it is a folder that an uninstalled package has left behind.
    return spec is not None and spec.origin is not None


def _release(version: str) -> tuple[int, ...]:
    """Return the first three numbers of a version: `(2, 19, 39)` of `2.19.39.1rc1`.

    The fork numbers its releases with a fourth; a missing one is zero.
    """
    numbers = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    parts = [] if numbers is None else [int(number) for number in numbers[0].split(".")]
    return (*parts, 0, 0, 0)[:3]
