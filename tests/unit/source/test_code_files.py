"""The user's files in code packages, which strangers may have made."""

from __future__ import annotations

import io
import tarfile
import tracemalloc

import pytest

from mfwb.ports import CodeFile, ExcludedCode
from mfwb.source.code_files import read_code_files
from mfwb.source.tarball import TarballError, read_members
from tests.unit.source.tars import FLOW, NEW, OLD, member, packed


def read(data: bytes) -> tuple[dict[str, bytes], ExcludedCode]:
    """Return the files of a package, and what is excluded."""
    files: dict[str, bytes] = {}

    def keep(file: CodeFile) -> None:
        files[file.name] = file.data.read()

    excluded = read_code_files(io.BytesIO(data), keep)
    return files, excluded


@pytest.mark.parametrize(("own", "number"), [(NEW, 3), (OLD, 4)], ids=["new", "old"])
def test_files_of_the_user(own: tuple[tuple[tarfile.TarInfo, bytes], ...], number: int) -> None:
    """All files but Metaflow's own, byte for byte, also those that are no Python."""
    files, excluded = read(
        packed(
            *own,
            member("flow.py", FLOW),
            member("./data/a.csv", b"1,2\n"),
            member("data", type=tarfile.DIRTYPE),
            member("binary.bin", bytes(range(256)) * 9),
            member("empty.txt", b""),
            member("grün.py", b"x = 1\r\n"),
        )
    )

    assert files == {
        "flow.py": FLOW,
        "data/a.csv": b"1,2\n",
        "binary.bin": bytes(range(256)) * 9,
        "empty.txt": b"",
        "grün.py": b"x = 1\r\n",
    }
    assert excluded == ExcludedCode(number, {})


def test_what_decorators_add_is_the_users() -> None:
    """Modules beside Metaflow's code and files beside its facts stay; values of Config do not."""
    files, excluded = read(
        packed(
            *NEW,
            member(".mf_code/mine/__init__.py", b"mine = 1"),
            member(".mf_code/metaflow_extensions/theirs.py", b"own"),
            member(".mf_meta/uv.lock", b"lock"),
            member(".mf_meta/CONFIG", b'{"password": "x"}'),
            member("metaflow/mine.py", b"a folder of the user with that name"),
        )
    )

    assert sorted(files) == [".mf_code/mine/__init__.py", ".mf_meta/uv.lock", "metaflow/mine.py"]
    assert excluded.own == 5


def test_what_is_no_file_is_reported() -> None:
    """Names that lead out of the package, links and devices: each with its reason."""
    files, excluded = read(
        packed(
            *NEW,
            member("../above.py", b"bad"),
            member("/etc/absolute.py", b"bad"),
            member("link.py", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
            member("hard.py", type=tarfile.LNKTYPE, linkname="flow.py"),
            member("pipe", type=tarfile.FIFOTYPE),
            member("flow.py", FLOW),
        )
    )

    assert files == {"flow.py": FLOW}
    assert excluded.unreadable == {
        "../above.py": "its name leads out of the package",
        "/etc/absolute.py": "its name leads out of the package",
        "link.py": "it is a link or a device, and not a file",
        "hard.py": "it is a link or a device, and not a file",
        "pipe": "it is a link or a device, and not a file",
    }


def test_the_last_of_two_files_counts() -> None:
    """As in an extraction."""
    assert read(packed(*NEW, member("a", b"1"), member("./a", b"2")))[0] == {"a": b"2"}


def test_a_file_that_nobody_reads_is_skipped() -> None:
    """The next member begins where it should, however much of the one before was read."""
    data = packed(member("a", b"x" * 700), member("b", b"y" * 513), member("c", b"z"))
    names = []
    for read_member in read_members(io.BytesIO(data)):
        names.append(read_member.name)
        assert read_member.read(3) == {"a": b"xxx", "b": b"yyy", "c": b"z"}[str(read_member.name)]

    assert names == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cut off"),
        (b"no gzip", "damaged"),
        (packed(*NEW, member("flow.py", FLOW * 99))[:-40], "cut off"),
        (
            packed(*(member(f"l{n}", type=tarfile.SYMTYPE, linkname="x") for n in range(200))),
            "more than 100 of its members",
        ),
    ],
    ids=["empty", "no gzip", "cut off", "links"],
)
def test_damaged(data: bytes, reason: str) -> None:
    """One reason."""
    with pytest.raises(TarballError, match=reason):
        read(data)


def test_a_package_that_unpacks_to_too_much() -> None:
    """The limit holds, and a large file is never in memory as a whole."""
    data = packed(member("zeros", bytes(40_000_000)))
    tracemalloc.start()
    with pytest.raises(TarballError, match="unpacks to more than 20 MB"):
        read_all(data, 20_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5_000_000


def read_all(data: bytes, limit: int) -> None:
    """Read all members in small pieces."""
    for read_member in read_members(io.BytesIO(data), limit):
        while read_member.read(1 << 16):
            pass
