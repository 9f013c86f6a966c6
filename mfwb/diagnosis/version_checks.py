"""Checks of the versions of Python and of both SDKs."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from mfwb.diagnosis.check import Check, failed, passed, warned
from mfwb.known_versions import VersionProblem, check_versions, installed_metaflow, installed_wandb
from mfwb.version import __version__

__all__ = ["check_installed"]

_GROUP = "Versions"
_BOTH = "metaflow and ob-metaflow"


def check_installed() -> Iterator[Check]:
    """Yield a check of each version that matters."""
    yield passed(_GROUP, "mfwb", __version__)
    problems = list(check_versions())
    installed = {"python": platform.python_version()}
    installed |= {package.name: package.version for package in installed_metaflow()}
    wandb = installed_wandb()
    if wandb is not None:
        installed[wandb.name] = wandb.version
    for name, version in installed.items():
        own = [problem for problem in problems if problem.package == name]
        if not own or _is_about_both(own[0]):
            yield passed(_GROUP, name, f"{version}, known to work")
    for problem in problems:
        yield _to_check(problem)


def _is_about_both(problem: VersionProblem) -> bool:
    return problem.severity == "warned" and " both " in problem.text


def _to_check(problem: VersionProblem) -> Check:
    name = _BOTH if _is_about_both(problem) else problem.package
    if problem.severity == "refused":
        return failed(_GROUP, name, problem.text, problem.hint)
    return warned(_GROUP, name, problem.text, problem.hint)
