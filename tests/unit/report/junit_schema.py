"""What a JUnit document may consist of, after the schema that Jenkins publishes (junit-10.xsd)."""

from __future__ import annotations

from xml.etree import ElementTree as ET

__all__ = ["assert_junit", "parse"]

_COUNTS = ("tests", "failures", "errors", "skipped")
_ATTRIBUTES: dict[str, set[str]] = {
    "testsuites": {"name", "time", *_COUNTS},
    "testsuite": {"name", "time", "timestamp", "hostname", "id", "package", *_COUNTS},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time", "assertions", "status"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message", "type"},
    "system-out": set(),
}
_REQUIRED = {"testsuite": {"name"}, "testcase": {"name", "classname"}, "property": {"name"}}
_CHILDREN: dict[str, set[str]] = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase", "system-out"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped", "system-out"},
}
_OUTCOMES = ("failure", "error", "skipped")


def parse(document: str) -> ET.Element:
    """Return the root of a document that we wrote; ParseError if it is not well-formed."""
    return ET.fromstring(document.encode())  # noqa: S314 - it is ours


def assert_junit(document: str) -> None:
    """Make sure that a document is well-formed, has what JUnit has, and counts right."""
    root = parse(document)
    assert root.tag == "testsuites"
    _assert_element(root)
    for owner in (root, *root):
        cases = list(owner.iter("testcase"))
        result = [sum(case.find(tag) is not None for case in cases) for tag in _OUTCOMES]
        failures, errors, skipped = result
        expected = [len(cases), failures, errors, skipped]
        assert [int(owner.get(name, "")) for name in _COUNTS] == expected


def _assert_element(element: ET.Element) -> None:
    assert element.tag in _ATTRIBUTES
    assert set(element.attrib) <= _ATTRIBUTES[element.tag]
    assert set(element.attrib) >= _REQUIRED.get(element.tag, set())
    if element.tag in _CHILDREN:
        assert not (element.text or "").strip()
    assert {child.tag for child in element} <= _CHILDREN.get(element.tag, set())
    if element.tag == "testcase":
        assert sum(child.tag in _OUTCOMES for child in element) <= 1
    for child in element:
        _assert_element(child)
