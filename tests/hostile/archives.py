"""Code packages that write, read or never end when somebody unpacks them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterable
from typing import Any

from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import STEPS, StoredRun
from tests.support.sandbox import FLOWS

__all__ = ["code_of", "honest", "packed", "store_package"]

_METADATA = {"version": 0, "archive_format": "tgz", "mfcontent_version": 1}
_SCRIPT = "shared_flow.py"


def code_of(flow: str = "shared_flow") -> bytes:
    """Return the source of the honest flow."""
    return (FLOWS / f"{flow}.py").read_bytes()


def honest(source: bytes | None = None, script: str = _SCRIPT) -> dict[str, bytes]:
    """Return the members of a good package."""
    return {
        ".mf_install": json.dumps({"version": 1, "module_files": []}).encode(),
        ".mf_meta/INFO": json.dumps({"script": script, "metaflow_version": "2.19.39"}).encode(),
        ".mf_meta/CONFIG": b"{}",
        _SCRIPT: code_of() if source is None else source,
    }


def member(name: str, data: bytes = b"", **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member of a tar file."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in more.items():
        setattr(info, field, value)
    return info, data


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member that is a link."""
    return member(name, type=kind, linkname=target)


def packed(
    members: Iterable[tuple[tarfile.TarInfo, bytes]] = (),
    files: dict[str, bytes] | None = None,
    form: int = tarfile.GNU_FORMAT,
    before: bool = False,  # noqa: FBT001, FBT002
) -> bytes:
    """Return a tar file of an honest package and more members, after the honest ones or before."""
    buffer = io.BytesIO()
    good = [member(name, data) for name, data in (honest() if files is None else files).items()]
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for info, data in [*members, *good] if before else [*good, *members]:
            tar.addfile(info, io.BytesIO(data) if data else None)
    return buffer.getvalue()


def store_package(
    run: StoredRun,
    archive: bytes,
    *,
    compressed: bool = False,
    sha: str | None = None,
    **record: Any,
) -> None:
    """Give a flow run a code package.

    Args:
        run: the flow run.
        archive: a tar file.
        compressed: whether it is packed already.
        sha: what its record calls it, if not by its sha1.
        record: what else the record says.
    """
    data = archive if compressed else gzip.compress(archive, 3)
    stored = run.put(data, raw=True)
    value = {
        "ds_type": "local",
        "sha": sha or stored,
        "location": str(run.blob(stored)),
        "metadata": json.dumps(_METADATA),
        **record,
    }
    for step in STEPS:
        if step != "_parameters":
            run.say(step, "code-package", json.dumps(value))


def _tampered(
    row: str, *, sampled: bool = False, ends: str = "any"
) -> Callable[[Callable[[StoredRun, Scene], bytes]], object]:
    """Return a decorator for functions that return the tar file of a code package."""

    def add(make: Callable[[StoredRun, Scene], bytes]) -> object:
        def build(run: StoredRun, scene: Scene) -> None:
            store_package(run, make(run, scene))

        build.__name__, build.__doc__ = make.__name__, make.__doc__
        return attack(row, sampled=sampled, ends=ends)(build)

    return add


@attack("2", sampled=True)
def honest_package(run: StoredRun, _: Scene) -> None:
    """Nothing is wrong with this one, so that a package that is always refused is noticed."""
    store_package(run, packed())


@_tampered("2", sampled=True)
def parent_member(run: StoredRun, scene: Scene) -> bytes:
    """A member climbs out of the folder with `..` and overwrites the user's .bashrc."""
    name = f"{'../' * 20}{str(scene.home)[1:]}/.bashrc"
    return packed([member(name, b"touch x\n"), member(f"../{run.label}", b"x")])


@_tampered("2", sampled=True)
def absolute_member(run: StoredRun, scene: Scene) -> bytes:
    """A member has an absolute name."""
    return packed([member(str(scene.home / f".{run.label}"), b"x")])


@_tampered("2", sampled=True)
def link_then_file(run: StoredRun, scene: Scene) -> bytes:
    """A link to the home comes first, then a file through it."""
    return packed([link("lib", str(scene.home)), member(f"lib/{run.label}.py", b"x = 1\n")])


@_tampered("2")
def link_over_itself(_: StoredRun, scene: Scene) -> bytes:
    """A link to .bashrc comes first, then a file of the link's own name."""
    return packed([link("a.py", str(scene.home / ".bashrc")), member("a.py", b"x = 1\n")])


@_tampered("2")
def hard_link_out(_: StoredRun, scene: Scene) -> bytes:
    """A hard link to .bashrc comes first, then a file of the link's own name."""
    target = str(scene.home / ".bashrc")
    return packed([link("a.py", target, tarfile.LNKTYPE), member("a.py", b"x = 1\n")])


@_tampered("2", sampled=True)
def link_to_secret(_: StoredRun, scene: Scene) -> bytes:
    """The flow's script is a link to a Python file of the user."""
    files = honest()
    del files[_SCRIPT]
    return packed([link(_SCRIPT, str(scene.secret_python))], files)


@_tampered("2")
def hard_link_to_secret(_: StoredRun, scene: Scene) -> bytes:
    """The flow's script is a hard link to a Python file of the user."""
    files = honest()
    del files[_SCRIPT]
    return packed([link(_SCRIPT, str(scene.secret_python), tarfile.LNKTYPE)], files)


@_tampered("2")
def chain_of_links(run: StoredRun, scene: Scene) -> bytes:
    """Links of links, each of which is harmless alone, lead to the home."""
    links = [link("a", "b"), link("b", "c/.."), link("c", str(scene.home / ".ssh"))]
    return packed([*links, member(f"a/{run.label}", b"x")])


@_tampered("2")
def loop_of_links(_: StoredRun, __: Scene) -> bytes:
    """Links lead to one another in a circle."""
    return packed([link("a.py", "b.py"), link("b.py", "a.py"), link("c", ".")])


@_tampered("2")
def parent_in_the_middle(run: StoredRun, scene: Scene) -> bytes:
    """A name goes down and then further up."""
    above = f"lib/{'../' * 21}{str(scene.home)[1:]}/{run.label}"
    return packed([member("lib/x.py", b"x = 1\n"), member(above, b"x")])


@_tampered("2", sampled=True)
def device(_: StoredRun, __: Scene) -> bytes:
    """The flow's script is the device /dev/zero."""
    zero = member(_SCRIPT, type=tarfile.CHRTYPE, devmajor=1, devminor=5)
    return packed([zero], {**honest(), _SCRIPT: b""}, before=False)


@_tampered("2", sampled=True)
def pipe(_: StoredRun, __: Scene) -> bytes:
    """A module of the flow is a pipe, whose reader would wait for ever."""
    return packed([member("wait.py", type=tarfile.FIFOTYPE)])


@_tampered("2")
def sparse(_: StoredRun, __: Scene) -> bytes:
    """A sparse file of a terabyte, all of it holes."""
    archive = bytearray(packed([member("holes.py", b"x", type=tarfile.GNUTYPE_SPARSE)]))
    start = archive.index(b"holes.py")
    archive[start + 386 : start + 398] = b"%011o\0" % 0
    archive[start + 398 : start + 410] = b"%011o\0" % 1
    archive[start + 483 : start + 495] = b"\x80" + (10**12).to_bytes(11, "big")
    return _with_checksum(archive, start)


@_tampered("2")
def pax_path(run: StoredRun, scene: Scene) -> bytes:
    """A PAX header renames an innocent member into a file of the home."""
    path = str(scene.home / run.label)
    return packed([member("a.py", b"x = 1\n", pax_headers={"path": path})], form=tarfile.PAX_FORMAT)


@_tampered("2")
def pax_link(run: StoredRun, scene: Scene) -> bytes:
    """A PAX header gives a harmless link another target."""
    linked = member("lib", type=tarfile.SYMTYPE, linkname="x")
    linked[0].pax_headers = {"linkpath": str(scene.home)}
    return packed([linked, member(f"lib/{run.label}", b"x")], form=tarfile.PAX_FORMAT)


@_tampered("2")
def pax_size(_: StoredRun, __: Scene) -> bytes:
    """A PAX header says that a member has a petabyte."""
    huge = member("a.py", b"x", pax_headers={"size": str(10**15)})
    return packed([huge], form=tarfile.PAX_FORMAT)


@_tampered("2")
def pax_negative(_: StoredRun, __: Scene) -> bytes:
    """A PAX header says that a member has less than nothing, so that reading goes in circles."""
    return packed([member("a.py", b"x", pax_headers={"size": "-512"})], form=tarfile.PAX_FORMAT)


@_tampered("2", sampled=True)
def pax_bomb(_: StoredRun, __: Scene) -> bytes:
    """A PAX header has a comment of 200 MB, which are 200 kB in the package."""
    return packed(
        [member("a.py", b"x", pax_headers={"comment": "x" * 200_000_000})], form=tarfile.PAX_FORMAT
    )


@attack("2", sampled=True)
def gzip_bomb(run: StoredRun, __: Scene) -> None:
    """3 MB unpack to a Python file of 3 GB."""
    info, _ = member("a.py")
    info.size = 3_000_000_000
    zeros = gzip.compress(bytes(10_000_000), 9)
    head = gzip.compress(packed()[:-10240] + info.tobuf())
    store_package(run, head + zeros * 300, compressed=True)


@_tampered("2")
def many_members(_: StoredRun, __: Scene) -> bytes:
    """200,000 members, each an empty Python file."""
    return packed(member(f"m/{number}.py") for number in range(200_000))


@_tampered("2")
def many_folders(_: StoredRun, __: Scene) -> bytes:
    """A member in folders a thousand deep."""
    return packed([member(f"{'a/' * 1000}b.py", b"x = 1\n")])


@_tampered("2")
def case_twins(_: StoredRun, __: Scene) -> bytes:
    """Names that are one where case does not count, and one that is there twice."""
    twins = [member("Shared_Flow.py", b"x"), member("SHARED_FLOW.PY", b"x")]
    return packed([*twins, member(_SCRIPT, b"raise SystemExit\n")])


@_tampered("2")
def nul_in_name(_: StoredRun, scene: Scene) -> bytes:
    """A PAX name has a NUL in its middle."""
    name = f"a\0{scene.home}/x.py"
    return packed([member("a.py", b"x", pax_headers={"path": name})], form=tarfile.PAX_FORMAT)


@_tampered("2")
def long_name(_: StoredRun, __: Scene) -> bytes:
    """A name of 100 kB."""
    return packed([member(f"{'n' * 100_000}.py", b"x")])


@_tampered("2")
def odd_names(_: StoredRun, __: Scene) -> bytes:
    """Names with line ends, escape sequences, a backslash, a drive, and none at all."""
    names = ("a\nb.py", "\x1b[31mred.py", "..\\..\\x.py", "C:\\x.py", "", ".", "..", "/", "-rf.py")
    return packed([member(name, b"x") for name in names], form=tarfile.PAX_FORMAT)


@_tampered("2")
def nested(_: StoredRun, __: Scene) -> bytes:
    """The Python files are archives of archives."""
    inner = packed()
    for _level in range(5):
        inner = packed([member("inner.py", inner)])
    return inner


@_tampered("2")
def modes(_: StoredRun, __: Scene) -> bytes:
    """Members that would be setuid, unreadable, and somebody else's."""
    owned = {"uid": 0, "gid": 0, "uname": "root"}
    return packed([member("a.py", b"x", mode=0o6777, **owned), member("b.py", b"x", mode=0)])


@attack("2")
def cut_short(run: StoredRun, _: Scene) -> None:
    """The package ends in its middle."""
    store_package(run, gzip.compress(packed())[:-300], compressed=True)


@attack("2")
def no_archive(run: StoredRun, _: Scene) -> None:
    """The package is no archive."""
    store_package(run, b"\x00\xff" * 5000, compressed=True)


@_tampered("2")
def empty(_: StoredRun, __: Scene) -> bytes:
    """The package has no members."""
    return packed(files={})


@_tampered("2")
def script_outside(_: StoredRun, scene: Scene) -> bytes:
    """The package says that its script is a Python file of the user, by `..`."""
    return packed(files=honest(script=f"{'../' * 20}{str(scene.secret_python)[1:]}"))


@_tampered("2", sampled=True)
def script_absolute(_: StoredRun, scene: Scene) -> bytes:
    """The package says that its script is a Python file of the user, by its absolute name."""
    return packed(files=honest(script=str(scene.secret_python)))


@_tampered("2")
def deep_facts(_: StoredRun, __: Scene) -> bytes:
    """What the package says of itself is JSON 100,000 deep."""
    return packed(files={**honest(), ".mf_meta/INFO": b"[" * 100_000})


@_tampered("2")
def odd_facts(_: StoredRun, __: Scene) -> bytes:
    """What the package says of itself is a list, and its script a number."""
    return packed(files={**honest(), ".mf_meta/INFO": b'[{"script": 7}]'})


@_tampered("2")
def module_files(_: StoredRun, scene: Scene) -> bytes:
    """The package's list of modules names the home."""
    marker = json.dumps({"version": 1, "module_files": [str(scene.home), "../../x", 7]}).encode()
    return packed(files={**honest(), ".mf_install": marker})


@attack("2", sampled=True)
def location_elsewhere(run: StoredRun, scene: Scene) -> None:
    """The package's record says that it lies in another datastore, which is not the flow run's."""
    store_package(run, packed(), location=str(scene.other / ".metaflow" / "SharedFlow" / "data"))


@attack("2")
def location_a_secret(run: StoredRun, scene: Scene) -> None:
    """The package's record says that it is a file of the user."""
    store_package(run, packed(), location=str(scene.docker), sha="config.json")


@attack("2")
def sha_a_path(run: StoredRun, scene: Scene) -> None:
    """The package's record has a path in place of a sha1."""
    store_package(run, packed(), sha=f"{'../' * 20}{str(scene.docker)[1:]}")


@attack("2")
def unknown_format(run: StoredRun, _: Scene) -> None:
    """The package's record names a format that does not exist."""
    odd = {"version": 0, "archive_format": "../../x", "mfcontent_version": 10**30}
    store_package(run, packed(), metadata=json.dumps(odd))


@attack("2")
def odd_record(run: StoredRun, _: Scene) -> None:
    """The package's record is no object, but JSON 50,000 deep."""
    for step in ("start", "middle", "end"):
        run.say(step, "code-package", "[" * 50_000)


@attack("2")
def store_of_another_type(run: StoredRun, scene: Scene) -> None:
    """The package's record says that it lies in S3, at the attacker's."""
    address = f"s3://127.0.0.1:{scene.canary.port}/bucket/SharedFlow/data/ab/abc"
    store_package(run, packed(), ds_type="s3", location=address)


def _with_checksum(archive: bytearray, start: int) -> bytes:
    """Mend the checksum of the header that begins there."""
    archive[start + 148 : start + 156] = b" " * 8
    total = sum(archive[start : start + 512])
    archive[start + 148 : start + 156] = b"%06o\0 " % total
    return bytes(archive)
