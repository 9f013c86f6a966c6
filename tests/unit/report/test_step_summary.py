"""The summary of a CI job in Markdown."""

from __future__ import annotations

from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from mfwb.report.step_summary import Cell, StepSummary, to_markdown
from tests.support.examples import examples
from tests.support.strangers import anything, assert_inert

URL = "https://wandb.example/acme/wines"
SUMMARY = StepSummary(
    "mfwb sync",
    sentences=("1 flow run",),
    headings=("Flow run", "W&B"),
    rows=((Cell("Flow/7"), Cell("acme/wines", URL)),),
    remarks=("lost Flow/7/a/1/x: gone",),
)
_OURS = {
    *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text"),
    *("table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close"),
    *("tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close", "text_special"),
    *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
}


def tokens_of(text: str) -> list[Token]:
    """Return what a reader of GitHub's Markdown makes of a text, links by their looks included."""
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = reader.parse(text)
    return [*tokens, *(child for token in tokens for child in token.children or ())]


def test_text() -> None:
    """A heading, sentences, a table with a link, and a list."""
    assert to_markdown(SUMMARY) == (
        "### mfwb sync\n"
        "\n"
        "1 flow run\n"
        "\n"
        "| Flow run | W&#38;B |\n"
        "| --- | --- |\n"
        f"| Flow/7 | [acme/wines](<{URL}>) |\n"
        "\n"
        "- lost Flow/7/a/1/x&#58; gone\n"
        "\n"
    )


def test_without_rows() -> None:
    """A table that has only headings is left out."""
    assert to_markdown(StepSummary("x", headings=("a",))) == "### x\n\n"


def test_very_many() -> None:
    """GitHub takes no more than 1 MiB, so what is too much is counted."""
    text = to_markdown(
        StepSummary(
            "x",
            headings=("a",),
            rows=((Cell("|" * 1_000),),) * 1_000,
            remarks=("|" * 1_000,) * 1_000,
        )
    )

    assert "\nand 800 more\n" in text
    assert "\n- and 950 more\n" in text
    assert len(text.encode()) < 1_000_000


@settings(max_examples=examples(150), deadline=None)
@given(anything(), st.lists(st.tuples(anything(), anything()), min_size=1, max_size=3))
def test_any_text(text: str, cells: list[tuple[str, str]]) -> None:
    """No text is Markdown or HTML, ends its cell, or leads anywhere."""
    summary = StepSummary(
        text,
        sentences=(text,),
        headings=tuple(item for item, _ in cells),
        rows=(tuple(Cell(item, url) for item, url in cells),) * 2,
        remarks=(text, text),
    )
    document = to_markdown(summary)
    tokens = tokens_of(document)

    assert_inert(document)
    assert {token.type for token in tokens} <= _OURS
    assert sum(token.type == "td_open" for token in tokens) == 2 * len(cells)
    assert sum(token.type == "list_item_open" for token in tokens) == 2
    assert "http:" not in document  # what looks like a link would become one
    assert "www." not in document


def test_letters_that_end_a_link() -> None:
    """A URL with a letter that might end the link, or the cell, is not a link."""
    for letter in "<>|\\`[](){}\"' &*!$^\n\x1b\u200bü":
        rows = ((Cell("b", f"{URL}/{letter}"),),)
        assert "](" not in to_markdown(StepSummary("x", headings=("a",), rows=rows)), letter


@given(st.text(st.characters(codec="ascii"), max_size=20))
def test_links(tail: str) -> None:
    """A link leads to the given URL, or there is none."""
    url = f"https://wandb.example/{tail}"
    [paragraph] = to_markdown(StepSummary("x", headings=("a",), rows=((Cell("b", url),),))).split(
        "\n"
    )[4:5]
    links = [
        unquote(str(token.attrs["href"]))  # the reader itself turns "%" into "%25"
        for token in tokens_of(paragraph)
        if token.type == "link_open"
    ]

    assert links in ([], [unquote(url)])
    assert links or set(tail) - set("abcdefghijklmnopqrstuvwxyz/0123456789-")
