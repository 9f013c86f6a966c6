"""Messages to the service manager of this process: systemd's protocol for `Type=notify`."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

__all__ = ["ServiceManager"]

_VARIABLE = "NOTIFY_SOCKET"
_ABSTRACT = "@"  # systemd's sign for a socket without a file, whose address starts with a zero byte


class ServiceManager:
    """The service manager, if there is one; without it, all messages are dropped.

    The address is removed from the environment: the processes that a watch starts have nothing to
    say to the service manager.
    """

    def __init__(self) -> None:
        self._address = os.environ.pop(_VARIABLE, "")

    def ready(self) -> None:
        """Report that the service has started."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """Report what is done now; `systemctl status` shows it."""
        self._send(f"STATUS={' '.join(text.split())}")

    def stopping(self) -> None:
        """Report that the service ends."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        address = self._address
        if address.startswith(_ABSTRACT):
            address = "\0" + address.removeprefix(_ABSTRACT)
        # A service manager that is gone, or has no room for the message, does not stop the work.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.settimeout(0)
            connection.sendto(message.encode(), address)
