"""The public names of mfwb, and that each import order leads to the same."""

from __future__ import annotations

import inspect
import pickle
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import mfwb
from mfwb import api, errors
from mfwb.outcome import Result
from mfwb.shards.backfill import backfill
from mfwb.verification_outcome import Verification

PUBLIC = {
    "Result",
    "Verification",
    "__version__",
    "backfill",
    "doctor",
    "errors",
    "explain",
    "lineage",
    "plan",
    "push",
    "rebuild",
    "report",
    "status",
    "sync",
    "verify",
}
FUNCTIONS = PUBLIC - {
    "backfill",
    "Result",
    "Verification",
    "__version__",
    "errors",
    "lineage",
    "report",
}

_CALL = """
import mfwb
try:
    mfwb.lineage("Flow")
except mfwb.errors.UsageError as error:
    print(error)
print(mfwb.lineage.Edge.__module__, mfwb.lineage.__name__)
"""


def test_public_names() -> None:
    """`__all__` and `dir` are the list of the public names, and each of them exists."""
    assert set(mfwb.__all__) == PUBLIC
    assert dir(mfwb) == sorted(PUBLIC)
    assert mfwb.backfill is backfill
    assert {name: getattr(mfwb, name) for name in FUNCTIONS} == {
        name: getattr(api, name) for name in FUNCTIONS
    }
    assert mfwb.Result is Result
    assert mfwb.Verification is Verification
    assert mfwb.errors is errors


def test_each_public_name_is_documented() -> None:
    """docs/python.md lists them, and README links it."""
    root = Path(__file__).parents[2]
    rows = re.findall(
        r"^\| `mfwb\.(\w+)", (root / "docs/python.md").read_text("utf-8"), re.MULTILINE
    )

    assert set(rows) == PUBLIC
    assert "(docs/python.md)" in (root / "README.md").read_text("utf-8")


def test_a_star_import_brings_all_of_them() -> None:
    """Names that are imported on first use are among them."""
    names: dict[str, object] = {}

    exec("from mfwb import *", names)  # noqa: S102 - a function can't contain it

    assert names.keys() - {"__builtins__"} == PUBLIC


def test_an_unknown_name_is_an_attribute_error() -> None:
    """It is no name of the package, and `hasattr` works."""
    with pytest.raises(AttributeError, match="module 'mfwb' has no attribute 'replay'"):
        mfwb.replay  # type: ignore[attr-defined]  # noqa: B018 - the access is the test


def test_the_names_cost_nothing_before_they_are_used() -> None:
    """`import mfwb` imports neither an SDK nor pydantic nor rich."""
    heavy = {"metaflow", "wandb", "pydantic", "rich"}

    assert _output(f"import sys, mfwb; dir(mfwb); print({heavy} & {{*sys.modules}})") == "set()\n"


_ORDERS = (
    "import mfwb.lineage.model as model; assert model.Edge",
    "from mfwb import lineage; assert callable(lineage)",
    "import mfwb; mfwb.lineage; import mfwb.lineage.model",
    "import mfwb, importlib, mfwb.lineage; importlib.reload(mfwb.lineage)",
    "import mfwb.lineage, sys; del sys.modules['mfwb']",
)
_MORE_ORDERS = (
    "import mfwb",
    "import mfwb.lineage",
    "import mfwb.lineage.model",
    "from mfwb.lineage import Edge",
    "from mfwb.lineage.static_analysis import analyze",
    "from mfwb import *; assert callable(lineage)",
    "import mfwb.api, mfwb.lineage.model",
    "import mfwb, importlib; mfwb.lineage; importlib.reload(mfwb)",
)

_IN_FORKS = """
import importlib, os, sys
for name in ("click", "packaging.version", "pydantic", "rich.console", "rich.table"):
    importlib.import_module(name)
assert "mfwb" not in sys.modules
for program in sys.argv[1:]:
    process = os.fork()
    if process == 0:
        print("after", program.splitlines()[0])
        exec(program)
        sys.exit()
    code = os.waitpid(process, 0)[1]
    assert code == 0, program
"""
"""Runs each program in a process that has imported all but mfwb, which takes the most time."""


@pytest.mark.parametrize(
    "orders",
    [
        pytest.param(_ORDERS, id="some"),
        pytest.param(_MORE_ORDERS, id="others", marks=pytest.mark.exhaustive),
    ],
)
def test_lineage_is_callable_after_any_import(orders: Sequence[str]) -> None:
    """`mfwb.lineage` is a package and a function, whatever was imported first."""
    assert _output(_IN_FORKS, *(imports + _CALL for imports in orders)) == "".join(
        f"after {imports}\n"
        "lineage shows one flow run: give Flow/123 or Flow/latest, not Flow\n"
        "mfwb.lineage.model mfwb.lineage\n"
        for imports in orders
    )


def test_lineage_has_the_signature_of_the_function() -> None:
    """So `help` and notebooks show its arguments."""
    assert inspect.signature(mfwb.lineage) == inspect.signature(api.lineage)


@pytest.mark.parametrize("name", sorted(PUBLIC - {"__version__", "errors"}))
def test_public_functions_can_be_pickled(name: str) -> None:
    """A pool of processes can be given any of them, `lineage` included."""
    function = getattr(mfwb, name)

    assert pickle.loads(pickle.dumps(function)) is function


def _output(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
