"""Foreign names in Markdown that W&B shows, and in names of files to download."""

from __future__ import annotations

import ast
import unicodedata
from pathlib import Path, PurePosixPath

import pytest
import wandb
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mfwb.conversion.json_safe import to_json
from mfwb.payload.file_names import make_names_safe
from mfwb.payload.metadata import BuiltArtifact, build_description, build_metadata
from mfwb.payload.model import ArtifactFiles
from mfwb.planning import Content, Form, OutputArtifact, PlannedFile
from mfwb.ports import ReadyFile
from tests.support.examples import examples
from tests.support.strangers import HOSTILE, anything, assert_inert

_INERT_TOKENS = {
    "paragraph_open",
    "paragraph_close",
    "inline",
    "text",
    "softbreak",
    "code_inline",
    "code_block",
}
_CALLED = {
    "get_entry",
    "download",
    "ref_target",
    "Path",
    "read_bytes",
    "loads",
    "load",
    "read_parquet",
    "open",
    "read",
}


@given(
    text=anything(),
    form=st.sampled_from([form for form in Form if form is not Form.CODE]),
    uri=st.booleans(),
    several=st.booleans(),
)
@settings(max_examples=examples(150), deadline=None)
def test_description(text: str, form: Form, uri: bool, several: bool) -> None:  # noqa: FBT001
    """Text of others is code in Markdown; the code to paste loads one file and does no more."""
    content = Content(f"F/1/start/{text}", f"x{text}", "1", 5)
    file = ReadyFile(f"x{text}.pkl", 1, uri=f"s3://b/{text}" if uri else None)
    result = make_names_safe(ArtifactFiles(form, [file], kept_because=f"odd: {text}"))
    item = BuiltArtifact(PlannedFile("x", form, content), result)
    made = [item, item] if several else [item]
    modules = {result.files[0].path: tuple(f"m{number}{text}" for number in range(50))}

    description = build_description(made, modules, OutputArtifact("x", "other", (), {}, ()))

    assert_inert(description)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(description)
    inline = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in (*tokens, *inline)} <= _INERT_TOKENS
    prose = "".join(token.content for token in inline if token.type == "text")
    assert "http" not in prose
    assert "evil" not in prose
    [code] = [token.content for token in tokens if token.type == "code_block"]
    statements = ast.parse(code).body
    assert [type(statement) for statement in statements] == [ast.Assign, ast.Assign]
    calls = [node.func for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    assert {call.attr for call in calls if isinstance(call, ast.Attribute)} <= _CALLED
    assert all(isinstance(call, ast.Attribute) for call in calls)
    assert len(description) < 100_000
    for facts in build_metadata(made, modules).values():
        assert_inert(" ".join([*facts.values()] if isinstance(facts, dict) else facts))


@given(paths=st.lists(st.one_of(anything(), st.text(alphabet="aA.b/\\", max_size=6)), max_size=12))
@settings(max_examples=examples(200), deadline=None)
def test_names_of_files(paths: list[str]) -> None:
    """Each is inside the artifact, can be a name on any system, and is no other one's twin."""
    result = make_names_safe(ArtifactFiles(Form.PATH, [ReadyFile(path, 1) for path in paths]))

    names = [file.path for file in result.files]
    assert len(names) == len(paths)
    for name in names:
        assert_inert(name)
        assert "\n" not in name
        assert "\\" not in name
        assert not PurePosixPath(name).is_absolute()
        assert PurePosixPath(name).parts == tuple(name.split("/"))
        assert all(part.strip(".") for part in name.split("/"))
        assert all(len(part.encode()) <= 255 for part in name.split("/"))
        assert len(name.encode()) < 1024
    folded = [unicodedata.normalize("NFC", name).casefold() for name in names]
    assert len(set(folded)) == len(folded)
    folders = {str(parent) for name in folded for parent in PurePosixPath(name).parents}
    assert not folders & set(folded)
    changed = [(new, old) for new, old in zip(names, paths, strict=True) if new != old]
    assert result.renamed == dict(changed)


@pytest.mark.parametrize(
    "path", ["x.pkl", "0/x.parquet", "größe/日本.csv", "a b/c:d.txt", ".hidden"]
)
def test_names_that_stay(path: str) -> None:
    """Honest names are as they were."""
    assert [
        file.path for file in make_names_safe(ArtifactFiles(Form.PATH, [ReadyFile(path, 1)])).files
    ] == [path]


@pytest.mark.parametrize(("path", "start"), [("c:data.txt", "c_data-"), ("C:/x.txt", "C_/x-")])
def test_names_that_begin_with_a_drive(path: str, start: str) -> None:
    """W&B refuses them, as on Windows they lead out of the artifact."""
    [file] = make_names_safe(ArtifactFiles(Form.PATH, [ReadyFile(path, 1)])).files

    assert file.path.startswith(start)
    wandb.Artifact("a", type="b").add_reference("http://h/x", name=file.path, checksum=False)


def test_case_twins(tmp_path: Path) -> None:
    """Of two names that are one on other systems both files are there, and told apart."""
    result = make_names_safe(
        ArtifactFiles(
            Form.PATH, [ReadyFile("d/A.txt", 1, tmp_path), ReadyFile("d/a.txt", 2, tmp_path)]
        )
    )

    first, second = result.files
    assert (first.path, first.size, second.size) == ("d/A.txt", 1, 2)
    assert second.path.startswith("d/a-")
    assert result.renamed == {second.path: "d/a.txt"}
    assert (
        build_metadata([BuiltArtifact(_planned(), result)], {})["renamed_files"] == result.renamed
    )


def test_a_file_below_a_file() -> None:
    """No machine can have a file in a file; the second one gets a name beside the first."""
    result = make_names_safe(
        ArtifactFiles(Form.PATH, [ReadyFile("a", 1), ReadyFile("A/b/c.txt", 2)])
    )

    first, second = [file.path for file in result.files]
    assert first == "a"
    assert second.startswith("A_b_c-")
    assert second.endswith(".txt")
    assert result.renamed == {second: "A/b/c.txt"}


def test_a_file_whose_name_is_no_text(tmp_path: Path) -> None:
    """It is lost, with its reason, and the others are not."""
    odd = ReadyFile("d/\udcff", 1, tmp_path / "\udcff")
    result = make_names_safe(ArtifactFiles(Form.PATH, [odd, ReadyFile("d/x", 1, tmp_path / "x")]))

    assert [file.path for file in result.files] == ["d/x"]
    assert result.missing == {"d/\udcff": "its name is not UTF-8, which W&B requires"}


def _planned() -> PlannedFile:
    return PlannedFile("x", Form.PATH, Content("F/1/start/2", "x", "1", 5))


@pytest.mark.parametrize("text", HOSTILE)
def test_values(text: str) -> None:
    """Values are data, and stay as they are but for what nobody can store."""
    [[key, value]] = to_json({text: [text]}).items()

    assert key.encode() == value[0].encode()
    assert "\0" not in key
    if "\ud800" not in text and "\0" not in text:
        assert (key, value) == (text, [text])
    assert to_json({text: text}, exact=True) == {text: text}
