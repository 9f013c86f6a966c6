"""What systemd hears."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from mfwb.watch import ServiceManager


@pytest.mark.parametrize("abstract", [False, True])
def test_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, abstract: bool) -> None:
    """Each message is a datagram; a status is one line, and children do not get the address."""
    name = f"@mfwb-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{name[1:]}" if abstract else name)
        receiver.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        manager = ServiceManager()
        manager.ready()
        manager.status("two\nlines")
        manager.stopping()
        received = [receiver.recv(1000) for _ in range(3)]

    assert received == [b"READY=1", b"STATUS=two lines", b"STOPPING=1"]
    assert "NOTIFY_SOCKET" not in os.environ


@pytest.mark.parametrize("name", ["", "/nowhere/at/all", "@nobody-listens-here"])
def test_without_a_service_manager(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message to nobody is dropped."""
    monkeypatch.setenv("NOTIFY_SOCKET", name)

    ServiceManager().ready()
