"""The program of a process that tries to load pickles; `trials` starts it.

Each line of stdin is a JSON list of a way to load and the pickle in base64, each line of stdout
what came of it. A pickle that takes too much memory gets a MemoryError, and one that takes too long
ends the process.
"""

from __future__ import annotations

import base64
import ctypes
import json
import pickle
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mfwb import pickles
from mfwb.conversion.arrays import load_array
from mfwb.conversion.inspector_child import Inspection, inspect_here
from mfwb.conversion.json_files import load_value
from mfwb.conversion.tables import load_frame
from mfwb.errors import ItemLost
from mfwb.isolation.memory_limit import cap_memory
from mfwb.payload.values import decode
from mfwb.pickles.content_digest import content_digest
from tests.support.hostile_pickles.makers import MARKER

MEMORY_LIMIT = 500_000_000  # bytes
TIME_LIMIT = 20  # seconds of CPU, which a busy machine makes longer

WAYS: dict[str, Callable[[bytes], Any]] = {
    "value": decode,
    "shown": lambda data: decode(data, "shown"),
    "inside": lambda data: inspect_here("", Inspection.INSIDE, [data]),
    "file": load_value,
    "table": load_frame,
    "array": load_array,
    "names": pickles.read_names,
    "digest": content_digest,
    "pickle": pickle.loads,  # for what is known to run nothing
    "execute": lambda _: Path(MARKER).touch(),
}


def main() -> None:
    """Try all pickles of stdin."""
    for line in sys.stdin:
        way, encoded = json.loads(line)
        sys.stdout.write(json.dumps(_outcome(WAYS[way], base64.b64decode(encoded))) + "\n")
        sys.stdout.flush()


def _outcome(load: Callable[[bytes], Any], data: bytes) -> str:
    cap_memory(MEMORY_LIMIT, threads=0)
    signal.setitimer(signal.ITIMER_PROF, TIME_LIMIT)  # nobody handles its signal
    try:
        load(data)
    except MemoryError:
        outcome = "no memory"
    except ItemLost as error:
        outcome = f"lost: {error}" if "enough memory" not in str(error) else "no memory"
    except Exception as error:  # noqa: BLE001 - a hostile pickle can raise anything
        outcome = f"refused: {type(error).__name__}: {error}"[:1000]
    else:
        outcome = "loaded"
    signal.setitimer(signal.ITIMER_PROF, 0)
    return "executed" if _is_marked() else outcome


def _is_marked() -> bool:
    getenv = ctypes.CDLL(None).getenv  # `putenv` goes past `os.environ`
    getenv.restype = ctypes.c_char_p
    marker = Path(MARKER)
    is_marked = getenv(MARKER.encode()) is not None or marker.exists()
    marker.unlink(missing_ok=True)
    return is_marked


if __name__ == "__main__":
    main()
