"""Start and stop the stand-in, tell clients how to reach it, and look at what it holds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType, TracebackType
from urllib.parse import quote

from typing_extensions import Self

from .switchboard import CONTROL, Fault

__all__ = ["BUCKET", "ROOT", "S3Server", "StoredObject"]

BUCKET = "flows"
ROOT = f"s3://{BUCKET}/team/metaflow"
_PREFIX = ROOT.removeprefix(f"s3://{BUCKET}/")
_ANYBODY = "AWS key:signature"  # moto wants one for private objects, and checks none
_ATTRIBUTES = "x-amz-meta-metaflow-user-attributes"


@dataclass(frozen=True)
class StoredObject:
    """An object, and what goes with it."""

    body: bytes
    headers: Mapping[str, str]  # names in lower case


class S3Server:
    """S3 on loopback with one bucket; a context manager. Keys are below Metaflow's root."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.s3_server"],
            cwd=Path(__file__).parents[3],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it tells of every request
            text=True,
        )
        assert self._process.stdout is not None
        self._host = f"127.0.0.1:{int(self._process.stdout.readline())}"
        self.url = f"http://{self._host}"
        self._ask("PUT", f"/{BUCKET}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()  # its input ends

    @property
    def env(self) -> dict[str, str]:
        """Return what Metaflow needs to keep artifacts here, and W&B to follow references."""
        nowhere = "/nonexistent"
        return {
            "METAFLOW_DATASTORE_SYSROOT_S3": ROOT,
            "METAFLOW_S3_ENDPOINT_URL": self.url,
            "AWS_S3_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            "AWS_EC2_METADATA_DISABLED": "true",
            "METAFLOW_S3_WORKER_COUNT": "2",  # processes that write; 64 by default
        }

    # Objects

    def keys(self, prefix: str = "") -> list[str]:
        """Return all keys that begin so."""
        listed = self._ask("GET", f"/{BUCKET}?list-type=2&max-keys=10000&prefix={_below(prefix)}")
        result = re.findall("<Key>(.*?)</Key>", listed.body.decode())
        return [key.removeprefix(f"{_PREFIX}/") for key in result]

    def get(self, key: str) -> StoredObject:
        """Return an object."""
        return self._ask("GET", f"/{BUCKET}/{_below(key)}")

    def put(
        self,
        key: str,
        body: bytes,
        attributes: bytes | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Store an object, with what Metaflow's datastore notes beside it."""
        noted = {} if attributes is None else {_ATTRIBUTES: attributes.decode()}
        self._ask("PUT", f"/{BUCKET}/{_below(key)}", body, {**noted, **headers})

    @staticmethod
    def attributes(stored: StoredObject) -> bytes:
        """Return what Metaflow's datastore noted beside an object."""
        return stored.headers[_ATTRIBUTES].encode()

    def delete(self, key: str) -> None:
        """Remove an object."""
        self._ask("DELETE", f"/{BUCKET}/{_below(key)}")

    # What was asked, and what shall go wrong

    def requests(self, method: str, part: str = "") -> list[str]:
        """Return the paths of such requests so far."""
        reported = json.loads(self._ask("GET", f"{CONTROL}/requests").body)
        requested = [tuple(item.split(" ", 1)) for item in reported]
        return [path for item, path in requested if item == method and part in path]

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        self._ask("DELETE", f"{CONTROL}/requests")

    def fault(self, *faults: Fault) -> None:
        """Let requests go wrong, and no others than these."""
        document = json.dumps([asdict(fault) for fault in faults])
        self._ask("PUT", f"{CONTROL}/faults", document.encode())

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> StoredObject:
        with closing(HTTPConnection(self._host)) as connection:
            connection.request(method, path, body, {"Authorization": _ANYBODY, **headers})
            answer = connection.getresponse()
            result = {name.lower(): text for name, text in answer.getheaders()}
            assert answer.status < 300, (method, path, answer.status, answer.read())
            return StoredObject(answer.read(), result)


def _below(key: str) -> str:
    return quote(f"{_PREFIX}/{key}")
