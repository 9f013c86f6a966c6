"""What is timed, each in a process of its own: seconds on stdout, imports not counted."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

__all__ = ["main"]

_STEPS = 50


def by_metaflow(pathspec: str, metadata: str) -> int:
    """Ask each task for its parents, and return how many there are."""
    import metaflow  # noqa: PLC0415 - each program imports what it times

    metaflow.metadata(metadata)
    metaflow.namespace(None)
    parents = 0
    for step in metaflow.Run(pathspec):
        for task in step:
            parents += len(list(task.parent_tasks))
    return parents


def by_mfwb(pathspec: str, metadata: str) -> int:
    """Read the flow run, rebuild its lineage, and return how many parents there are."""
    from mfwb import api  # noqa: PLC0415

    traced = api.lineage(pathspec, metadata=metadata)
    return sum(len(parents) for parents in traced.lineage.parents.values())


def analysis(*_: str) -> int:
    """Read the source of a flow of 50 steps, and return how many there are."""
    from mfwb.lineage.static_analysis import read_flow_code  # noqa: PLC0415
    from mfwb.snapshot import SourceCode  # noqa: PLC0415

    source = SourceCode("flow.py", {"flow.py": _source()}, "file")
    return len(read_flow_code(source, "LongFlow").steps)


def _source() -> str:
    lines = ["from metaflow import FlowSpec, step", "", "class LongFlow(FlowSpec):"]
    names = ["start", *(f"step_{number}" for number in range(_STEPS - 2)), "end"]
    for name, following in zip(names, [*names[1:], None], strict=True):
        lines += [
            "    @step",
            f"    def {name}(self):",
            f"        self.{name}_list = [self.helper(n) for n in range(10)]",
            f"        for n in self.{name}_list:",
            "            if n > 3:",
            f"                self.{name}_best = n",
            "            else:",
            f"                self.{name}_worst = getattr(self, 'start_list')",
            f"        self.next(self.{following})"
            if following
            else "        print(self.start_list)",
        ]
    return "\n".join([*lines, "    def helper(self, n):", "        return self.start_list and n"])


_PROGRAMS: dict[str, Callable[..., int]] = {
    "metaflow": by_metaflow,
    "mfwb": by_mfwb,
    "analysis": analysis,
}


def main() -> None:
    """Run one of them twice: the second time all is imported."""
    name, *arguments = sys.argv[1:]
    program = _PROGRAMS[name]
    count = program(*arguments) if name != "metaflow" else 0
    began = time.perf_counter()
    count = program(*arguments)
    print(time.perf_counter() - began, count)


if __name__ == "__main__":
    main()
