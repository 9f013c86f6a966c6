"""The payload of one W&B run: values, files, log and losses."""

from __future__ import annotations

import io
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mfwb.payload import PayloadBuilder
from mfwb.payload import builder as builder_module
from mfwb.planning import Form
from mfwb.ports import LogLine, Payloads, ReadyFile, ReadyRun
from mfwb.snapshot import Loss
from tests.unit.payload.memory import (
    TASK,
    MemoryContents,
    gone,
    output,
    planned_file,
    planned_run,
    row,
)

FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None]})


@pytest.fixture
def contents() -> MemoryContents:
    """Return contents in which the task printed nothing."""
    result = MemoryContents()
    result.logs[TASK] = []
    return result


def files_of(ready: ReadyRun) -> dict[str, bytes]:
    """Return the bytes of all files by their path in the W&B artifact."""
    files = {}
    for artifact in ready.artifacts:
        for file in artifact.files:
            assert file.local is not None
            assert file.local.is_absolute()
            files[file.path] = file.local.read_bytes()
            assert file.size == len(files[file.path])
    return files


def parquet_of(frame: pd.DataFrame) -> bytes:
    """Return what W&B's decorator would have written."""
    file = io.BytesIO()
    frame.to_parquet(file, engine="pyarrow")
    return file.getvalue()


def test_model(builder: Payloads, contents: MemoryContents) -> None:
    """A model goes as the very pickle that Metaflow stored."""
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    content = contents.add(model, "model")
    planned = output(planned_file(content, Form.PICKLE, "model"), name="model")

    ready = builder.prepare(planned_run(outputs=[planned]), contents)

    assert files_of(ready) == {"model.pkl": contents.blobs[content.sha1]}
    assert ready.artifacts[0].planned is planned
    assert ready.losses == ()


def test_frame(builder: Payloads, contents: MemoryContents) -> None:
    """A frame goes as the parquet file that the decorator writes."""
    planned = output(planned_file(contents.add(FRAME), Form.PARQUET, "3/x"))

    ready = builder.prepare(planned_run(outputs=[planned]), contents)

    assert files_of(ready) == {"3/x.parquet": parquet_of(FRAME)}


def test_frame_that_parquet_refuses(builder: Payloads, contents: MemoryContents) -> None:
    """A frame that parquet can't hold goes as its pickle, and is read only once for it."""
    content = contents.add(pd.DataFrame({"a": [1, "x"]}))
    run = planned_run(outputs=[output(planned_file(content, Form.PARQUET))])

    first = builder.prepare(run, contents)
    second = builder.prepare(run, contents)

    assert files_of(first) == files_of(second) == {"x.pkl": contents.blobs[content.sha1]}
    assert first.losses == ()
    assert contents.copies == ["x"]


def test_frames(builder: Payloads, contents: MemoryContents) -> None:
    """A dict of frames goes as a file each, under names that every file system takes."""
    frames = {
        key: pd.DataFrame({"key": [str(key)]})
        for key in ("train", "Train", "a/b", "../up", 3, "x" * 300, "", "ä", "ö", ".hidden")
    }
    planned = output(planned_file(contents.add(frames), Form.FRAMES, "data"))

    files = files_of(builder.prepare(planned_run(outputs=[planned]), contents))

    names = {
        pd.read_parquet(io.BytesIO(data))["key"][0]: name.removeprefix("data/")
        for name, data in files.items()
    }
    assert len(files) == len({name.casefold() for name in files}) == len(frames)
    assert names["train"] == "train.parquet"
    assert names["Train"].startswith("Train-")
    assert names["a/b"] == "a_b.parquet"
    assert names["../up"] == "_up.parquet"
    assert names["3"] == "3.parquet"
    assert names[".hidden"] == "hidden.parquet"
    assert max(map(len, names.values())) <= 108
    assert all("/" not in name for name in names.values())


def test_list_of_frames(builder: Payloads, contents: MemoryContents) -> None:
    """A list of frames goes as a file each, by index."""
    planned = output(planned_file(contents.add([FRAME, FRAME[:1]]), Form.FRAMES))

    ready = builder.prepare(planned_run(outputs=[planned]), contents)

    assert files_of(ready) == {
        "x/0.parquet": parquet_of(FRAME),
        "x/1.parquet": parquet_of(FRAME[:1]),
    }


def test_not_only_frames(builder: Payloads, contents: MemoryContents) -> None:
    """Frames among other things go as one pickle."""
    content = contents.add([FRAME, "x"])
    planned = output(planned_file(content, Form.FRAMES))

    ready = builder.prepare(planned_run(outputs=[planned]), contents)

    assert files_of(ready) == {"x.pkl": contents.blobs[content.sha1]}


def test_path(builder: Payloads, contents: MemoryContents, tmp_path: Path) -> None:
    """A path goes as a copy of what it points at; what is missing of it is said."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_text("a")
    (tmp_path / "data" / "out").symlink_to(tmp_path)
    planned = output(planned_file(contents.add(tmp_path / "data", "p"), Form.PATH, "p"))

    run = replace(planned_run(outputs=[planned]), path_roots=(str(tmp_path / "data"),))
    ready = builder.prepare(run, contents)

    (artifact,) = ready.artifacts
    (file,) = artifact.files
    assert file == ReadyFile("a", 1, file.local, md5="DMF1ucDxtqgxw5niaXcmYQ==")
    assert files_of(ready) == {"a": b"a"}
    assert ready.losses == (Loss(f"{TASK}/p/out", "it is a link that leads out of the folder"),)


def test_path_that_changes_before_it_is_sent(
    builder: Payloads, contents: MemoryContents, tmp_path: Path
) -> None:
    """What is sent is what was found to be allowed, whatever lies there by then."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "data.csv").write_text("a")
    contents.own_folder = tmp_path
    planned = output(planned_file(contents.add(tmp_path / "data.csv", "p"), Form.PATH, "p"))

    ready = builder.prepare(planned_run(outputs=[planned]), contents)
    (tmp_path / "data.csv").unlink()
    (tmp_path / "data.csv").symlink_to(tmp_path / "secret")

    assert files_of(ready) == {"data.csv": b"a"}


def test_path_that_is_too_large(
    builder: Payloads, contents: MemoryContents, tmp_path: Path
) -> None:
    """`max_artifact_size` is about all files of it together."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in "abc":
        (folder / name).write_text("1234")
    planned = output(planned_file(contents.add(folder, "p"), Form.PATH, "p"))
    run = replace(planned_run(outputs=[planned]), path_roots=(str(tmp_path),), file_limit=8)

    ready = builder.prepare(run, contents)

    assert files_of(ready) == {"a": b"1234", "b": b"1234"}
    assert [loss.item for loss in ready.losses if loss.item.endswith("/c")] == [f"{TASK}/p/c"]
    assert "more than the 8 bytes that max_artifact_size allows" in str(ready.losses)


def test_pickle_that_is_too_large_for_a_path(builder: Payloads, contents: MemoryContents) -> None:
    """Nobody reads it into memory."""
    content = replace(contents.add("x" * 2_000_000, "p"), size=2_000_000)
    planned = output(planned_file(content, Form.PATH, "p"))

    ready = builder.prepare(planned_run(outputs=[planned]), contents)

    assert ready.losses == (Loss(f"{TASK}/p", "2,000,000 bytes, too many for a path"),)
    assert contents.copies == []


def test_included_file(builder: Payloads, contents: MemoryContents) -> None:
    """An included file goes as its content, not as the pickle that describes it."""
    content = contents.add({"descriptor": 1}, "config", "Flow/1/_parameters")
    contents.included[content.sha1] = b"a: 1\n"
    planned = output(planned_file(content, Form.INCLUDE, "config"))

    ready = builder.prepare(planned_run(outputs=[planned]), contents)

    assert files_of(ready) == {"config": b"a: 1\n"}


def test_code(builder: Payloads, contents: MemoryContents) -> None:
    """Each file of the user has a safe name; the rest is counted, or a loss."""
    content = replace(contents.add("code", "code-package"), size=0)
    planned = output(planned_file(content, Form.CODE, ""), name="Flow-code")

    ready = builder.prepare(planned_run(outputs=[planned]), contents)

    names = list(files_of(ready))
    assert [name.rpartition("/")[2] for name in names if "above" not in name] == ["flow.py"] * 2
    [above] = [name for name in names if "above" in name]
    assert ".." not in above
    [code] = ready.artifacts
    assert code.metadata["files_of_metaflow"] == 400
    assert code.metadata["renamed_files"] == {above: "../above.py"}
    assert code.description == (
        "Metaflow's `code-package` of `Flow/1`: the files of the flow.\n"
        "Metaflow packed 400 files of its own, too; they are left out.\n\n"
        "    folder = artifact.download()"
    )
    assert ready.losses == (Loss(f"{TASK}/code-package/link", "it is a link"),)


@pytest.mark.parametrize("form", Form)
def test_what_is_gone(form: Form, builder: Payloads, contents: MemoryContents) -> None:
    """Bytes that can't be had are lost with the reason; an artifact without files is left out."""
    kept = contents.add("kept", "kept")
    outputs = [
        output(planned_file(gone(), form)),
        output(planned_file(kept, Form.PICKLE, "kept"), planned_file(gone("y"), form, "y")),
    ]

    ready = builder.prepare(planned_run(outputs=outputs), contents)

    reason = "the included file is gone" if form is Form.INCLUDE else "the blob is gone"
    assert list(files_of(ready)) == ["kept.pkl"]
    assert ready.losses == (Loss(f"{TASK}/x", reason), Loss(f"{TASK}/y", reason))


def test_equal_content_is_converted_once(builder: Payloads, contents: MemoryContents) -> None:
    """Tasks that wrote the same frame share one file."""
    files = [planned_file(contents.add(FRAME), Form.PARQUET, f"{i}/x") for i in range(5)]

    ready = builder.prepare(planned_run(outputs=[output(*files)]), contents)

    assert len({file.local for file in ready.artifacts[0].files}) == 1
    assert [file.path for file in ready.artifacts[0].files] == [f"{i}/x.parquet" for i in range(5)]
    assert contents.copies == ["x"]


def test_values_and_log_of_one_task(builder: Payloads, contents: MemoryContents) -> None:
    """Values and log of one task come as they are."""
    line = LogLine("stdout", 1000, "hello")
    contents.logs[TASK] = [line]
    run = planned_run(values={"loss": [contents.add([0.5, 0.25], "loss")]})

    ready = builder.prepare(run, contents)

    assert tuple(ready.log) == (line,)
    assert replace(ready, log=()) == ReadyRun(
        summary={"loss": [0.5, 0.25]},
        history=((0, {"curves/loss": 0.5}), (1, {"curves/loss": 0.25})),
        table=None,
        artifacts=(),
        log_lines=1,
    )


def test_log_of_many_tasks(builder: Payloads, contents: MemoryContents) -> None:
    """Lines of many tasks say whose they are; a log that is gone is lost."""
    contents.logs = {row(3).pathspec: [LogLine("stderr", None, "oops")]}

    ready = builder.prepare(planned_run(tasks=[row(3), row(4)]), contents)

    assert tuple(ready.log) == (LogLine("stderr", None, "[3] oops"),)
    assert ready.losses == (Loss("Flow/1/train/8/log", "the log is gone"),)


def test_summary_that_is_too_large(
    builder: Payloads, contents: MemoryContents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest values of a summary that W&B would drop are lost, and said to be."""
    monkeypatch.setattr(builder_module, "SUMMARY_LIMIT", 1000)
    run = planned_run(
        values={
            "large": [contents.add("x" * 990, "large")],
            "small": [contents.add("y", "small")],
        },
        summary={"metaflow": {"seconds": 1}},
    )

    ready = builder.prepare(run, contents)

    assert ready.summary == {"small": "y"}
    assert ready.losses == (
        Loss(f"{TASK}/large", "1,003 characters, too many for the summary of the W&B run"),
    )


def test_close_keeps_a_bundle(tmp_path: Path, contents: MemoryContents) -> None:
    """A bundle keeps its files; a temporary folder goes."""
    run = planned_run(outputs=[output(planned_file(contents.add("x"), Form.PICKLE))])
    for keep in (True, False):
        builder = PayloadBuilder(tmp_path / str(keep), keep=keep)
        builder.prepare(run, contents)
        builder.close()
        builder.close()

    assert [path.name for path in tmp_path.iterdir()] == ["True"]
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_no_pandas_without_frames() -> None:
    """Importing the package imports no pandas, numpy or pyarrow."""
    import subprocess  # noqa: PLC0415

    code = (
        "import sys, mfwb.payload.builder;print({'pandas', 'numpy', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def test_nothing_of_it_is_lost_when_pickled(builder: Payloads, contents: MemoryContents) -> None:
    """The bytes of a pickle survive, whatever they are."""
    data: Any = pickle.dumps(b"\x00" * 100_000)[:50_000]
    content = contents.add_bytes(data)

    ready = builder.prepare(
        planned_run(outputs=[output(planned_file(content, Form.PICKLE))]), contents
    )

    assert files_of(ready) == {"x.pkl": data}


def test_the_parts_make_the_whole(tmp_path: Path) -> None:
    """What `prepare` returns is what the three return, and each returns its own alone."""
    contents = MemoryContents()
    contents.logs[TASK] = []
    file = planned_file(contents.add("kept", "kept"), Form.PICKLE, "kept")
    run = planned_run(outputs=[output(file)])
    builder = PayloadBuilder(tmp_path, keep=False)

    whole = builder.prepare(run, contents)
    values, files = builder.values(run, contents), builder.files(run, contents)
    log = builder.log(run, contents)
    builder.close()

    assert whole.artifacts == files.artifacts
    assert (values.artifacts, log.artifacts) == ((), ())
    assert whole.summary == values.summary
    assert whole.table == values.table
    assert whole.losses == (*values.losses, *files.losses, *log.losses)
