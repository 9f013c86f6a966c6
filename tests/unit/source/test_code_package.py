"""Code packages that strangers may have made: which files are read; nothing else happens."""

from __future__ import annotations

import gzip
import json
import os
import struct
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mfwb.source.code_package import PackageError, parse_package_record, read_source
from mfwb.source.tarball import TarballError, read_files
from tests.unit.source.tars import FLOW, NEW, OLD, member, packed, tar

SHA = "0123456789abcdef0123456789abcdef01234567"
RECORD = {
    "sha": SHA,
    "location": "/somewhere/data/01/" + SHA,
    "ds_type": "local",
    "metadata": '{"version": 0, "archive_format": "tgz", "mfcontent_version": 1}',
}


@pytest.fixture(autouse=True)
def _nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that leaves a file in the current folder, or above it."""
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    yield
    assert [path for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()] == []


@pytest.mark.parametrize("own", [NEW, OLD], ids=["new", "old"])
def test_the_files_of_the_user(own: tuple[tuple[tarfile.TarInfo, bytes], ...]) -> None:
    """All Python files except Metaflow's own are read, in any folder; no links and devices."""
    code = read_source(
        packed(
            *own,
            member("flow.py", FLOW),
            member("./parts/step.py", "name = 'grün'\r\n".encode()),
            member("data.csv", b"1,2"),
            member("parts", type=tarfile.DIRTYPE),
            member("binary.py", b"\xff\xfe\x00"),
            member("long/" + "x" * 120 + ".py", b"long = 1"),
            member("grün.py", b"umlaut = 1"),
        )
    )

    assert (code.script, code.origin) == ("flow.py", "package")
    assert code.files == {
        "flow.py": FLOW.decode(),
        "parts/step.py": "name = 'grün'\n",
        "long/" + "x" * 120 + ".py": "long = 1",
        "grün.py": "umlaut = 1",
    }


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["gnu", "pax"])
def test_long_names_of_both_kinds(kind: int) -> None:
    """Each of the two ways to write a name that does not fit into a header."""
    name = "/".join(["folder"] * 40) + "/step.py"
    data = tar([*NEW, member("flow.py", FLOW), member(name, b"x = 1")], kind)

    assert read_source(gzip.compress(data)).files[name] == "x = 1"


HOSTILE = {
    "above": member("../escaped.py", b"bad"),
    "above, later": member("a/../../escaped.py", b"bad"),
    "absolute": member("/escaped.py", b"bad"),
    "with a NUL": member("x", b"bad", pax_headers={"path": "escaped\0.py"}),
    "another system's": member("..\\escaped.py", b"bad"),
    "a drive": member("C:escaped.py", b"bad"),
    "far too long": member("x/" * 600 + "escaped.py", b"bad"),
    "a link": member("escaped.py", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a hard link": member("escaped.py", type=tarfile.LNKTYPE, linkname="flow.py"),
    "a device": member("escaped.py", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
    "a pipe": member("escaped.py", type=tarfile.FIFOTYPE),
    "a folder": member("escaped.py", type=tarfile.DIRTYPE),
    "sparse": member("escaped.py", b"bad", pax_headers={"GNU.sparse.major": "1"}),
    "too large": member("escaped.py", b"#" * 1_000_001),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_members_that_are_no_files_of_the_package(name: str) -> None:
    """Such files are excluded, and the rest is read."""
    link = member("out", type=tarfile.SYMTYPE, linkname="..")

    code = read_source(
        packed(*NEW, link, HOSTILE[name], member("flow.py", FLOW), member("z.py", b"z = 1"))
    )

    assert code.files == {"flow.py": FLOW.decode(), "z.py": "z = 1"}


def test_a_file_through_a_link_is_a_name_like_any_other() -> None:
    """A link has no effect, since nothing is extracted."""
    link = member("out", type=tarfile.SYMTYPE, linkname="..")

    code = read_source(packed(*NEW, member("flow.py", FLOW), link, member("out/x.py", b"x = 1")))

    assert set(code.files) == {"flow.py", "out/x.py"}


def test_of_two_with_one_name_the_last_one_counts() -> None:
    """The last file of a name counts, as in an extraction."""
    code = read_source(packed(*NEW, member("flow.py", b"old"), member("./flow.py", FLOW)))

    assert code.files == {"flow.py": FLOW.decode()}


def _header(size: bytes, kind: bytes = b"0") -> bytes:
    """Return a tar header with that size field and a correct checksum."""
    block = bytearray(tarfile.TarInfo("x.py").tobuf())
    block[124:136] = size.ljust(12, b"\0")
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


def _endless(head: bytes, block: bytes, size: int) -> bytes:
    """Return a gzip of so many bytes, that never ends: a block is compressed once, not again."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    first = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (size // len(block))


def _sparse_bomb() -> bytes:
    """Return a sparse file with an endless header."""
    head = bytearray(_header(b"0", b"S"))
    head[482] = 1
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head):06o}\0 ".encode()
    going_on = bytearray(512)
    going_on[504] = 1
    return _endless(bytes(head), bytes(going_on) * 2_000, 300_000_000)


UNREADABLE: dict[str, tuple[Callable[[], bytes], str]] = {
    "no gzip": (lambda: b"PK\x03\x04", "damaged"),
    "nothing": (lambda: b"", "cut off"),
    "cut off": (lambda: packed(*NEW, member("flow.py", FLOW))[:-200], "cut off"),
    "no tar": (lambda: gzip.compress(os.urandom(5_000)), "damaged"),
    "a negative size": (lambda: gzip.compress(_header(b"\xff" * 12)), "negative"),
    "a huge size": (lambda: gzip.compress(_header(b"77777777777")), "cut off"),
    "a size without an end": (
        lambda: gzip.compress(_header(b"\x80" + b"\0" * 3 + struct.pack(">Q", 1 << 62))),
        "cut off",
    ),
    "a huge extended header": (
        lambda: gzip.compress(_header(b"7777777777", b"x") + bytes(10_000)),
        "header of",
    ),
    "a huge long name": (
        lambda: gzip.compress(_header(b"7777777777", b"L") + bytes(10_000)),
        "header of",
    ),
    "an extended header that is none": (
        lambda: gzip.compress(_header(b"20", b"x") + b"9" * 512 + bytes(1_024)),
        "extended header",
    ),
    "a bomb": (lambda: _endless(_header(b"7777777777"), bytes(1_000_000), 300_000_000), "256 MB"),
    "a sparse bomb": (_sparse_bomb, "256 MB"),
    "no end of members": (lambda: gzip.compress(_header(b"0") * 60_000, 1), "50,000 files"),
    "nothing that says what was run": (
        lambda: packed(member("flow.py", FLOW)),
        "does not name the script",
    ),
    "what was run is elsewhere": (
        lambda: packed(NEW[0], member(".mf_meta/INFO", b'{"script": "/etc/passwd"}'), NEW[2]),
        "does not name the script",
    ),
    "what was run is missing": (lambda: packed(*NEW), "flow.py is not in it"),
    "what was run is too large": (
        lambda: packed(*NEW, member("flow.py", b"#" * 1_000_001)),
        "larger than 1 MB",
    ),
    "what was run unpacks itself": (
        lambda: packed(*NEW, member("flow.py", b"# coding: zip\n")),
        "written in 'zip'",
    ),
    "another layout": (lambda: packed(member(".mf_install", b'{"version": 2}')), "version 2"),
    "a layout of another type": (lambda: packed(member(".mf_install", b"[1]")), "damaged"),
    "nested for ever": (lambda: packed(member(".mf_install", b"[" * 200_000)), "damaged"),
    "INFO is none": (lambda: packed(member(".mf_meta/INFO", b'{"script": []}')), "damaged"),
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", UNREADABLE)
def test_packages_that_can_not_be_read(name: str) -> None:
    """Each fails with one reason; that of a bomb is the limit at which reading ended."""
    make, reason = UNREADABLE[name]
    data = make()

    with pytest.raises(PackageError, match=reason):
        read_source(data)


def test_a_bomb_takes_no_memory() -> None:
    """A skipped file is never in memory as a whole."""
    data = _endless(_header(b"7777777777"), bytes(1_000_000), 200_000_000)

    tracemalloc.start()
    try:
        with pytest.raises(TarballError):
            list(read_files(data, lambda _: 1_000_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 5_000_000


def test_many_small_files_are_read_as_far_as_there_is_room() -> None:
    """Limits are 2,000 files and 20 MB; the script is always among them."""
    many = read_source(
        packed(*NEW, *[member(f"m{i}.py", b"x") for i in range(3_000)], member("flow.py", FLOW))
    )
    large = read_source(
        packed(
            *NEW,
            *[member(f"m{i}.py", b"#" * 999_000) for i in range(30)],
            member("flow.py", FLOW),
        )
    )

    assert len(many.files) == 2_001
    assert many.files["flow.py"] == FLOW.decode()
    assert sum(map(len, large.files.values())) < 21_000_000
    assert large.files["flow.py"] == FLOW.decode()


def test_the_record_of_a_package() -> None:
    """Records of present and of earlier versions of Metaflow are read."""
    old = {key: RECORD[key] for key in ("sha", "location", "ds_type")}

    assert parse_package_record(json.dumps(RECORD)) is not None
    result = parse_package_record(json.dumps(old))

    assert result is not None
    assert (result.sha, result.metadata.archive_format) == (SHA, "tgz")


@pytest.mark.parametrize(
    "value",
    ids=range(14),
    argvalues=[
        "",
        "null",
        "[]",
        "{",
        "[" * 100_000,
        json.dumps({"sha": SHA, "location": None, "ds_type": None, "metadata": None}),
        json.dumps({**RECORD, "sha": "../../../../etc/passwd"}),
        json.dumps({**RECORD, "sha": SHA + "\n"}),
        json.dumps({**RECORD, "sha": SHA.upper()}),
        json.dumps({**RECORD, "sha": 5}),
        json.dumps({**RECORD, "metadata": {"archive_format": "tgz"}}),
        json.dumps({**RECORD, "metadata": "no JSON"}),
        json.dumps({**RECORD, "metadata": '{"archive_format": 1}'}),
        json.dumps({**RECORD, "location": "x" * 100_000}),
    ],
)
def test_a_record_that_names_no_package(value: str) -> None:
    """Wrong types, or a variable of a build system, are not an error."""
    assert parse_package_record(value) is None
