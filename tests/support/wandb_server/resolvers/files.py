"""Files of runs and of artifacts, and the addresses of their bytes."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.wandb_server.blobs import Blob
from tests.support.wandb_server.records import Manifest, Run, Version, node_id

from .site import Site, moment

if TYPE_CHECKING:
    from .artifacts import ArtifactNode


def _mimetype(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file of a run, uploaded or about to be."""

    site: Site
    run: Run
    name: str
    blob: Blob | None = None
    upload_multipart_urls: None = None
    digest: None = None
    storage_path: None = None
    artifact: None = None

    @property
    def id(self) -> str:
        """Return the file id."""
        return node_id("File", self.run.id, self.name)

    @property
    def display_name(self) -> str:
        """Return the name."""
        return self.name

    def url(self, *, upload: bool | None = None) -> str:
        """Return the address to read from or to write to."""
        return self.upload_url if upload else self.direct_url

    @property
    def direct_url(self) -> str:
        """Return the address to read from."""
        return self.site.download_url("run", self.run.id, self.name)

    @property
    def upload_url(self) -> str:
        """Return the address to write to."""
        return self.site.upload_url("run", self.run.id, self.name)

    @property
    def upload_headers(self) -> list[str]:
        """Return no headers: none are needed."""
        return []

    @property
    def size_bytes(self) -> int:
        """Return the size."""
        return self.blob.size if self.blob else 0

    @property
    def mimetype(self) -> str:
        """Return the type that the name suggests."""
        return _mimetype(self.name)

    @property
    def updated_at(self) -> str:
        """Return when the run was last heard of."""
        return moment(self.run.heartbeat_at)

    @property
    def md5(self) -> str | None:
        """Return the MD5, if the bytes are here."""
        return self.blob.md5_base64 if self.blob else None


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file of an artifact version; `birth` is the version whose upload brought its bytes."""

    site: Site
    version: Version
    name: str
    birth: Version | None = None
    wanted: bool = False
    upload_multipart_urls: None = None

    @property
    def id(self) -> str:
        """Return the file id."""
        return node_id("File", self.version.id, self.name)

    @property
    def display_name(self) -> str:
        """Return the path inside the artifact."""
        return self.name

    @property
    def artifact(self) -> ArtifactNode:
        """Return the version that the bytes belong to."""
        from .artifacts import ArtifactNode  # noqa: PLC0415 - the two types name each other

        return ArtifactNode(self.site, self.birth or self.version)

    def url(self, *, upload: bool | None = None) -> str | None:
        """Return the address to read from or to write to."""
        return self.upload_url if upload else self.direct_url

    @property
    def direct_url(self) -> str:
        """Return the address to read from."""
        return self.site.download_url("artifact", self.version.id, self.name)

    @property
    def upload_url(self) -> str | None:
        """Return the address to write to, or None if the bytes are here."""
        if not self.wanted:
            return None
        return self.site.upload_url("artifact", self.version.id, self.name)

    @property
    def upload_headers(self) -> list[str]:
        """Return the headers that must come with the bytes."""
        return [f"Content-MD5:{self.md5}", f"Content-Type:{self.mimetype}"]

    @property
    def size_bytes(self) -> int:
        """Return the size."""
        blob = self.version.files.get(self.name)
        return blob.size if blob else 0

    @property
    def mimetype(self) -> str:
        """Return the type that the name suggests."""
        return _mimetype(self.name)

    @property
    def updated_at(self) -> str:
        """Return when the version was created."""
        return moment(self.version.created_at)

    @property
    def md5(self) -> str | None:
        """Return the announced MD5."""
        return self.version.wanted_files.get(self.name)

    @property
    def digest(self) -> str | None:
        """Return the digest that the manifest holds, which is the MD5."""
        return self.md5

    @property
    def storage_path(self) -> str:
        """Return where the bytes lie."""
        return f"wandb_artifacts/{(self.birth or self.version).serial}/{self.name}"


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """The manifest of a version, as a file."""

    site: Site
    manifest: Manifest
    name: str = "wandb_manifest.json"
    upload_multipart_urls: None = None

    @property
    def id(self) -> str:
        """Return the file id."""
        return node_id("File", self.manifest.id)

    @property
    def direct_url(self) -> str:
        """Return the address to read from."""
        return self.site.download_url("manifest", self.manifest.id, self.name)

    @property
    def upload_url(self) -> str:
        """Return the address to write to."""
        return self.site.upload_url("manifest", self.manifest.id, self.name)

    @property
    def upload_headers(self) -> list[str]:
        """Return the headers that must come with the bytes."""
        return [f"Content-MD5:{self.manifest.digest}", "Content-Type:application/json"]
