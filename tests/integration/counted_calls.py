"""Run commands of mfwb in this process, and count what each of them does: `counted_calls.py FILE`.

FILE has a JSON document: the arguments of each command, by name. It is replaced by one with the
counts: how often each function of mfwb was called, by all threads, and how often a file was opened
or a folder listed.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

_EVENTS = frozenset({"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove"})
_IMPORTED_LATE = ("mfwb.api", "mfwb.wiring", "mfwb.source.client", "mfwb.sink.wandb_sink")


def main() -> None:
    """Run the commands and write the counts."""
    file = Path(sys.argv[1])
    commands: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
    for name in _IMPORTED_LATE:  # to import takes more calls than to do the work
        importlib.import_module(name)
    current: list[Counter[str]] = []
    sys.addaudithook(lambda event, _: _count_event(current, event))
    counts = {name: _count(command, current) for name, command in commands.items()}
    file.write_text(json.dumps(counts), encoding="utf-8")


def _count_event(current: Sequence[Counter[str]], event: str) -> None:
    if current and event in _EVENTS:
        current[-1][event] += 1


def _count(command: Sequence[str], current: list[Counter[str]]) -> Counter[str]:
    from mfwb.cli import main as call  # noqa: PLC0415 - the import is not counted

    with _counted_calls() as counts, contextlib.redirect_stdout(io.StringIO()):
        current.append(counts)
        try:
            call(command)
        except SystemExit as end:
            if end.code:
                raise
        finally:
            current.clear()
    return counts


@contextlib.contextmanager
def _counted_calls() -> Iterator[Counter[str]]:
    package = str(Path(str(sys.modules["mfwb"].__file__)).parent)
    counts: Counter[str] = Counter()
    names: dict[CodeType, str] = {}  # those of mfwb's functions; of others, nothing

    def name_of(code: CodeType) -> str:
        is_ours = code.co_filename.startswith(package)
        return f"{code.co_filename.removeprefix(package)}: {code.co_name}" if is_ours else ""

    def count_call(frame: FrameType, event: str, _: Any) -> None:  # a million times
        if event == "call":
            code = frame.f_code
            name = names.get(code)
            if name is None:
                name = names[code] = name_of(code)
            if name:
                counts[name] += 1

    threading.setprofile(count_call)
    sys.setprofile(count_call)
    try:
        yield counts
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


if __name__ == "__main__":
    main()
