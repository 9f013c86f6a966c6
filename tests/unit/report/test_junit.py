"""JUnit XML, as CI systems read it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.report.junit import Case, Suite, to_junit
from tests.support.examples import examples
from tests.support.strangers import anything, assert_inert
from tests.unit.report.junit_schema import assert_junit, parse

SUITES = [
    Suite(
        "F/1",
        (
            Case("sync"),
            Case("train", failure=("lost a: gone", "lost b: gone"), kind="loss", output=("x",)),
            Case("end", skipped="deleted"),
        ),
        properties=(("status", "synced"),),
    ),
    Suite("F/2", (Case("sync", error=("a bug",), kind="bug", skipped="no"),)),
]


def test_document() -> None:
    """The whole document."""
    expected = """\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="mfwb sync" tests="4" failures="1" errors="1" skipped="1">
  <testsuite name="F/1" tests="3" failures="1" errors="0" skipped="1">
    <properties>
      <property name="status" value="synced"/>
    </properties>
    <testcase name="sync" classname="F/1"/>
    <testcase name="train" classname="F/1">
      <failure message="lost a: gone" type="loss">lost a: gone
lost b: gone</failure>
      <system-out>x</system-out>
    </testcase>
    <testcase name="end" classname="F/1">
      <skipped message="deleted"/>
    </testcase>
  </testsuite>
  <testsuite name="F/2" tests="1" failures="0" errors="1" skipped="0">
    <testcase name="sync" classname="F/2">
      <error message="a bug" type="bug">a bug</error>
    </testcase>
  </testsuite>
</testsuites>
"""

    assert to_junit(SUITES, "mfwb sync") == expected
    assert_junit(expected)
    assert_junit(to_junit([], "nothing"))


LINES = st.lists(anything(), max_size=2).map(tuple)
CASES = st.builds(Case, anything(), LINES, LINES, anything(), anything(), LINES)
ANY = st.lists(
    st.builds(
        Suite,
        anything(),
        st.lists(CASES, max_size=3).map(tuple),
        st.lists(st.tuples(anything(), anything()), max_size=2).map(tuple),
    ),
    max_size=3,
)


@settings(max_examples=examples(150), deadline=None)
@given(ANY, anything())
def test_any_text(suites: list[Suite], name: str) -> None:
    """Whatever a name or a message holds, the document is well-formed and as it should be."""
    document = to_junit(suites, name)

    assert_junit(document)
    assert_inert(document)
    root = parse(document)
    assert [len(suite.findall("testcase")) for suite in root] == [
        len(item.cases) for item in suites
    ]


def test_text_that_ends_xml() -> None:
    """What ends an element elsewhere is a text, and letters that XML has not are spelled out."""
    text = "]]></system-out><!-- \x00\x1b\ufffe\ud800 &amp; \"'"
    [element] = parse(to_junit([Suite("F/1", (Case("sync", output=(text,)),))], "x")).iter(
        "system-out"
    )

    assert element.text == "]]></system-out><!-- \\x00\\x1b\\ufffe\\ud800 &amp; \"'"
