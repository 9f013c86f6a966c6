"""Prints for each shape of flow run how far mfwb's lineage is true.

python -m tests.support.lineage_table
`--help` says how to choose, to see in words what is wrong, and to keep the flow runs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.support.truth.comparison import Comparison, total
from tests.support.truth.shapes import SHAPES
from tests.support.truth.stage import Stage

_HEADER = (
    *("shape", "tasks", "parents", "reads", "found", "missed", "extra"),
    *("producers", "not known", "unused edges", "seconds"),
)


def _row(name: str, one: Comparison, seconds: float) -> tuple[str, ...]:
    return (
        name,
        str(one.tasks),
        f"{one.parents}/{one.tasks}",
        str(one.read),
        str(one.found),
        str(len(one.missed_reads)),
        str(one.extra),
        f"{one.producers}/{one.edges}",
        str(one.not_known),
        str(one.unused),
        f"{seconds:.0f}",
    )


def main() -> None:
    """Run the shapes and print the table."""
    parser = argparse.ArgumentParser(description="How far mfwb's lineage is true, by shape.")
    parser.add_argument("shapes", nargs="*", help="their names; none: all")
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is wrong")
    parser.add_argument("--folder", type=Path, help="keep the flow runs there, and use them again")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = chosen.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stage = stack.enter_context(Stage.open(folder.resolve()))
        _print_table(stage, chosen.shapes or list(SHAPES), chosen.verbose)


def _print_table(stage: Stage, wanted: list[str], verbose: bool) -> None:  # noqa: FBT001
    _say("| " + " | ".join(_HEADER) + " |")
    _say("|---" * len(_HEADER) + "|")
    all_of_them, all_seconds = [], 0.0
    for name in wanted:
        played = stage.play(name, SHAPES[name])
        item = total([stage.compare(flow_run) for flow_run in played.flow_runs])
        all_of_them.append(item)
        all_seconds += played.seconds
        _say("| " + " | ".join(_row(name, item, played.seconds)) + " |")
        if verbose:
            _explain(item)
    whole = total(all_of_them)
    _say("| " + " | ".join(_row("**all**", whole, all_seconds)) + " |")
    _say(f"\nPrecision of reads: {whole.precision:.1%}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _explain(one: Comparison) -> None:
    for kind, lines in vars(one).items():
        if isinstance(lines, list):
            for line in lines:
                _say(f"    {kind.replace('_', ' ')}: {line}")


if __name__ == "__main__":
    main()
