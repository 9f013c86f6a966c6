"""Code packages as Metaflow makes them, and malformed ones."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable

__all__ = ["FLOW", "NEW", "OLD", "member", "packed", "tar"]

FLOW = b"from metaflow import FlowSpec\nclass F(FlowSpec): pass\n"


def member(name: str, data: bytes = b"", **facts: object) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member of a tar; `facts` are attributes of it, such as `type` and `linkname`."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in facts.items():
        setattr(info, key, value)
    return info, data


def tar(members: Iterable[tuple[tarfile.TarInfo, bytes]], kind: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar of the members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Return a gzipped tar of the members."""
    return gzip.compress(tar(members))


NEW = (
    member(".mf_code/metaflow/__init__.py", b"metaflow's own"),
    member(".mf_meta/INFO", json.dumps({"script": "flow.py", "flow_name": "F"}).encode()),
    member(".mf_install", json.dumps({"version": 1, "module_files": []}).encode()),
)
"""Metaflow's own files in a package since 2.16."""

OLD = (
    member("INFO", json.dumps({"script": "flow.py"}).encode()),
    member("CONFIG", b"{}"),
    member("metaflow/__init__.py", b"metaflow's own"),
    member("metaflow_extensions/x.py", b"metaflow's own"),
)
"""Metaflow's own files in a package before 2.16."""
