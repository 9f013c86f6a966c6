"""The example notebook: it is executed, and compared with what is committed.

`python -m tests.docs.notebooks` runs the sample flow, executes the notebook and writes it anew.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

from tests.docs.scene import run_wine_flow
from tests.support.sandbox import Sandbox

__all__ = ["NOTEBOOK", "execute", "outputs_of"]

_REPOSITORY = Path(__file__).parents[2]
NOTEBOOK = _REPOSITORY / "examples" / "notebook.ipynb"
_EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=120, kernel_name="python3", record_timing=False).execute()
nbformat.write(notebook, sys.argv[2])
"""


def execute(folder: Path, flow_runs: Path) -> Any:
    """Return the notebook, executed by a kernel of its own.

    Args:
        folder: where it works.
        flow_runs: where the sample flow was run; the outputs call it `demo`.
    """
    sandbox = Sandbox(folder, {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(flow_runs)})
    executed = sandbox.root / "executed.ipynb"
    done = sandbox.run(sys.executable, "-W", "ignore", "-c", _EXECUTE, str(NOTEBOOK), str(executed))
    assert done.code == 0, done.err
    text = executed.read_text(encoding="utf-8")
    text = text.replace(str(flow_runs), "demo").replace(str(folder), "demo")
    notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if "outputs" in cell:  # progress is another one each time
            cell.outputs = [one for one in cell.outputs if one.output_type != "stream"]
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    return notebook


def outputs_of(notebook: Any) -> list[list[str]]:
    """Return the outputs of each cell as texts in which ids, times and sizes are all the same.

    Of HTML it has only that it is there, since its looks change often; other tests look into it.
    """
    return [
        [_normal(_text_of(output)) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def _text_of(output: Any) -> str:
    if output.output_type == "error":
        return "\n".join(output.traceback)
    return "\n".join(
        kind if kind == "text/html" else f"{kind}: {''.join(text)}"
        for kind, text in sorted(output.data.items())
    )


def _normal(text: str) -> str:
    without_units = re.sub(r"\b(second|minute|hour)s?\b", "moment", text)
    return re.sub(r"\d+(?:[.:,-]\d+)*( (KB|MB|B|min|s|ms)\b)*", "0", without_units)


def _renew() -> None:
    with tempfile.TemporaryDirectory() as folder:
        flow_runs, own = Path(folder, "flow_runs"), Path(folder, "own")
        flow_runs.mkdir()
        own.mkdir()
        run_wine_flow(flow_runs)
        notebook = execute(own, flow_runs)
    nbformat.write(notebook, NOTEBOOK)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    _renew()
