"""What every resolver needs to know: the records, and the address they are served at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from tests.support.wandb_server.store import Store


@dataclass(frozen=True, slots=True)
class Site:
    """The store and the address of the server."""

    store: Store
    base_url: str

    def upload_url(self, kind: str, node: str, name: str) -> str:
        """Return the address that takes the bytes of a file."""
        return f"{self.base_url}/upload/{kind}/{quote(node, safe='')}/{quote(name)}"

    def download_url(self, kind: str, node: str, name: str) -> str:
        """Return the address that gives the bytes of a file."""
        return f"{self.base_url}/download/{kind}/{quote(node, safe='')}/{quote(name)}"


def moment(value: datetime) -> str:
    """Return a time as W&B writes it."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")
