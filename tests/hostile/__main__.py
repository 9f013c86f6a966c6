"""Try out cases one by one, each with a folder and a healthy flow run of its own; print a table.

python -m tests.hostile [BEGINNING OF A NAME]... [--commands plan,offline] [--sampled]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.hostile.corpus import by_name
from tests.hostile.scene import SECONDS, Origin, Scene
from tests.support.sandbox import Sandbox

_COMMANDS = "plan,lineage,explain,offline,status,push,online"


def _main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile")
    parser.add_argument("names", nargs="*", default=[""])
    parser.add_argument("--commands", default=_COMMANDS)
    parser.add_argument("--sampled", action="store_true", help="only those of `make test`")
    parser.add_argument("--others", action="store_true", help="only the others")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--part", default="1/1", help="2/3: the second of every three cases")
    parser.add_argument("--out", type=Path, help="a file for lines of JSON")
    options = parser.parse_args()
    number, parts = map(int, options.part.split("/"))
    cases = [case for name in options.names for case in by_name(name)]
    cases = [item for item in cases if not options.sampled or item.sampled]
    cases = [item for item in cases if not options.others or not item.sampled]
    wrong = calls = 0
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        origin = _origin(Path(folder) / "origin")
        for case in cases[number - 1 :: parts]:
            root = Path(folder) / "scene"
            with Scene(root, origin) as scene:
                scene.add(case)
                scene.add_healthy()
                for command in options.commands.split(","):
                    full = (
                        f"{command} {case.name}"
                        if command in {"lineage", "explain", "report"}
                        else command
                    )
                    began = time.monotonic()
                    done, problems = scene.try_out(full, seconds=options.seconds)
                    wrong += bool(problems)
                    calls += 1
                    seen.update(event.name for event in done.events)
                    facts = {
                        "row": case.row,
                        "case": case.name,
                        "command": command,
                        "code": done.code,
                        "seconds": round(done.seconds, 1),
                        "megabytes": done.peak // 1_000_000,
                        "problems": problems,
                        "checked": round(time.monotonic() - began - done.seconds, 1),
                    }
                    _tell(facts, options.out)
            shutil.rmtree(root)
    shown = ", ".join(f"{name} {count:,}" for name, count in seen.most_common())
    sys.stderr.write(
        f"{len(cases)} cases, {calls} calls, {wrong} with problems; audited: {shown}\n"
    )
    return 1 if wrong else 0


def _origin(folder: Path) -> Origin:
    folder.mkdir()
    (folder / "words.txt").write_text("eins\nzwei\n", encoding="utf-8")
    done = Sandbox(folder).flow("shared_flow")
    latest = folder / ".metaflow" / "SharedFlow" / "latest_run"
    if not latest.exists():
        raise SystemExit(done.err)
    return Origin(folder, latest.read_text(encoding="utf-8"))


def _tell(facts: dict[str, object], out: Path | None) -> None:
    line = json.dumps(facts)
    if out is not None:
        with out.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    else:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(_main())
