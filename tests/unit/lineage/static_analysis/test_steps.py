"""Lines of steps equal those in Metaflow's own graph."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from mfwb.lineage.static_analysis import read_flow_code
from mfwb.lineage.static_analysis.program.metaflow_names import FLOW_API, PRIVATE_ATTRIBUTES
from mfwb.snapshot import SourceCode

SCRIPT = '''\
"""A flow
with a docstring."""
import functools
from metaflow import FlowSpec, step, retry, environment, catch


def local(f):
    @functools.wraps(f)
    def inner(self):
        return f(self)
    return inner


class Base(FlowSpec):

    @retry(times=2)
    @environment(
        vars={
            "A": """a
b"""
        }
    )
    @step
    # a comment
    def start(self):
        """Doc."""
        self.next(self.mid)


class F(Base):
    if True:
        @step
        def mid(
            self,
        ):
            self.next(self.last, self.other)

    @step
    @local
    def other(self): self.next(self.join)

    @catch(var="e")
    @step
    def last(self): self.next(self.join)

    @step
    def join(self, inputs): self.next(self.end)

    @step

    def end(self):
        pass
'''

ASK = """
import json, sys
sys.path.insert(0, ".")
from flow import F
from metaflow import FlowSpec
print(json.dumps({
    "line": {node.name: node.func_lineno for node in F._graph},
    "next": {node.name: sorted(node.out_funcs) for node in F._graph},
    "names": [*dir(FlowSpec), *FlowSpec._EPHEMERAL, *FlowSpec._NON_PARAMETERS],
}))
"""


def metaflow_says(folder: Path) -> Any:
    """Return what the installed Metaflow makes of the script, in a process of its own."""
    (folder / "flow.py").write_text(SCRIPT, encoding="utf-8")
    env = {"METAFLOW_HOME": str(folder), "METAFLOW_USER": "tester", "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=folder,
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def test_line_and_next_are_those_of_metaflow(tmp_path: Path) -> None:
    """Decorators, comments, blocks and bases included; and no name of FlowSpec is unknown."""
    reported = metaflow_says(tmp_path)

    result = read_flow_code(SourceCode("flow.py", {"flow.py": SCRIPT}, "file"), "F").steps

    assert {step.name: step.line for step in result.values()} == reported["line"]
    assert {step.name: list(step.next) for step in result.values()} == reported["next"]
    public = {name for name in reported["names"] if not name.startswith("__")}
    assert public <= FLOW_API | PRIVATE_ATTRIBUTES
