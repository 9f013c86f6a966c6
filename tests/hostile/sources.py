"""Source code whose analysis never ends, takes all memory, or reads what it should not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.hostile.archives import code_of, honest, member, packed, store_package
from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import StoredRun, make_pipe

_HEAD = "from metaflow import FlowSpec, step\n"


def _flow(body: str = "pass", *, before: str = "", inside: str = "", base: str = "FlowSpec") -> str:
    """Return a flow of the honest one's steps, the first of which has this body."""
    return (
        f"{_HEAD}{before}\n"
        f"class SharedFlow({base}):\n{inside}"
        f"    @step\n    def start(self):\n        {body}\n        self.next(self.middle)\n"
        "    @step\n    def middle(self):\n        self.next(self.end)\n"
        "    @step\n    def end(self):\n        pass\n"
    )


def _source(
    *, sampled: bool = False, name: str = "", story: str = ""
) -> Callable[[Callable[[], str | bytes]], object]:
    """Return a decorator for functions that return a flow's source; it comes in a package."""

    def add(make: Callable[[], str | bytes]) -> object:
        def build(run: StoredRun, _: Scene) -> None:
            source = make()
            data = source.encode() if isinstance(source, str) else source
            store_package(run, packed(files=honest(data)))

        build.__name__, build.__doc__ = make.__name__, make.__doc__
        return attack("11", sampled=sampled, name=name, story=story)(build)

    return add


@_source(sampled=True)
def hierarchy() -> str:
    """2 kB of classes, each of which inherits from both of the level before."""
    lines = ["class A0(FlowSpec): pass", "class B0(FlowSpec): pass"]
    for level in range(1, 28):
        above = f"(A{level - 1}, B{level - 1})"
        lines += [f"class A{level}{above}: pass", f"class B{level}{above}: pass"]
    return _flow(before="\n".join(lines), base="A27, B27")


@_source()
def hierarchy_of_cycles() -> str:
    """Classes that inherit from themselves and from one another."""
    return _flow(before="class A(A): pass\nclass B(C): pass\nclass C(B): pass", base="A, B, C")


@_source()
def long_hierarchy() -> str:
    """A chain of 5,000 classes."""
    lines = ["class C0(FlowSpec): pass"]
    lines += [f"class C{level}(C{level - 1}): pass" for level in range(1, 5_000)]
    return _flow(before="\n".join(lines), base="C4999")


@_source(sampled=True)
def constants() -> str:
    """20,000 names by `setattr` in a loop over constants."""
    names = ", ".join(f"'n{number}'" for number in range(20_000))
    return _flow(f"for name in ({names}):\n            setattr(self, name, getattr(self, name))")


@_source()
def products() -> str:
    """Names that are products of loops in loops over constants."""
    loops = "".join(f"{'    ' * (depth + 2)}for a{depth} in ('a', 'b', 'c', 'd'):\n"
                    for depth in range(12))  # fmt: skip
    text = " + ".join(f"a{depth}" for depth in range(12))
    return _flow(f"pass\n{loops}{'    ' * 14}setattr(self, {text}, 1)")


@_source()
def doubling_text() -> str:
    """A constant text that doubles 60 times."""
    lines = "\n        ".join(["a = 'x'", *(["a = a + a"] * 60), "setattr(self, a, 1)"])
    return _flow(lines)


@_source()
def doubling_lists() -> str:
    """Lists of twice the same list, 60 levels deep."""
    lines = "\n        ".join(["a = ['x']", *(["a = a + a"] * 60),
                               "for b in a: setattr(self, b, 1)"])  # fmt: skip
    return _flow(lines)


@_source()
def huge_power() -> str:
    """Constant arithmetic that makes numbers and texts of gigabytes."""
    return _flow("x = 10 ** 10 ** 9\n        y = 'a' * 10 ** 10\n        setattr(self, y, x << x)")


@_source(sampled=True)
def recursion() -> str:
    """Helpers that call themselves and one another, four times each."""
    helpers = "".join(
        f"    def h{number}(self, x):\n"
        f"        self.h{(number + 1) % 30}(x + 1); self.h{(number + 7) % 30}(x + 2)\n"
        f"        self.h{(number + 11) % 30}([x]); self.h{number}(self)\n"
        for number in range(30)
    )
    return _flow("self.h0(0)", inside=helpers)


@_source()
def tree_of_calls() -> str:
    """Helpers that each call the next one twice, thirty levels deep."""
    helpers = "".join(
        f"    def h{number}(self, x):\n        self.h{number + 1}(x); self.h{number + 1}([x])\n"
        for number in range(30)
    )
    return _flow("self.h0(0)", inside=f"{helpers}    def h30(self, x):\n        self.a = x\n")


@_source()
def tree_of_functions() -> str:
    """Functions that take functions and call them, so that each call is another."""
    return _flow(
        "f(self, lambda g: g(self, g))",
        before="def f(s, g):\n    g(lambda a, b: f(a, lambda c: b(a, c)))\n    f(g, s)\n",
    )


@_source()
def branches() -> str:
    """60 branches after one another, so that there are as many ways as there are atoms."""
    lines = [f"if self.number > {n}: a{n} = self.x{n}\n        else: a{n} = self.y{n}"
             for n in range(60)]  # fmt: skip
    return _flow("\n        ".join(lines))


@_source()
def loops_in_loops() -> str:
    """Loops nested 18 deep, in each of which names change places."""
    names = [f"v{n}" for n in range(18)]
    head = f"{', '.join(names)} = {', '.join('self' for _ in names)}\n"
    body = "".join(f"{'    ' * (depth + 2)}while {names[depth]}:\n"
                   f"{'    ' * (depth + 3)}{', '.join(names)} = {', '.join(names[1:])}, v0\n"
                   for depth in range(18))  # fmt: skip
    return _flow(f"{head}{body}")


@_source()
def tries_in_tries() -> str:
    """`try` nested 18 deep, with handlers that raise."""
    body = "".join(f"{'    ' * (depth + 2)}try:\n" for depth in range(18))
    body += f"{'    ' * 20}self.a = self.b\n"
    body += "".join(f"{'    ' * (depth + 2)}except A: self.c{depth} = self.d; raise\n"
                    f"{'    ' * (depth + 2)}finally: self.e = self.f{depth}\n"
                    for depth in reversed(range(18)))  # fmt: skip
    return _flow(f"pass\n{body}")


@_source()
def comprehensions() -> str:
    """Comprehensions in comprehensions, 80 deep."""
    text = "self.x"
    for depth in range(80):
        text = f"[{text} for a{depth} in self.y{depth}]"
    return _flow(f"self.z = {text}")


@_source(sampled=True)
def deep_expression() -> str:
    """An expression of a megabyte, nested 50,000 deep."""
    return _flow(f"self.x = {'-' * 50_000}self.y{'.z' * 400_000}")


@_source()
def deep_brackets() -> str:
    """200 kB of brackets that are never closed."""
    return _flow(f"self.x = {'(' * 200_000}")


@_source()
def deep_blocks() -> str:
    """Blocks nested as deep as Python allows."""
    body = "".join(f"{' ' * (depth + 8)}if self.a{depth}:\n" for depth in range(95))
    return _flow(f"pass\n{body}{' ' * 110}self.x = 1")


@_source()
def long_sum() -> str:
    """A sum of 20,000 attributes, which is a tree 20,000 deep."""
    return _flow(f"self.x = {' + '.join(f'self.a{n}' for n in range(20_000))}")


@_source()
def long_number() -> str:
    """A number of 500,000 digits."""
    return _flow(f"self.x = {'9' * 500_000}")


@_source()
def many_statements() -> str:
    """50,000 statements, each of which reads what the one before wrote."""
    lines = "\n        ".join(f"self.a{n + 1} = self.a{n}" for n in range(30_000))
    return _flow(lines)


@_source()
def many_methods() -> str:
    """10,000 methods, each of which calls the next one."""
    return _flow("self.m0()", inside="".join(
        f"    def m{n}(self): self.m{n + 1}()\n" for n in range(15_000)))  # fmt: skip


@_source()
def many_imports() -> str:
    """20,000 imports of modules that are not there."""
    return _flow(before="\n".join(f"from m{n}.n{n} import a{n}" for n in range(20_000)))


@_source(sampled=True)
def zip_coding() -> bytes:
    """A source that says that it is packed, as Python's codec `zip` does it."""
    return b"# coding: zip\n" + _flow().encode()


@_source()
def other_codings() -> bytes:
    """A source in a coding that is no text coding."""
    return b"# coding: rot13\n" + _flow().encode()


@_source(sampled=True)
def punycode() -> bytes:
    """400 kB in punycode, which take the square of that to read."""
    return b"# coding: punycode\n" + b"x = 1 #" + b"a" * 200_000 + b"-" + b"b" * 200_000


@_source()
def idna() -> bytes:
    """400 kB in IDNA."""
    return b"# coding: idna\nx = '" + b"a." * 200_000 + b"'"


@_source()
def utf7() -> bytes:
    """A source in UTF-7, in which text hides from who looks at bytes."""
    return b"# coding: utf-7\n" + _flow("self.x = '+AC8-'").encode()


@_source()
def no_text() -> bytes:
    """A source with NULs and no UTF-8."""
    return b"\x00\xff\xfe" * 1000


@_source()
def surrogates() -> str:
    """A source with texts and names that can't be written down."""
    return _flow("setattr(self, '\\ud800', 1); self.\u00b5 = '\\x00\\x1b[31m\\udfff'")


@_source()
def escapes() -> str:
    """A source whose lines, which `lineage --explain` shows, have escape sequences in them."""
    return _flow("self.x = self.number  # \x1b]8;;http://x\x07click\x1b[2J\u202e")


@_source()
def patterns() -> str:
    """`match` with patterns nested 60 deep."""
    pattern = "x"
    for _depth in range(60):
        pattern = f"[{pattern}, *_]"
    return _flow(f"match self.a:\n            case {pattern}: self.b = x")


@_source()
def stars() -> str:
    """Calls with stars of stars, and names that take each other's place."""
    return _flow("a = [self]; a += [*a, *a]; f(*a, **{k: v for k, v in a}); self.next(*a, self)")


@_source()
def other_flows() -> str:
    """A source that names 3,000 other flow runs, and itself."""
    reads = "\n        ".join(
        f"self.a{n} = Flow('SharedFlow').latest_run.data.frame; "
        f"self.b{n} = Run('SharedFlow/{n}').data.values"
        for n in range(3_000)
    )
    return _flow(reads, before="from metaflow import Flow, Run")


@_source()
def odd_pathspecs() -> str:
    """A source that names other flow runs by paths."""
    return _flow(
        "self.a = Run('../../other/.metaflow/SharedFlow/7000').data.values\n"
        "        self.b = Flow('../x').latest_run.data.y; self.c = Task('*/*/*/*').data.z",
        before="from metaflow import Flow, Run, Task",
    )


@_source()
def decorators() -> str:
    """5,000 decorators on a step."""
    return _flow(inside="    @step\n" + "    @card(x=self.y)\n" * 5_000 + "    def more(self): 0\n")


@attack("11")
def many_files(run: StoredRun, _: Scene) -> None:
    """A package of 1,900 modules, each of which imports all others."""
    names = [f"m{n}" for n in range(1_900)]
    text = "\n".join(f"import {name}" for name in names).encode()
    store_package(run, packed([member(f"{name}.py", text) for name in names],
                              honest(b"import m0\n" + _flow().encode())))  # fmt: skip


def _at(run: StoredRun, path: object) -> None:
    """Let the graph say that the flow's source lies there."""
    graph = run.graph()
    for step in graph["steps"].values():
        step["source_file"] = str(path)
    run.set_graph({**graph, "file": Path(str(path)).name})


def _beside(run: StoredRun) -> Path:
    """Return where a source of the flow run's own may lie."""
    folder = run.store / "sources" / run.label
    folder.mkdir(parents=True)
    return folder / "shared_flow.py"


@attack("11", sampled=True)
def source_a_pipe(run: StoredRun, _: Scene) -> None:
    """The graph names a source that is a pipe, whose reader would wait for ever."""
    path = _beside(run)
    make_pipe(path)
    _at(run, path)


@attack("11", sampled=True)
def source_a_device(run: StoredRun, _: Scene) -> None:
    """The graph names a source that is a link to a device without an end."""
    path = _beside(run)
    path.symlink_to("/dev/zero")
    _at(run, path)


@attack("11")
def source_a_folder(run: StoredRun, _: Scene) -> None:
    """The graph names a source that is a folder."""
    path = _beside(run)
    path.mkdir()
    _at(run, path)


@attack("11", sampled=True)
def source_a_secret(run: StoredRun, scene: Scene) -> None:
    """The graph names a Python file of the user, which is a flow of the same shape."""
    _at(run, scene.secret_python)


@attack("11")
def source_by_a_link(run: StoredRun, scene: Scene) -> None:
    """The graph names a link to a Python file of the user."""
    path = _beside(run)
    path.symlink_to(scene.secret_python)
    _at(run, path)


@attack("11", sampled=True)
def imports_a_secret(run: StoredRun, scene: Scene) -> None:
    """The source imports a link to a Python file of the user, from beside it."""
    path = _beside(run)
    path.write_bytes(b"import secret_settings\nfrom secret_settings import *\n" + code_of())
    path.with_name("secret_settings.py").symlink_to(scene.secret_python)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    _at(run, path)


@attack("11")
def imports_a_pipe(run: StoredRun, _: Scene) -> None:
    """The source imports a pipe, from beside it."""
    path = _beside(run)
    path.write_bytes(b"import waits\n" + code_of())
    make_pipe(path.with_name("waits.py"))
    os.utime(path, (1_000_000_000, 1_000_000_000))
    _at(run, path)


@attack("11")
def source_of_libraries(run: StoredRun, _: Scene) -> None:
    """The source lies beside links to folders of a hundred thousand files."""
    path = _beside(run)
    path.write_bytes(code_of())
    path.with_name("usr").symlink_to("/usr")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    _at(run, path)
