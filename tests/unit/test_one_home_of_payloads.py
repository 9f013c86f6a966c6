"""Values, files and log of a W&B run can be had apart, so that nobody wraps what they come from."""

from __future__ import annotations

import ast
from pathlib import Path

import mfwb
from mfwb.payload import PayloadBuilder
from mfwb.planning import Form
from tests.unit.payload.memory import TASK, MemoryContents, output, planned_file, planned_run

PACKAGE = Path(mfwb.__file__).parent


def test_contents_have_one_home() -> None:
    """The source's; no other class forwards a `Contents`."""
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and {"copy_included", "copy_card"}
        <= {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
    }

    assert found == {"ports.py", "source/contents.py"}


def test_the_parts_make_the_whole(tmp_path: Path) -> None:
    """What `prepare` returns is what the three return, and each returns its own alone."""
    contents = MemoryContents()
    contents.logs[TASK] = []
    file = planned_file(contents.add("kept", "kept"), Form.PICKLE, "kept")
    run = planned_run(outputs=[output(file)])
    builder = PayloadBuilder(tmp_path, keep=False)

    whole = builder.prepare(run, contents)
    values, files = builder.values(run, contents), builder.files(run, contents)
    log = builder.log(run, contents)
    builder.close()

    assert whole.artifacts == files.artifacts
    assert (values.artifacts, log.artifacts) == ((), ())
    assert whole.summary == values.summary
    assert whole.table == values.table
    assert whole.losses == (*values.losses, *files.losses, *log.losses)
