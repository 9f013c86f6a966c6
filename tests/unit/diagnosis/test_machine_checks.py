"""Checks of this machine, with other disks and limits than it has."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest

from mfwb.diagnosis.check import CheckStatus
from mfwb.diagnosis.machine_checks import check_disk, check_limits, check_proxies

_NONE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("free", "status", "shown"),
    [
        (50 * 10**9, CheckStatus.PASSED, "50.0 GB"),
        (1_500_000_000, CheckStatus.WARNED, "1.5 GB"),
        (20_000_000, CheckStatus.FAILED, "20.0 MB"),
        (0, CheckStatus.FAILED, "0 bytes"),
    ],
)
def test_disk(tmp_path: Path, free: int, status: CheckStatus, shown: str) -> None:
    """A folder that does not exist yet counts where it will be made; it is not made."""
    folder = tmp_path / "not" / "yet"

    [check] = check_disk({"state": folder}, free_of=lambda path: free if path == tmp_path else -1)

    assert (check.status, check.name) == (status, "disk: state")
    assert check.detail == f"{shown} free at {tmp_path}"
    assert (check.exit_code == 2) is (status is CheckStatus.FAILED)
    assert not folder.parent.exists()


def test_disk_with_an_error(tmp_path: Path) -> None:
    """It fails for this folder; the others are checked."""

    def free_of(path: Path) -> int:
        if path.name == "broken":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return 10**12

    (tmp_path / "broken").mkdir()
    checks = [*check_disk({"a": tmp_path / "broken", "b": tmp_path}, free_of=free_of)]

    assert [check.status for check in checks] == [CheckStatus.FAILED, CheckStatus.PASSED]
    assert "Input/output error" in checks[0].detail


@pytest.mark.parametrize(
    ("files", "processes", "space", "statuses"),
    [
        (1024, 4096, _NONE, "passed passed passed"),
        (_NONE, _NONE, 64 * 10**9, "passed passed passed"),
        (195, 511, 4 * 10**9, "failed warned warned"),
        (196, 512, 8 * 10**9, "passed passed passed"),
    ],
)
def test_limits(files: int, processes: int, space: int, statuses: str) -> None:
    """16 workers need 196 open files; what is missing says how to raise it."""
    limits = {
        resource.RLIMIT_NOFILE: files,
        resource.RLIMIT_NPROC: processes,
        resource.RLIMIT_AS: space,
    }

    checks = [*check_limits(16, limits)]

    assert " ".join(check.status.value for check in checks) == statuses
    for check in checks:
        assert ("ulimit" in check.advice) is (check.status is not CheckStatus.PASSED)


def test_fewer_workers_need_fewer_files() -> None:
    """The limit that was too low for 16 is enough for one."""
    limits = {resource.RLIMIT_NOFILE: 150, resource.RLIMIT_NPROC: _NONE, resource.RLIMIT_AS: _NONE}

    assert next(check_limits(16, limits)).status is CheckStatus.FAILED
    assert next(check_limits(1, limits)).status is CheckStatus.PASSED


def test_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are shown without users and passwords, with the ends that they are for."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:secret-word@proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")

    check = check_proxies({"Metaflow": "inside.example", "W&B": "api.wandb.ai"})

    assert check.detail == "https http://***@proxy.example:3128; for W&B"
    monkeypatch.delenv("HTTPS_PROXY")
    assert check_proxies({}).detail == "none is set"
