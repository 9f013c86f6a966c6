"""A machine that syncs, in a folder: its user's home with secrets, a shared datastore, a W&B."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import socket
import stat
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from tests.hostile import opcodes
from tests.hostile.case import Case
from tests.hostile.policy import Bounds, violations
from tests.hostile.stored_run import FLOW, StoredRun, copy_of
from tests.hostile.watch import Interpreter, Watched
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import WandbServer

__all__ = ["MOST_MEMORY", "SECONDS", "Canary", "Origin", "Scene"]

SECONDS = 30.0
"""What a command may take over a hostile flow run and a healthy one."""

MOST_MEMORY = 500_000_000
"""Bytes that a command and its children may have at one time."""

_OWN = ("tmp", "bundle", "state", "home/wandb-config", "home/wandb-data", "home/wandb-cache")
_LARGE = 20_000_000  # bytes; of larger files only size and time are compared
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
_HEALTHY = "healthy"


@dataclass(frozen=True)
class Origin:
    """The honest flow run that all others are copies of."""

    folder: Path
    run_id: str


class Canary:
    """A server that nobody has reason to connect to."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.connections = 0
        self.received = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def forget(self) -> None:
        """Begin to count anew."""
        self.connections, self.received = 0, b""

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(2)
                try:
                    self.received += connection.recv(1 << 16)
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                except OSError:
                    pass


@dataclass
class Scene:
    """Where a command runs over flow runs that somebody tampered with; a context manager."""

    root: Path
    origin: Origin
    runs: dict[str, StoredRun] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    _harmless: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the folders, the secrets, and what listens."""
        for name in ("home", "store", "work", "markers", "tmp", "other"):
            (self.root / name).mkdir(parents=True)
        self.canary = Canary()
        self.server = WandbServer()
        self.interpreter = Interpreter(self.root / "python")
        self._hide()

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.stop()
        self.canary.close()

    # What is there

    @property
    def store(self) -> Path:
        """The folder that holds the shared `.metaflow`."""
        return self.root / "store"

    @property
    def home(self) -> Path:
        """The home of the user who syncs."""
        return self.root / "home"

    @property
    def work(self) -> Path:
        """The folder in which commands are given."""
        return self.root / "work"

    @property
    def other(self) -> Path:
        """A folder with a datastore that only the user who syncs may read."""
        return self.root / "other"

    @property
    def netrc(self) -> Path:
        """A file with a password."""
        return self.home / ".netrc"

    @property
    def docker(self) -> Path:
        """Another one, in JSON."""
        return self.home / ".docker" / "config.json"

    @property
    def secret_python(self) -> Path:
        """A Python file with a password, and a flow of the same name and shape."""
        return self.home / "secret_settings.py"

    def marker(self, run: StoredRun) -> Path:
        """Return the file that a pickle makes when it is executed."""
        return self.root / "markers" / run.label

    def token(self, name: str) -> str:
        """Return a secret, one for each name."""
        return self.tokens.setdefault(name, f"SECRET{secrets.token_hex(12)}")

    def _hide(self) -> None:
        token = self.token
        files = {
            self.netrc: f"machine api.wandb.ai login user password {token('netrc')}\n",
            self.docker: json.dumps({"auths": {"x": {"auth": token("docker")}}}),
            self.home / ".ssh" / "id_ed25519": f"-----BEGIN {token('ssh')}\n",
            self.home / ".env": f"PASSWORD={token('env')}\n",
            self.home / ".bashrc": f"export X={token('bashrc')}\n",
            self.home / ".config" / "x" / "y.toml": f"key = '{token('config')}'\n",
            self.secret_python: self._secret_program(),
            self.work / "notes.txt": f"{token('work')}\n",
        }
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            os.utime(path, (1_000_000_000, 1_000_000_000))
        secret = copy_of(self.origin.folder, self.origin.run_id, self.other, "7000", "secret")
        secret.replace("values", opcodes.dumps({"password": token("other-value")}))
        secret.replace("kept", opcodes.dumps([token("other-list")]))
        secret.fill_log("start", f"{token('other-log')}\n".encode())
        for card in secret.cards.rglob("*.html"):
            card.write_text(f"<p>{token('other-card')}</p>", encoding="utf-8")

    def _secret_program(self) -> str:
        from tests.support.sandbox import FLOWS  # noqa: PLC0415 - the text of the honest flow

        text = (FLOWS / "shared_flow.py").read_text(encoding="utf-8")
        name = self.token("python")
        return text.replace(
            "self.number + len(self.frame)", f"self.number + len(self.frame) + self.{name}"
        )

    @property
    def extra(self) -> dict[str, str]:
        """The variables of the user who syncs."""
        return {
            "TMPDIR": str(self.root / "tmp"),
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(self.store),
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": self.token("variable"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "WANDB_BASE_URL": self.server.base_url,
            "WANDB_API_KEY": self.server.api_key,
        }

    # Flow runs

    def add(self, case: Case) -> StoredRun:
        """Add a flow run, and tamper with it."""
        run = self._copy(f"{1_700_000_000_000_000 + len(self.runs)}", case.name)
        self.cases[case.name] = case
        case.build(run, self)
        return run

    def add_healthy(self) -> StoredRun:
        """Add one with which nobody tampered; once, and after all others."""
        return self._copy("1700000000999999", _HEALTHY)

    def _copy(self, run_id: str, label: str) -> StoredRun:
        run = copy_of(self.origin.folder, self.origin.run_id, self.store, run_id, label)
        self.runs[label] = run
        return run

    # Commands

    def run(
        self,
        *arguments: str,
        seconds: float = SECONDS,
        without: tuple[str, ...] = (),
        more: Mapping[str, str] | None = None,
    ) -> Watched:
        """Run mfwb over them.

        Args:
            arguments: of the command line.
            seconds: after which it is ended.
            without: variables that the user has not set.
            more: variables that the user has set as well.
        """
        environment = Sandbox(self.root, {**self.extra, **(more or {})}, without).environment
        environment = {
            name: value for name, value in environment.items() if not name.startswith("PYTHON")
        }
        return self.interpreter.run(
            [str(self.interpreter.mfwb), *arguments],
            folder=self.work,
            environment=environment,
            seconds=seconds,
        )

    def arguments(self, command: str) -> tuple[str, ...]:
        """Return the command line of a command, over one flow run or over all."""
        read = ("--metadata", f"local@{self.store}")
        # Each way to W&B has a project of its own, or it would find all done by the other.
        to = ("--project", "online" if command == "online" else "bundle", "--entity", "acme")
        bundle = ("--mode", "offline", "--dir", str(self.root / "bundle"))
        everything = (FLOW, "--all", "--json")
        verb, _, label = command.partition(" ")
        if label:
            run = self.runs[label].pathspec
            return {
                "lineage": ("lineage", run, "--explain", *read),
                "report": ("report", run, "-o", "-", *read),
                "explain": ("explain", f"{run}/{self._explained(label)}", *read, *to),
            }[verb]
        return {
            "plan": ("plan", FLOW, "--all", "--verbose", *read, *to),
            "offline": ("sync", *everything, *bundle, *read, *to),
            "status": ("status", *bundle, *to),
            "push": ("push", str(self.root / "bundle")),
            "online": ("sync", *everything, *read, *to),
        }[verb]

    def _explained(self, label: str) -> str:
        return self.cases[label].explain if label in self.cases else "start/frame"

    def try_out(self, command: str, *, seconds: float = SECONDS) -> tuple[Watched, list[str]]:
        """Run a command, and return what was wrong with what it did."""
        self.forget()
        before = self.snapshot()
        done = self.run(*self.arguments(command), seconds=seconds)
        return done, [*self.problems(done, before), *self.outcomes(command, done)]

    def forget(self) -> None:
        """Clear away what the command before has left as evidence."""
        for path in (self.root / "markers").iterdir():
            path.unlink()
        self.server.clear_requests()
        self.canary.forget()

    # What must not be

    def bounds(self) -> Bounds:
        """Return what a command may touch."""
        own = tuple(self.root / name for name in _OWN)
        return Bounds(
            readable=(self.root,),
            writable=(
                *own,
                self.interpreter.events_folder,
                self.root / "home" / ".cache",
                self.root / "home" / ".config/wandb",
            ),
            secret=self._secret_places(),
            ports=(self.server.port,),
            folder=self.work,
        )

    def _secret_places(self) -> tuple[Path, ...]:
        # The source of a local flow run may lie anywhere, so that a Python file is read where a
        # flow run says that it is its source. What is in it may not be told all the same.
        names = (".netrc", ".docker", ".ssh", ".env", ".bashrc", ".config/x")
        return (*(self.home / name for name in names), self.other, self.work / "notes.txt")

    def snapshot(self) -> dict[str, tuple[Any, ...]]:
        """Return all files but those of a command's own folders."""
        own = {self.root / name for name in (*_OWN, "python", "home/.cache", "home/.config/wandb")}
        return {
            os.fsencode(path.relative_to(self.root)).decode("utf-8", "backslashreplace"): _state(
                path
            )
            for path in _files(self.root, own)
        }

    def problems(self, done: Watched, before: Mapping[str, tuple[Any, ...]]) -> list[str]:
        """Return what a command did that it must not do, whatever flow runs it was given."""
        return [
            *_ended(done),
            *_printed(done),
            *self._changed(before),
            *(f"touched: {violation}" for violation in violations(done.events, self.bounds())),
            *(f"executed: {path.name}" for path in sorted((self.root / "markers").iterdir())),
            *self._leaked(done),
            *self._connected(),
        ]

    def _connected(self) -> list[str]:
        count = self.canary.connections
        return [f"connected: {count} times to a server of the attacker"] if count else []

    def _changed(self, before: Mapping[str, tuple[Any, ...]]) -> Iterator[str]:
        after = self.snapshot()
        for name in sorted(before.keys() | after.keys()):
            if name not in after:
                yield f"removed: {name}"
            elif name not in before:
                yield f"made: {name}"
            elif before[name] != after[name]:
                yield f"changed: {name}"

    def _leaked(self, done: Watched) -> Iterator[str]:
        needles = self._needles()
        begins = {form[:6] for forms in needles.values() for form in forms}
        for location, state, data in self._sent(done):
            if self._harmless.get(location) == (begins, state):
                continue  # it was searched after the command before
            content = data if isinstance(data, bytes) else data.read_bytes()
            if not any(begin in content for begin in begins):
                self._harmless[location] = (begins, state)
                continue  # nearly always, and told at once: all secrets begin alike
            for name, forms in needles.items():
                if any(form in content for form in forms):
                    yield f"leaked: {name} in {location}"

    def _needles(self) -> dict[str, list[bytes]]:
        known = {**self.tokens, "W&B's key": self.server.api_key}
        return {name: _forms(token.encode()) for name, token in known.items()}

    def _sent(self, done: Watched) -> Iterator[tuple[str, object, bytes | Path]]:
        """Yield all that left the machine, or is meant to, each with what changes if it does."""
        for location, data in self._sent_by(done):
            yield location, data, data
        for folder in (self.root / "bundle", self.root / "state"):
            for path in _files(folder, set()):
                if path.is_file() and not path.is_symlink() and path.stat().st_size < 50 * _LARGE:
                    result = path.stat()
                    state = (result.st_ino, result.st_size, result.st_mtime_ns, result.st_ctime_ns)
                    yield f"the file {path.relative_to(self.root)}", state, path

    def _sent_by(self, done: Watched) -> Iterator[tuple[str, bytes]]:
        yield "stdout", done.out.encode("utf-8", "surrogateescape")
        yield "stderr", done.err.encode("utf-8", "surrogateescape")
        yield "a request to the attacker", self.canary.received
        for request in self.server.requests:
            body = json.dumps(request.variables, default=str).encode()
            yield f"a request ({request.operation or request.path})", body
        for location in self.server.state.projects():
            for run in self.server.state.runs(location).values():
                for name, data in run.files.items():
                    yield f"W&B's file {run.display_name}/{name}", data
            for version in self.server.state.versions(location):
                for name, data in version.files.items():
                    yield f"W&B's artifact {version.path}/{name}", data

    def outcomes(self, command: str, done: Watched) -> list[str]:
        """Return what is wrong with what a sync says became of the flow runs."""
        if command not in {"offline", "online"} or done.code is None:
            return []
        document = done.document
        if document is None:
            return [f"said nothing: {done.err.strip()[-200:]!r}"]
        result = {item["pathspec"]: item for item in document["flow_runs"]}
        problems = []
        for label, run in self.runs.items():
            outcome = result.get(run.pathspec)
            if label == _HEALTHY:
                problems += _unlike_healthy(outcome)
            elif outcome is not None:
                problems += _unlike(self.cases[label], outcome)
            elif not self.cases[label].alone:
                problems.append(f"left out: {label}")
        return problems


def _unlike_healthy(outcome: dict[str, Any] | None) -> list[str]:
    if outcome is None:
        return ["healthy: not even named"]
    if outcome["status"] not in {"synced", "unchanged"}:
        return [f"healthy: {outcome['status']}: {outcome.get('reason')}"]
    lost = [loss for loss in _losses(outcome) if not loss["item"].endswith("/path")]
    return [f"healthy: lost {item['item']}: {item['reason']}" for item in lost]


def _unlike(case: Case, outcome: dict[str, Any]) -> list[str]:
    status, reason, losses = outcome["status"], outcome.get("reason"), _losses(outcome)
    if status in {"failed", "skipped"}:
        return [] if reason else [f"{case.name}: {status} without a reason"]
    unexplained = [loss["item"] for loss in losses if not loss["reason"]]
    if unexplained:
        return [f"{case.name}: lost without a reason: {', '.join(unexplained)}"]
    if case.ends == "failed" or (case.ends == "lost" and not losses):
        return [f"{case.name}: {status}, and nothing is said to be lost"]
    return []


def _losses(outcome: dict[str, Any]) -> list[dict[str, str]]:
    return [loss for run in outcome.get("wandb_runs", ()) for loss in run["losses"]]


def _ended(done: Watched) -> list[str]:
    problems = []
    if done.code is None:
        problems.append(f"hung: no end within {done.seconds:.0f} s")
    elif done.code < 0:
        problems.append(f"crashed: signal {-done.code}")
    elif done.code == 70:
        problems.append(f"bug: exit code 70, {done.err.strip().splitlines()[-1:]}")
    elif done.code not in {0, 1, 2, 3}:
        problems.append(f"exit code {done.code}: {done.err.strip()[-200:]}")
    if "Traceback (most recent call last)" in done.err + done.out:
        problems.append(f"traceback: {done.err.strip().splitlines()[-1:]}")
    if done.peak > MOST_MEMORY:
        problems.append(f"memory: {done.peak / 1e6:,.0f} MB")
    return problems


def _printed(done: Watched) -> list[str]:
    result = {char for char in done.out + done.err if char != "\n" and _is_control(char)}
    return [f"printed: control characters {sorted(map(ascii, result))}"] if result else []


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs"} or char in _BIDI


def _forms(token: bytes) -> list[bytes]:
    """Return a token as it is, and as it lies in base64, wherever it begins in there."""
    shifted = [base64.b64encode(bytes(before) + token)[4:-4] for before in range(3)]
    return [token, *(item for item in shifted if item)]


def _files(root: Path, without: set[Path]) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(item for item in folders if here / item not in without)
        for name in sorted({*names, *folders}):
            yield here / name


def _state(path: Path) -> tuple[Any, ...]:
    result = path.lstat()
    kind = stat.S_IFMT(result.st_mode)
    if stat.S_ISLNK(kind):
        return kind, str(path.readlink())
    if not stat.S_ISREG(kind):
        return kind, stat.S_IMODE(result.st_mode)
    digest = _digest(path, result.st_ino, result.st_size, result.st_mtime_ns, result.st_ctime_ns)
    return kind, stat.S_IMODE(result.st_mode), result.st_mtime_ns, result.st_size, digest


@lru_cache(maxsize=100_000)
def _digest(path: Path, _inode: int, size: int, _written: int, _changed: int) -> str:
    """Return a digest of a file, read once as long as nobody touches it: ctime can't be set."""
    return "" if size > _LARGE else hashlib.sha256(path.read_bytes()).hexdigest()
