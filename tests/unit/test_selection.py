"""What `-m` leaves out is not made; what it selects is, under the same name."""

from __future__ import annotations

import pytest

from tests.support.selection import LeftOut, marks_left_out

pytest_plugins = ["pytester"]

_MODULE = """
import pytest

whole = pytest.mark.exhaustive

@pytest.fixture(params=["a", pytest.param("b", marks=whole)])
def letter(request):
    return request.param

@pytest.mark.parametrize("thing", [pytest.param(object(), marks=whole), object()])
def test_parameters(thing): ...

@pytest.mark.parametrize("number", [1, pytest.param(2, marks=[whole, pytest.mark.timeout(9)])])
def test_both(number, letter): ...

@pytest.mark.parametrize("number", [pytest.param(1, marks=whole)])
def test_no_parameter_is_left(number): ...

@whole
def test_function(): ...

class TestClass:
    @whole
    def test_method(self): ...

    def test_other(self): ...
"""


class _Collected:
    def __init__(self) -> None:
        self.made: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.made |= {item.nodeid.partition("::")[2] for item in items}


def test_what_is_left_out(pytester: pytest.Pytester) -> None:
    """Functions, methods, folders, and parameters of tests and of fixtures."""
    pytester.makeini("[pytest]\nmarkers =\n    exhaustive\n    timeout")
    module = pytester.makepyfile(test_module=_MODULE)
    folder = pytester.mkdir("exhaustive")
    folder.joinpath("test_elsewhere.py").write_text("raise ValueError('read')", encoding="utf-8")
    collected = _Collected()

    result = pytester.inline_run(
        "--collect-only",
        plugins=[LeftOut(marks_left_out("not exhaustive and not torch"), module.parent), collected],
    )

    assert result.ret == pytest.ExitCode.OK
    assert collected.made == {
        "test_parameters[thing1]",
        "test_both[a-1]",
        "test_no_parameter_is_left[1]",  # `-m` leaves it out
        "TestClass::test_other",
    }


@pytest.mark.parametrize(
    ("expression", "marks"),
    [
        ("not exhaustive", {"exhaustive"}),
        ("not exhaustive and not torch", {"exhaustive", "torch"}),
        ("not exhaustive or not torch", set()),
        ("not exhaustive and torch", set()),
        ("not (exhaustive and torch)", set()),
        ("exhaustive", set()),
        ("", set()),
    ],
)
def test_marks_left_out(expression: str, marks: set[str]) -> None:
    """Where anything else than a list of marks is asked for, pytest decides."""
    assert marks_left_out(expression) == marks
