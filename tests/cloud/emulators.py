"""Emulators of both clouds on loopback, and how programs reach them.

with open_cloud("gs", folder) as cloud:
    Sandbox(folder, cloud.env).flow("stored_flow", "--datastore", "gs", "run")
    assert cloud.list_keys()
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.storage.blob import ContainerClient
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Bucket, Client

from tests.cloud.tokens import TokenIssuer, write_certificate, write_google_account

__all__ = ["NAME", "PREFIX", "Cloud", "StoredBlob", "open_cloud"]

NAME = "flows"  # of the bucket and the container
PREFIX = "team/metaflow"
_REPOSITORY = Path(__file__).parents[2]
_AZURITE = _REPOSITORY / ".venv-cloud" / "node_modules" / ".bin" / "azurite-blob"
_ACCOUNT = "tester"
_ACCOUNT_KEY = "c2VjcmV0LWtleS1vZi1hbi1hY2NvdW50"
_ATTRIBUTES = "metaflow-user-attributes"


@dataclass(frozen=True)
class StoredBlob:
    """A blob as a cloud stores it."""

    body: bytes
    etag: str
    version: str | None


class Cloud(ABC):
    """A cloud with one bucket or container; keys are below Metaflow's root.

    Attributes:
        kind: the datastore's type, as Metaflow names it.
        root: the datastore's root, as Metaflow names it.
        env: what a program needs to keep artifacts here.
    """

    kind: str
    root: str
    env: Mapping[str, str]

    @abstractmethod
    def list_keys(self) -> list[str]:
        """Return all keys."""

    @abstractmethod
    def get(self, key: str) -> StoredBlob:
        """Return a blob."""

    @abstractmethod
    def put(self, key: str, body: bytes, attributes: bytes | None) -> None:
        """Store a blob, with what Metaflow notes beside it."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove a blob."""

    @abstractmethod
    def root_of(self, name: str) -> str:
        """Return the root of a datastore in another bucket or container."""


class _Google(Cloud):
    kind = "gs"

    def __init__(self, url: str, credentials: Path, faults: Path) -> None:
        self.root = self.root_of(NAME)
        self.faults = faults
        self.env = {
            "METAFLOW_DATASTORE_SYSROOT_GS": self.root,
            "STORAGE_EMULATOR_HOST": url,
            "GOOGLE_APPLICATION_CREDENTIALS": str(credentials),
            "GOOGLE_CLOUD_PROJECT": "project",
        }
        self._client = Client(
            project="project",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": url},
        )
        self._bucket: Bucket = self._client.bucket(NAME)

    def list_keys(self) -> list[str]:
        return [blob.name.removeprefix(f"{PREFIX}/") for blob in self._bucket.list_blobs()]

    def get(self, key: str) -> StoredBlob:
        blob = self._bucket.get_blob(f"{PREFIX}/{key}")
        etag, version = blob.etag, str(blob.generation)  # a download changes them
        return StoredBlob(blob.download_as_bytes(), etag, version)

    def put(self, key: str, body: bytes, attributes: bytes | None) -> None:
        blob = self._bucket.blob(f"{PREFIX}/{key}")
        if attributes is not None:
            blob.metadata = {_ATTRIBUTES: attributes.decode()}
        blob.upload_from_string(body)

    def delete(self, key: str) -> None:
        self._bucket.delete_blob(f"{PREFIX}/{key}")

    def root_of(self, name: str) -> str:
        return f"gs://{name}/{PREFIX}"

    def fault(self, faults: Mapping[str, int]) -> None:
        """Answer requests whose path has such a part with such a status."""
        self.faults.write_text(json.dumps(faults), encoding="utf-8")


class _Azure(Cloud):
    kind = "azure"

    def __init__(self, url: str, certificate: Path, token_url: str) -> None:
        self.root = self.root_of(NAME)
        self.env = {
            "METAFLOW_DATASTORE_SYSROOT_AZURE": self.root,
            "METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT": url,
            "REQUESTS_CA_BUNDLE": str(certificate),
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
            "IDENTITY_ENDPOINT": token_url,
            "IDENTITY_HEADER": "header",
        }
        self._container = ContainerClient(
            url, NAME, credential=_ACCOUNT_KEY, connection_verify=str(certificate)
        )
        self._container.create_container()

    def list_keys(self) -> list[str]:
        return [name.removeprefix(f"{PREFIX}/") for name in self._container.list_blob_names()]

    def get(self, key: str) -> StoredBlob:
        result = self._container.download_blob(f"{PREFIX}/{key}")
        etag = str(result.properties.etag).strip('"')
        return StoredBlob(result.readall(), etag, result.properties.version_id)

    def put(self, key: str, body: bytes, attributes: bytes | None) -> None:
        noted = None if attributes is None else {_ATTRIBUTES.replace("-", "_"): attributes.decode()}
        self._container.upload_blob(f"{PREFIX}/{key}", body, metadata=noted, overwrite=True)

    def delete(self, key: str) -> None:
        self._container.delete_blob(f"{PREFIX}/{key}")

    def root_of(self, name: str) -> str:
        return f"{name}/{PREFIX}"

    def archive(self, key: str) -> None:
        """Move a blob to the tier that can't be read."""
        self._container.set_standard_blob_tier_blobs("Archive", f"{PREFIX}/{key}")


@contextmanager
def open_cloud(kind: str, folder: Path) -> Iterator[Any]:
    """Start an emulator, and yield the cloud."""
    folder.mkdir(parents=True, exist_ok=True)
    with TokenIssuer() as tokens:
        if kind == "gs":
            credentials = folder / "account.json"
            write_google_account(credentials, tokens.url)
            faults = folder / "faults.json"
            command = [sys.executable, "-m", "tests.cloud.google_server", NAME, str(faults)]
            with _running(command, r"^(\d+)$") as port:
                yield _Google(f"http://127.0.0.1:{port}", credentials, faults)
        else:
            certificate, key = folder / "certificate.pem", folder / "key.pem"
            write_certificate(certificate, key)
            command = [
                *(str(_AZURITE), "--inMemoryPersistence", "--oauth", "basic"),
                *("--blobPort", "0", "--disableTelemetry", "--skipApiVersionCheck"),
                *("--cert", str(certificate), "--key", str(key)),
            ]
            environment = {"AZURITE_ACCOUNTS": f"{_ACCOUNT}:{_ACCOUNT_KEY}"}
            with _running(command, r"https://127\.0\.0\.1:(\d+)", environment) as port:
                yield _Azure(f"https://127.0.0.1:{port}/{_ACCOUNT}", certificate, tokens.url)


@contextmanager
def _running(
    command: list[str], pattern: str, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run a server, and yield the port that it prints."""
    with subprocess.Popen(
        command,
        cwd=_REPOSITORY,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            yield next(
                match[1] for line in server.stdout if (match := re.search(pattern, line.strip()))
            )
        finally:
            server.kill()
