"""Metaflow in processes that need not import Metaflow, pandas and scikit-learn anew.

To run a flow of eight tasks takes nine processes, and most of their time goes into imports. A
server imports the packages that flows use. It forks for each flow run; the fork imports Metaflow,
in the folder and with the variables it is told, and forks again: for the program that runs the
flow, and for each script that this one starts with `sys.executable`, which is a launcher then.

What is not as with `python flow.py`: packages that a flow imports are there already, and all tasks
of one server hash texts alike.
"""

from __future__ import annotations

import importlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from tests.support.known_code import know_code_of
from tests.support.launcher import (
    answer_launchers,
    end_of,
    ending_early,
    fork,
    listen,
    warm_up,
    write_launcher,
)
from tests.support.warm import Process, serve, wait_for_somebody

__all__ = ["start_script"]

_REPOSITORY = Path(__file__).resolve().parents[2]
_USED = (
    *("asyncio", "importlib.metadata", "importlib.resources", "requests", "yaml"),
    *("pandas", "pyarrow.parquet", "pyarrow.pandas_compat"),
    *("sklearn.datasets", "sklearn.ensemble", "sklearn.linear_model", "sklearn.model_selection"),
)
_USED_BY_TASKS = tuple(
    f"metaflow.{name}"
    for name in ("cli", "cli_components.run_cmds", "cli_components.step_cmd", "runtime", "task")
)
"""What each process of a flow run imports after the flow's class is there, which they look at."""


def start_script(
    script: str, *arguments: str, folder: Path, environment: Mapping[str, str]
) -> Process:
    """Start `python script arguments` in a folder, with all its variables."""
    everything = [script, *arguments]
    return Process(everything, folder=folder, environment=environment, server=__name__)


def _main() -> None:
    control = wait_for_somebody()
    know_code_of(["metaflow", *_USED_BY_TASKS])
    warm_up(_USED)
    call = serve(control)
    if call is None:
        return
    sys.path[:] = [path for path in sys.path if path not in {"", str(_REPOSITORY)}]
    sys.path[:0] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    with suppress(ImportError):
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")
    location = Path(tempfile.mkdtemp(prefix="warm-", dir="/tmp"))
    code = _run(call["arguments"], location)
    shutil.rmtree(location)
    with ending_early():
        sys.exit(code if code >= 0 else 128 - code)


def _run(arguments: Sequence[str], place: Path) -> int:
    """Run a script, and those that it starts, in forks of this process.

    Returns the script's exit code, negative for a signal.
    """
    launcher, address = place / "python", place / "socket"
    write_launcher(launcher, {"script ": address})
    sys.executable = str(launcher)
    listener = listen(address)
    sys.modules["__main__"] = ModuleType("__main__")  # Metaflow puts something there
    importlib.import_module("metaflow")
    first, life = fork()
    if first == 0:
        _be(arguments)
    answer_launchers(listener, _be, until=life)
    return end_of(first)


def _be(arguments: Sequence[str]) -> NoReturn:
    """Do what `python -u` does with a script and its arguments, and end."""
    # Files of the other processes are open here: a life ends only with the process that holds its
    # other side, which nobody else has; and who calls is told by a message, not by an end.
    sys.stdout, sys.stderr = _written_at_once(1), _written_at_once(2)
    sys.modules["numpy"].random.seed()  # it is each process's own
    main = sys.modules["__main__"]
    main.__file__ = arguments[0]
    sys.argv[:] = arguments
    sys.path.insert(0, str(Path(arguments[0]).resolve().parent))
    code = compile(Path(arguments[0]).read_bytes(), arguments[0], "exec", dont_inherit=True)
    with ending_early():
        exec(code, main.__dict__)  # noqa: S102 - it is what this is for
    raise AssertionError("it has ended")


def _written_at_once(stream: int) -> io.TextIOWrapper:
    raw = open(stream, "wb", buffering=0, closefd=False)  # noqa: SIM115 - as long as we live
    return io.TextIOWrapper(raw, encoding="utf-8", write_through=True)


if __name__ == "__main__":
    _main()
