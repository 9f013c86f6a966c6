"""The analysis always ends, within its work limit, for any source."""

from __future__ import annotations

import ast
import copy
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
from hypothesis import given, settings

from mfwb.lineage.static_analysis import CodeError, FlowCode
from tests.support.operations import counted_calls
from tests.unit.lineage.static_analysis.programs import nested
from tests.unit.lineage.static_analysis.reading import HEAD, flow_code, reads, step

STEP_BUDGET = 55_000  # pieces of work, the last one included
FLOW_BUDGET = 555_000

EVERYDAY = {
    "what was before, kept": """
        state = {"loss": self.loss}
        for epoch in range(9):
            newer = dict(state)
            newer["before"] = state
            state = newer
        self.state = 1
    """,
    "folds in a dict": """
        found = {"folds": [], "best": {}}
        for fold in range(5):
            one = {"fold": fold, "scores": {}}
            for metric in ("accuracy", "f1"):
                one["scores"][metric] = self.score
            found["folds"].append(one)
            found["best"][fold] = one["scores"]
            found["last"] = found["folds"][-1]
        self.found = found
    """,
    "rows of rows": """
        rows = []
        for item in self.items:
            row = {"item": item, "folds": [], "by_fold": {}}
            for fold in range(3):
                row["folds"].append({"fold": fold})
                row["by_fold"][fold] = row["folds"]
            rows.append(row)
        self.rows = rows
    """,
    "wrapped": """
        rule = self.rule
        for word in ["x", "y", "z"]:
            rule = {"word": word, "else": rule}
        self.made = rule
    """,
    "a choice of options": "\n".join(
        ["options = []", *(f"if self.o{i}: options.append('{i}')" for i in range(60))]
    ),
    "a linked list": """
        node = None
        while self.more:
            node = (node, self.item)
            rest = [node, node]
    """,
    "a table of names": f"""
        names = {[f"n{i}" for i in range(5_000)]}
        for name in names:
            print(name, self.x)
    """,
}
READ = {
    "what was before, kept": "loss",
    "folds in a dict": "score",
    "rows of rows": "items",
    "wrapped": "rule",
    "a choice of options": " ".join(sorted(f"o{i}" for i in range(60))),
    "a linked list": "item more",
    "a table of names": "x",
}


@pytest.mark.parametrize("name", EVERYDAY)
def test_everyday_code_that_puts_things_into_each_other(name: str) -> None:
    """It is followed to its end, and what it reads is known."""
    assert reads(EVERYDAY[name]) == READ[name]
    assert step(EVERYDAY[name]).followed


def test_growing_containers_keep_what_matters() -> None:
    """The flow in a container that became too large to tell apart is still handed on with it."""
    result = step("box = [self]\nfor x in xs:\n    box = [box, {'x': box}]\nsend(box)")

    assert result.doubts == ("line 11: self is handed to send",)


def test_an_input_in_a_container_that_grows() -> None:
    """What is read off it is a read off an input."""
    result = step("box = [inputs[0]]\nfor x in xs:\n    box = [box, {'x': box}]\nsend(box)")

    assert result.doubts == ("line 11: an input is handed to send",)


def test_a_method_in_a_container_that_grows() -> None:
    """What it reads may be read whenever the container is handed on."""
    result = step(
        "box = [self.helper]\nfor x in xs:\n    box = [box, {'x': box}]\nsend(box)",
        members="def helper(self):\n    return self.hidden",
    )

    assert "hidden" in result.reads


def _nested(head: str, body: str, depth: int) -> str:
    for _ in range(depth):
        body = f"{head}\n{indent(body, '    ')}"
    return body


def _finally(depth: int) -> str:
    if not depth:
        return "self.a = 1"
    inner = indent(_finally(depth - 1), "    ")
    return f"try:\n{inner}\nfinally:\n{inner}"


def _step(body: str, *, above: str = "", members: str = "") -> str:
    head = f"{HEAD}{above}\nclass F(FlowSpec):\n{indent(members, '    ')}\n"
    return f"{head}    @step\n    def a(self):\n{indent(body, ' ' * 8)}\n"


HOSTILE: dict[str, Callable[[int], str]] = {
    # each of a size: the last one that is tried is some hundred KB
    "constants set by name": lambda n: _step(
        "for name in NAMES: setattr(self, name, 1)", above=f"NAMES = {[f'n{i}' for i in range(n)]}"
    ),
    "a tower of classes": lambda n: (
        f"{HEAD}class A0(FlowSpec): pass\nclass B0(FlowSpec): pass\n"
        + "".join(
            f"class A{i}(A{i - 1}, B{i - 1}): pass\nclass B{i}(A{i - 1}, B{i - 1}): pass\n"
            for i in range(1, n)
        )
        + f"class F(A{n - 1}, B{n - 1}):\n    @step\n    def a(self): pass\n"
    ),
    "text that doubles": lambda n: _step("s = 'x'\n" + "s = s + s\ns = f'{s}{s}'\n" * n),
    "lists that double": lambda n: _step("s = [1, self]\n" + "s = [s, s]\n" * n + "send(s)"),
    "module constants that double": lambda n: _step(
        f"send(A{n - 1})",
        above="A0 = [1, 1]\n" + "".join(f"A{i} = [A{i - 1}, A{i - 1}]\n" for i in range(1, n)),
    ),
    "class constants that double": lambda n: _step(
        f"send(self.A{n - 1})",
        members="A0 = [1, 1]\n" + "".join(f"A{i} = [A{i - 1}, A{i - 1}]\n" for i in range(1, n)),
    ),
    "methods collected": lambda n: _step(
        "x = []\n" + "".join(f"if c: x.append(self.m{i})\n" for i in range(n)) + "send(x)",
        members="".join(f"def m{i}(self): return self.a{i}\n" for i in range(n)),
    ),
    "loops in loops": lambda n: _step(
        _nested("for i in (1, 2, 3, 4, 5, 6, 7):", "call(x); x = [x, i]", min(n, 15))
    ),
    "comprehensions in each other": lambda n: _step(
        "del self.x\ny = " + "[" * min(n, 60) + "1" + " for i in self.x]" * min(n, 60)
    ),
    "functions in functions": lambda n: _step(_nested("def f():", "self.x", min(n, 60))),
    "lambdas in lambdas": lambda n: _step("f = " + "lambda: " * min(n, 400) + "self.x"),
    "functions that call each other": lambda n: _step(
        "\n".join(
            f"def f{i}(): send(f{i - 1}, f{i - 1}); f{i - 1}(); f{i - 1}()" if i else "def f0(): 1"
            for i in range(n)
        )
    ),
    "methods that call each other": lambda n: _step(
        "self.m0([])",
        members="".join(
            f"def m{i}(self, x):\n"
            + "".join(f"    self.m{(i * 3 + j) % n}([x, {j}])\n" for j in range(5))
            for i in range(n)
        ),
    ),
    "finally in finally": lambda n: _step(_finally(min(n, 11))),
    "other flow runs": lambda n: _step(
        "\n".join(f"Run('X/{i}').data.a{i}" for i in range(min(n, 4_000)))
    ),
    "branches": lambda n: _step("if a: pass\n" + "elif a: self.x\n" * n),
    "many names": lambda n: _step(
        "\n".join(f"v{i} = []\nif c or d: v{i}.x.append(v{i // 2})" for i in range(n))
    ),
    "decorators": lambda n: (
        f"{HEAD}class F(FlowSpec):\n"
        + "    @a.b(1)\n" * n
        + "    def p(self): pass\n    @step\n    def a(self):\n"
        + "        self.p\n" * n
    ),
    "parameters": lambda n: _step(
        "\n".join(f"f({i})" for i in range(n)),
        above=f"def f({', '.join(f'a{i}={i}' for i in range(n))}): return a1",
    ),
    "context managers": lambda n: _step(
        "with m(): pass\n" * n, above="def m():\n" + "    x = 1\n" * n
    ),
    "numbers beyond measure": lambda n: _step(
        f"for i in range({'9' * min(n, 4_000)}): self.x[i]\ny = f'{{0x{'f' * n}}}'"
    ),
    "generated code": lambda n: _step("\n".join(f"self.a{i} = self.b{i} + {i}" for i in range(n))),
    "a chain of calls": lambda n: _step("self.x" + "()" * n),
    "a dotted name": lambda n: _step("import a" + ".a" * n),
    "a sum": lambda n: _step("y = " + " + ".join(["self.x"] * n)),
    "a NUL": lambda n: _step("y = 1 " + "\0" * n),
    "a string without an end": lambda n: _step('\\"""\n' * n),
    "an f-string": lambda n: _step(f"y = f'{'{self.x}' * n}'"),
}


_DEAR = {"methods collected", "methods that call each other", "a tower of classes"}
"""Of size 2,000 each takes a second; by default 300, and `functions that call each other` stay."""


def _hostile() -> Iterator[Any]:
    for name in HOSTILE:
        left_out = 2_000 if name in _DEAR else 300
        for size in (10, 300, 2_000):
            marks = [pytest.mark.exhaustive] if size == left_out else []
            yield pytest.param(name, size, id=f"{name}-{size}", marks=marks)


@pytest.mark.parametrize(("name", "size"), [*_hostile()])
def test_hostile_code(name: str, size: int) -> None:
    """It ends within its budget: followed, or with one reason for the step or for the flow."""
    try:
        result = flow_code(HOSTILE[name](size))
    except CodeError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - it may raise, or not
        return

    assert result.work <= STEP_BUDGET
    if not result.steps["a"].followed:
        (reason,) = result.steps["a"].doubts
        assert "a is too intricate to follow: " in reason


def test_a_step_that_takes_too_much_leaves_the_others_as_they_are() -> None:
    """Only it is not known, and for one reason."""
    slow = indent(_nested("def f():\n    f()", "self.x", 30), " " * 8)
    after = "    @step\n    def b(self):\n        self.y = self.x\n"
    result = flow_code(f"{HEAD}class F(FlowSpec):\n    @step\n    def a(self):\n{slow}\n{after}")

    assert not result.steps["a"].followed
    assert result.steps["a"].doubts == (
        "line 4: a is too intricate to follow: it takes too much work",
    )
    assert result.steps["b"].followed
    assert result.steps["b"].reads == {"x"}
    assert result.steps["b"].doubts == ()


def test_many_steps_that_take_too_much_have_one_budget() -> None:
    """A flow has a budget, too."""
    slow = indent(_nested("def f():\n    f()", "self.x", 30), " " * 8)
    steps = "".join(f"    @step\n    def s{i}(self):\n{slow}\n" for i in range(50))

    result = flow_code(f"{HEAD}class F(FlowSpec):\n{steps}")

    assert result.work <= FLOW_BUDGET
    assert result.steps["s49"].doubts == (
        "line 3091: s49 is too intricate to follow: the flow takes too much work",
    )


GROWING: dict[str, Callable[[int], str]] = {
    "statements": lambda n: "\n".join(f"self.a{i} = self.b{i} + {i}" for i in range(n)),
    "rows": lambda n: "rows = []\n" + "rows.append({'a': [self.x, {'b': rows}]})\n" * n,
    "loops": lambda n: "for x in self.xs:\n    y = [y, x]\n    self.a = y\n" * n,
    "branches": lambda n: "\n".join(f"if self.c{i}:\n    x.append('{i}')" for i in range(n)),
    "calls": lambda n: "\n".join(f"self.a{i} = self.helper({i})" for i in range(n)),
}


@pytest.mark.parametrize("name", GROWING)
def test_work_grows_with_the_source(name: str) -> None:
    """Twice the source is little more than twice the work."""
    around = {"members": "def helper(self, n):\n    return [self.x, n]"}
    text = [_step(GROWING[name](n), **around) for n in (100, 200)]

    small, large = (flow_code(item).work for item in text)

    assert large <= 2.5 * small


def _functions(package: str, every: int) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the functions of some files of a package, or of all, each as a step might be."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    paths = [item for item in Path(spec.origin).parent.rglob("*.py") if "tests" not in item.parts]
    for path in sorted(paths)[::every]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                function = copy.deepcopy(node)
                function.name, function.decorator_list = "a", []
                function.args = ast.arguments([], [ast.arg("self")], None, [], [], None, [])
                yield f"{path}:{node.lineno}", function


def _analysed(function: ast.FunctionDef) -> FlowCode:
    body = indent(ast.unparse(function), "    ")
    return flow_code(f"{HEAD}class F(FlowSpec):\n    @step\n{body}\n")


_CALLS_FOR_ONE = 300
"""Of functions of Python: how many one unit of work may take."""


@pytest.mark.parametrize(
    ("package", "every"),
    [
        ("sklearn", 30),
        ("pandas", 120),
        pytest.param("sklearn", 1, marks=[pytest.mark.exhaustive, pytest.mark.timeout(1_200)]),
        *(
            pytest.param(name, 1, marks=[pytest.mark.exhaustive, pytest.mark.timeout(1_200)])
            for name in ("numpy", "scipy")
        ),
        pytest.param("pandas", 1, marks=[pytest.mark.exhaustive, pytest.mark.timeout(1_200)]),
    ],
)
def test_code_that_people_wrote(package: str, every: int) -> None:
    """Each is followed with work in proportion to its size; of thousands, one or two are not."""
    locations, lost, dear = [], [], []
    for location, function in _functions(package, every):
        with counted_calls() as calls:
            result = _analysed(function)
        assert calls.count <= _CALLS_FOR_ONE * (200 + result.work), location
        size = sum(1 for _ in ast.walk(function))
        assert result.work <= STEP_BUDGET, location
        locations.append(location)
        if result.work > 200 + 10 * size:
            dear.append(location)
        if not result.steps["a"].followed:
            (reason,) = result.steps["a"].doubts
            assert reason.endswith("it takes too much work"), location
            lost.append(location)
    assert len(locations) > 50
    assert len(dear) <= len(locations) // 1_000, dear
    assert len(lost) <= len(locations) // 3_000, lost


@settings(max_examples=3, deadline=None)
@given(nested())
def test_some_random_programs_end(program: str) -> None:
    """Loops, containers in each other, recursion and closures, in any order."""
    _assert_it_ends(program)


@pytest.mark.exhaustive
@settings(max_examples=60, deadline=None)
@given(nested())
def test_random_programs_end(program: str) -> None:
    """The same, of more programs."""
    _assert_it_ends(program)


def _assert_it_ends(program: str) -> None:
    members = "def h(self, x=None):\n    return self.h([x, self.p]) if x else self.q\n"
    result = flow_code(_step(program, members=members))

    assert result.work <= STEP_BUDGET, program
    assert result.steps["a"].followed or len(result.steps["a"].doubts) == 1
