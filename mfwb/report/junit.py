"""JUnit XML, which CI systems show as tests: suites of cases in, a text out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from mfwb.safe_text import LONGEST, one_line

__all__ = ["Case", "Suite", "to_junit"]


_LONGEST = 3 * LONGEST  # letters: an item and its reason, each of the greatest length


@dataclass(frozen=True, slots=True)
class Case:
    """One test case; it passed if it has neither an error, nor a failure, nor a reason to skip it.

    Attributes:
        name: what was done, unique in its suite.
        failure: what went wrong, a line each; empty: nothing.
        error: the same for an error of the program itself, or of what it needs.
        kind: a word for what went wrong, by which reports are grouped.
        skipped: why it was not done; empty: it was done.
        output: lines about it, whether or not it passed.
    """

    name: str
    failure: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    kind: str = ""
    skipped: str = ""
    output: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suite:
    """Test cases that belong together.

    Attributes:
        name: of what they are.
        cases: in the order in which they are shown.
        properties: names and values.
    """

    name: str
    cases: tuple[Case, ...]
    properties: tuple[tuple[str, str], ...] = ()


def to_junit(suites: Sequence[Suite], name: str) -> str:
    r"""Return one XML document; whatever a text contains, the document is well-formed.

    Characters that are not printable, which XML does not have, are visible escapes (`\x1b`).

    Args:
        suites: the suites.
        name: the name of all of them together.
    """
    cases = [case for suite in suites for case in suite.cases]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', _open("testsuites", name, cases)]
    for suite in suites:
        lines.append(f"  {_open('testsuite', suite.name, suite.cases)}")
        if suite.properties:
            lines.append("    <properties>")
            lines += (
                f"      <property{_attributes(name=key, value=value)}/>"
                for key, value in suite.properties
            )
            lines.append("    </properties>")
        for case in suite.cases:
            lines += _case(case, suite.name)
        lines.append("  </testsuite>")
    lines.append("</testsuites>")
    return "".join(f"{line}\n" for line in lines)


def _open(tag: str, name: str, cases: Sequence[Case]) -> str:
    numbers = _attributes(
        name=name,
        tests=str(len(cases)),
        failures=str(sum(bool(case.failure) and not case.error for case in cases)),
        errors=str(sum(bool(case.error) for case in cases)),
        skipped=str(sum(_is_skipped(case) for case in cases)),
    )
    return f"<{tag}{numbers}>"


def _case(case: Case, group: str) -> Iterator[str]:
    head = f"<testcase{_attributes(name=case.name, classname=group)}"
    inner = list(_inner(case))
    if not inner:
        yield f"    {head}/>"
        return
    yield f"    {head}>"
    yield from (f"      {line}" for line in inner)
    yield "    </testcase>"


def _inner(case: Case) -> Iterator[str]:
    """Yield at most one of error, failure and skipped: most readers take only one."""
    if case.error or case.failure:
        tag = "error" if case.error else "failure"
        lines = case.error + case.failure
        attributes = _attributes(message=lines[0], type=case.kind or tag)
        yield f"<{tag}{attributes}>{_text(lines)}</{tag}>"
    elif _is_skipped(case):
        yield f"<skipped{_attributes(message=case.skipped)}/>"
    if case.output:
        yield f"<system-out>{_text(case.output)}</system-out>"


def _is_skipped(case: Case) -> bool:
    return bool(case.skipped) and not (case.error or case.failure)


def _attributes(**values: str) -> str:
    return "".join(f' {name}="{escape(one_line(value))}"' for name, value in values.items())


def _text(lines: Iterable[str]) -> str:
    return escape("\n".join(one_line(line, _LONGEST) for line in lines))
