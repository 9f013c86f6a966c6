"""Pictures, sounds, films, documents and arrays of a real flow run, read back from W&B."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as plotly
import pytest
import wandb
from PIL import Image

from tests.flows.media_files import NOTES, PAGE, TAG, huge, picture, sound
from tests.integration.aspects import ASPECTS
from tests.integration.results import Synced, metadata_of
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import RunSnapshot, WandbServer

FLOW = "pictures_flow"

Read = Callable[[str], tuple[dict[str, Any], dict[str, bytes]]]


@pytest.fixture(scope="module")
def flow_run_synced(synced: Callable[..., Synced]) -> Synced:
    """Return the flow run, synced online."""
    return synced(FLOW)


@pytest.fixture(scope="module")
def read(flow_run_synced: Synced, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Return a function that returns summary and media files of a step, by `wandb.Api`."""
    done, server = flow_run_synced, flow_run_synced.server
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_BASE_URL", server.base_url)
        patch.setenv("WANDB_API_KEY", server.api_key)
        runs = {run.name: run for run in wandb.Api().runs(f"acme/{done.project}", lazy=False)}
        folder = tmp_path_factory.mktemp("media")

        def read(step: str) -> tuple[dict[str, Any], dict[str, bytes]]:
            run = runs[f"{done.pathspec}/{step}"]
            files = {}
            for file in run.files():
                if file.name.startswith("media/"):
                    with file.download(root=str(folder), replace=True) as stream:
                        files[file.name] = Path(stream.name).read_bytes()
            return json.loads(json.dumps(dict(run.summary), default=dict)), files

        yield read


@pytest.mark.parametrize(
    ("name", "type_", "content"),
    [
        ("plot.png", "image-file", picture(64, 10)),
        ("photo.jpg", "image-file", picture(64, 20, form="JPEG")),
        ("web.webp", "image-file", picture(64, 30, form="WEBP")),
        ("wide.png", "image-file", picture(300, 40) + b"more"),
        ("animation.gif", "video-file", picture(32, 50, form="GIF")),
        ("tone.wav", "audio-file", sound()),
        ("film.mp4", "video-file", b"\0\0\0\x20ftypisom\0\0\2\0" + bytes(1_000)),
        ("page.html", "html-file", PAGE.encode()),
    ],
)
def test_files(name: str, type_: str, content: bytes, read: Read, flow_run_synced: Synced) -> None:
    """Panel and artifact have exactly the bytes that the step made, under their own ending."""
    summary, files = read("start")

    key, _, suffix = name.partition(".")
    assert summary[key]["_type"] == type_
    assert summary[key]["path"].endswith(f".{suffix}")
    assert files[summary[key]["path"]] == content
    assert flow_run_synced.artifact(f"{key}:latest").files == {name: content}


def test_size_of_an_image(read: Read) -> None:
    """As `wandb.Image` has it."""
    summary, _ = read("start")

    plot = summary["plot"]
    assert (plot["format"], plot["width"], plot["height"]) == ("png", 64, 32)


def test_files_without_a_panel(read: Read, flow_run_synced: Synced) -> None:
    """W&B shows no PDF; what is no file of a known format stays a pickle."""
    summary, _ = read("start")

    assert not {"paper", "plain"} & summary.keys()
    assert [*flow_run_synced.artifact("paper:latest").files] == ["paper.pdf"]
    assert [*flow_run_synced.artifact("plain:latest").files] == ["plain.pkl"]
    assert summary["tag"] == TAG


def test_images_that_can_not_be_decoded(read: Read, flow_run_synced: Synced) -> None:
    """The artifact has them as they are, and the summary says why there is no panel."""
    summary, _ = read("start")

    assert summary["bomb"] == "not shown: the image is too large to be shown"
    assert summary["cut"] == "not shown: image file is truncated"
    bomb = flow_run_synced.artifact("bomb:latest").files
    assert bomb == {"bomb.png": huge()}


def test_markdown(read: Read, flow_run_synced: Synced) -> None:
    """The page is rendered, and its scripts are text; the artifact has the text."""
    summary, files = read("start")

    page = files[summary["notes_md"]["path"]].decode()
    assert "<h1>Notes</h1>" in page
    assert "<script>" not in page
    text = NOTES.encode()
    assert flow_run_synced.artifact("notes_md:latest").files == {"notes_md.md": text}


def test_an_image_of_pillow(read: Read, flow_run_synced: Synced) -> None:
    """A panel, and in the artifact a PNG beside the very pickle."""
    summary, files = read("start")

    shown = Image.open(io.BytesIO(files[summary["image"]["path"]]))
    assert (shown.size, shown.getpixel((0, 0))) == ((60, 40), (200, 30, 30))
    stored = flow_run_synced.artifact("image:latest").files
    assert [*stored] == ["image.pkl", "image.png"]
    assert Image.open(io.BytesIO(stored["image.png"])).tobytes() == shown.tobytes()
    assert pickle.loads(stored["image.pkl"]).tobytes() == shown.tobytes()


def test_galleries(read: Read) -> None:
    """Lists and dicts of images are galleries, as the SDK writes them."""
    summary, files = read("start")

    samples = summary["samples"]
    sizes = [Image.open(io.BytesIO(files[path])).size for path in samples.pop("filenames")]
    assert sizes == [(20, 20), (21, 20), (22, 20), (23, 20)]
    assert samples == {
        "_type": "images/separated",
        "width": 20,
        "height": 20,
        "format": "png",
        "count": 4,
        "captions": ["0", "1", "2", "3"],
    }
    assert summary["classes"]["captions"] == ["cat", "dog/0"]


def test_a_gallery_has_a_limit(read: Read) -> None:
    """The last caption says how many more there are."""
    many = read("start")[0]["many"]

    assert many["count"] == len(many["filenames"]) == len(many["captions"]) == 50
    assert many["captions"][-1] == "49 (10 more of 60 are only in the artifact)"


def test_pictures_of_a_foreach(read: Read) -> None:
    """A gallery of those of all tasks, by the labels of the tasks."""
    summary, files = read("draw")

    for key in ("sketch", "portrait"):
        assert summary[key]["captions"] == ["0", "1", "2"]
    colours = [
        Image.open(io.BytesIO(files[path])).getpixel((0, 0))
        for path in summary["portrait"]["filenames"]
    ]
    assert colours == [(0, 0, 0), (70, 0, 0), (140, 0, 0)]


def test_charts(read: Read) -> None:
    """A histogram as the SDK writes it, a heat map that plotly takes, and the arrays beside."""
    summary, files = read("start")

    weights = np.linspace(-1.0, 1.0, 1_000) ** 3
    assert summary["weights"] == weights.tolist()
    of_wandb = wandb.Histogram(weights.tolist()).to_json()
    assert summary["histogram/weights"] == json.loads(json.dumps(of_wandb))
    matrix = [[50, 2, 0], [3, 40, 7], [1, 0, 60]]
    assert summary["confusion"] == matrix
    figure = json.loads(files[summary["heatmap/confusion"]["path"]])
    assert figure["data"][0]["z"] == matrix
    assert plotly.Figure(figure)
    charts = {key for key in summary if key.startswith(("histogram", "heatmap"))}
    assert charts == {"histogram/weights", "heatmap/confusion"}


@pytest.fixture(scope="module")
def pushed(
    flow_run_synced: Synced, flows_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Sandbox, str]:
    """Return a folder whose bundle was pushed, and the project."""
    server, folder = flow_run_synced.server, tmp_path_factory.mktemp("pushed")
    at = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
    sandbox, project = Sandbox(folder, at), f"{folder.name}-pushed"
    to = ("--mode", "offline", "--dir", "bundle", "--entity", "acme", "--project", project)
    fixed = (flow_run_synced.pathspec, "--metadata", metadata_of(flows_root))
    for command in (("sync", *fixed, *to), ("push", "bundle"), ("verify", *fixed, *to)):
        done = sandbox.mfwb(*command)
        assert done.code == 0, done.out + done.err
    return sandbox, project


def _panels(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in values.items()
        if isinstance(value, dict) and value.get("_type") not in {None, "table-file"}
    }


def test_all_are_in_the_history(flow_run_synced: Synced) -> None:
    """W&B draws only what is there: each is in the first row as in the summary, but for tables."""
    types = set()
    for run in flow_run_synced.server.state.runs(f"acme/{flow_run_synced.project}").values():
        rows = [_panels(row) for row in run.history]
        assert next(iter(rows), {}) == _panels(run.summary)
        assert not any(rows[1:])
        types |= {value["_type"] for row in rows for value in row.values()}

    assert {"image-file", "images/separated", "html-file", "histogram", "plotly-file"} < types


def test_missing_ones_are_added(flow_run_synced: Synced, flows_root: Path, tmp_path: Path) -> None:
    """As after an update of mfwb: in a further row of step 0, and nothing is lost."""
    with WandbServer() as server:
        at = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        sandbox = Sandbox(tmp_path, at)
        to = ("--project", "p", "--json", "--metadata", metadata_of(flows_root))
        assert sandbox.mfwb("sync", flow_run_synced.pathspec, *to).code == 0
        with server.store.lock:
            for run in server.store.runs.values():
                run.history[:] = map(_without_panels, run.history)
        damaged = sandbox.mfwb("verify", flow_run_synced.pathspec, *to)

        again = sandbox.mfwb("sync", flow_run_synced.pathspec, *to, "--force")
        verified = sandbox.mfwb("verify", flow_run_synced.pathspec, *to)
        third = sandbox.mfwb("sync", flow_run_synced.pathspec, *to)

        shown = {
            key: value
            for run in server.store.runs.values()
            for row in run.history
            for key, value in _panels(json.loads(row)).items()
        }
    assert damaged.code == 6
    assert "history.plot in row 0" in damaged.out
    assert again.code == 0, again.err
    assert again.document["totals"]["losses"] == 0
    assert verified.code == 0, verified.out
    assert third.document["flow_runs"][0]["status"] == "unchanged"
    assert shown["plot"]["_type"] == "image-file"


def _without_panels(text: str) -> str:
    row = json.loads(text)
    return json.dumps({key: row[key] for key in row.keys() - _panels(row).keys()})


@pytest.mark.parametrize("aspect", ["summary", "history", "media", "logged"])
def test_a_push_says_the_same(
    aspect: str, pushed: tuple[Sandbox, str], flow_run_synced: Synced
) -> None:
    """As the online sync."""
    server = flow_run_synced.server

    def of(project: str) -> dict[str, RunSnapshot]:
        runs = server.state.runs(f"acme/{project}").values()
        return {run.display_name: ASPECTS[aspect](run) for run in runs}

    assert of(pushed[1]) == of(flow_run_synced.project)


def test_nothing_is_lost_and_nothing_differs(
    pushed: tuple[Sandbox, str], flow_run_synced: Synced, flows_root: Path
) -> None:
    """By the account, by a verification that reads all bytes, and by a second sync."""
    sandbox, _ = pushed
    fixed = (
        *(flow_run_synced.pathspec, "--project", flow_run_synced.project, "--json"),
        *("--metadata", metadata_of(flows_root)),
    )

    [totals] = [flow_run_synced.finished.document["totals"]]
    assert flow_run_synced.losses == []
    assert totals["account"]["artifacts"]["lost"] == 0
    verified = sandbox.mfwb("verify", *fixed, "--read-data")
    assert verified.code == 0, verified.out
    again = sandbox.mfwb("sync", *fixed)
    assert [item["status"] for item in again.document["flow_runs"]] == ["unchanged"]


def test_arrays_that_the_settings_call_images(
    flow_run_synced: Synced, flows_root: Path, tmp_path: Path
) -> None:
    """`"numpy.ndarray" = "image"` in `[kinds]`: what has no shape of images says so."""
    server = flow_run_synced.server
    sandbox = Sandbox(
        tmp_path, {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
    )
    (tmp_path / "mfwb.toml").write_text('[kinds]\n"numpy.ndarray" = "image"\n', encoding="utf-8")
    fixed = (
        *(flow_run_synced.pathspec, "--project", tmp_path.name, "--json"),
        *("--metadata", metadata_of(flows_root), "--config", "mfwb.toml"),
    )

    done = sandbox.mfwb("sync", *fixed)

    assert done.code == 0, done.err
    synced = Synced(flow_run_synced.pathspec, tmp_path.name, done, server)
    run = synced.run("start")
    matrix = run.summary["wide_matrix"]
    assert (matrix["_type"], matrix["width"], matrix["height"]) == ("image-file", 60, 60)
    assert run.summary["weights"] == "not shown: an array of the shape (1000,) has no images"
    assert [*synced.artifact("confusion:latest").files] == ["confusion.npy"]
    verified = sandbox.mfwb("verify", *fixed)
    assert verified.code == 0, verified.out
