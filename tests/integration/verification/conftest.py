"""W&B as a verification reads it, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from mfwb.config import load_settings
from mfwb.verification.connection import open_recorded
from mfwb.verification.recorded import Recorded
from tests.support.sandbox import Sandbox

OpenProject = Callable[..., AbstractContextManager[Recorded]]


@pytest.fixture
def recorded(online: Sandbox, monkeypatch: pytest.MonkeyPatch) -> OpenProject:
    """Return a function that opens a project of the stand-in, or of a bundle."""
    for name, value in online.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(online.root)

    @contextmanager
    def opened(project: str, bundle: Path | None = None, timeout: str = "5s") -> Iterator[Recorded]:
        where = {"mode": "offline", "dir": str(bundle)} if bundle else {}
        settings = load_settings({"project": project, "timeout": timeout, **where})
        with open_recorded(settings) as projects:
            yield projects.of("AnyFlow")

    return opened
