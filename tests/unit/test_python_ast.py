"""Python text of whatever kind: parsed if people might have written it, else refused at once."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

import pytest

import mfwb
from mfwb.python_ast import TooLargeError, parse

BEYOND = {
    "a dotted name": "import a" + ".a" * 5_000,
    "a dotted name over lines": "import a" + "\\\n.a" * 5_000,
    "calls": "x" + "()" * 100_000,
    "subscripts over lines": "(x\n" + "[0]\n" * 100_000 + ")",
    "signs": "-" * 100_000 + "x",
    "lambdas": "lambda:" * 100_000 + "x",
    "branches": "if a: pass\n" + "elif a: pass\n" * 20_000,
    "commas": "a," * 400_000,
    "decorators": "@a\n" * 300_000 + "def f(): pass",
    "an f-string": 'f"' + "{x}" * 200_000 + '"',
    "strings without an end": '\\"""\n' * 150_000,
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_nobody_writes(name: str) -> None:
    """It is refused, whatever this version of Python would make of it."""
    with pytest.raises(TooLargeError, match=r"^it "):
        parse(BEYOND[name])


@pytest.mark.parametrize("every", [15, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_what_people_write(every: int) -> None:
    """Files of mfwb's own, and many of them in one, are parsed as Python parses them."""
    paths = sorted(Path(mfwb.__file__).parent.rglob("*.py"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    whole = "\n".join(text.replace("from __future__ import annotations\n", "") for text in texts)

    assert len(whole) > 500_000
    for text in [*texts[::every], whole[:200_000].rpartition("\n\n\n")[0]]:
        assert ast.dump(parse(text)) == ast.dump(ast.parse(text))


@pytest.mark.parametrize("text", ['"""\n[{}]\n"""', "# {}", "r'{}' + '{{}}'"])
def test_numbers_that_somebody_printed(text: str) -> None:
    """They look like a dotted name, but are none."""
    assert parse(text.format("0. " * 500))


def test_no_python() -> None:
    """It is a syntax error."""
    for text in ("def (:", "x\0y", "(" * 300):
        with pytest.raises(SyntaxError):
            parse(text)


def test_nothing_is_said_of_their_text() -> None:
    """Python warns of some text on the console."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse('"\\d" is x')
