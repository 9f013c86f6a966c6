"""An explanation as text and as a document."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mfwb.pipeline.explain import Explanation
from mfwb.planning import Preview
from mfwb.planning.classify import Classification
from mfwb.planning.classify_reasons import DecidingType, KindEvidence, Reason
from mfwb.planning.type_table import Kind
from mfwb.ports import ReadyMedia, ReadyPreview, ReadyTable
from mfwb.report.explain import show_explanation
from mfwb.report.explain.reasons import explain_kind, why_not_more
from mfwb.snapshot import FlowRunState, Loss
from tests.support.flow_runs import at, flow_run, spec, task
from tests.unit.explained import Metaflow, explained, sample


def shown(explanation: Explanation, width: int = 100) -> str:
    """Return the text, in ASCII, after an empty line."""
    console = Console(file=io.StringIO(), width=width)
    return "\n" + show_explanation(explanation, console=console, as_json=False)[1]


def folded(explanation: Explanation) -> str:
    """Return the text on one line."""
    return " ".join(shown(explanation).split())


def document(explanation: Explanation) -> Any:
    """Return the document."""
    console = Console(file=io.StringIO())
    return json.loads(show_explanation(explanation, console=console, as_json=True)[0])


def without_sha1(text: str) -> str:
    """Return a text without digests, which are those of this Python's pickles."""
    return re.sub(r"(?<=sha1 )\w+", "...", text)


# --- text -----------------------------------------------------------------------------------


def test_a_model_of_a_foreach(tmp_path: Path) -> None:
    """All there is to say of a model that each task of a foreach fitted."""
    assert without_sha1(shown(explained(sample(), "train/model", tmp_path))) == (
        """
DemoFlow/7/train/model
  written by train x 2 tasks, all different

what     sklearn.svm._classes.SVC
         pickle-v4
         train/2  61 B  sha1 ...  attempt 0
         train/3  61 B  sha1 ...  attempt 1
kind     model: its type fits sklearn.*
written  artifact model, type model, alias run-7-candidates-train
files    0/model.pkl  61 B  Metaflow's own pickle
         1/model.pkl  61 B  Metaflow's own pickle
needs    tests
by       W&B run DemoFlow/7/train
         in project acme/wines
lost     nothing

description
  Metaflow's artifact `model` of 2 tasks, a file or folder of each.
  These are candidates; a later step picked from them. `model:run-7` is the
  final version. The code below loads one of them.
  The very pickle that Metaflow stored. Loading it runs code of: `tests`.

      path = artifact.get_entry('0/model.pkl').download()
      model = pickle.loads(pathlib.Path(path).read_bytes())

metadata
  metaflow.flow_run     DemoFlow/7
  metaflow.step         train
  metaflow.artifact     model
  metaflow.python_type  sklearn.svm._classes.SVC
  metaflow.encoding     pickle-v4
  metaflow.size         122
  metaflow.tasks        2
  modules               ["tests"]
"""
    )


def test_a_value_of_a_foreach(tmp_path: Path) -> None:
    """A value is told as the summary, a chart and a column of the table have it."""
    assert without_sha1(shown(explained(sample(), "train/3/score", tmp_path))) == (
        """
DemoFlow/7/train/3/score
  written by train/3

what     float
         21 B, pickle-v4, attempt 1
         sha1 ...
kind     value: float is a plain value
written  summary["score"] = {"min": 0.25, "max": 0.75, "mean": 0.5}
chart    tasks/score
table    tasks, column score
by       W&B run DemoFlow/7/train
         in project acme/wines
lost     nothing
"""
    )


def test_a_parameter(tmp_path: Path) -> None:
    """A parameter is told as the config of all W&B runs has it."""
    assert without_sha1(shown(explained(sample(), "_parameters/alpha", tmp_path))) == (
        """
DemoFlow/7/_parameters/alpha
  a parameter of the flow run

what     float
         21 B, pickle-v4
         sha1 ...
written  config["alpha"] = 0.5
by       each of 3 W&B runs in project acme/wines
lost     nothing
"""
    )
    constant = folded(explained(sample(), "choose/N", tmp_path))
    assert "a class variable of the flow run" in constant
    assert 'config["metaflow"]["constants"]["N"] = 3' in constant


def test_handed_on(tmp_path: Path) -> None:
    """What a step picks among several is told as it writes it."""
    text = folded(explained(sample(), "choose/model", tmp_path))

    assert "passed on by choose/4; written by train/3" in text
    assert "written artifact model, type model, aliases latest and run-7" in text
    assert "file model.pkl 61 B Metaflow's own pickle" in text
    assert "by W&B run DemoFlow/7/choose" in text


def test_some_tasks_wrote_it(tmp_path: Path) -> None:
    """Where some tasks changed what others hand on, both are told."""
    metaflow = Metaflow()
    first, second = metaflow.ref("x", 1), metaflow.ref("x", 2)
    works = [
        task(
            f"work/{2 + index}", foreach=at(f"work:xs:{index}"), has=[[first], [second], []][index]
        )
        for index in range(3)
    ]
    start = task("start/1", to="work", over="xs", has=[metaflow.ref("xs", [1, 2, 3]), first])
    metaflow.flow_runs = [flow_run(start, *works)]

    text = folded(explained(metaflow, "work/x", tmp_path))

    assert (
        "written by 1 of work x 2 of 3 tasks; others pass on what start/1 wrote, all different"
        in text
    )
    assert 'written summary["x"] = {"min": 1, "max": 2, "mean": 1.5}' in text
    assert "by W&B run DemoFlow/7/work in" in text
    assert "also" not in text


def test_many_contents(tmp_path: Path) -> None:
    """Of many tasks the first ones are told, and those that agree together."""
    metaflow = Metaflow()
    works = [
        task(f"work/{2 + i}", foreach=at(f"work:xs:{i}"), has=[metaflow.ref("x", i % 10)])
        for i in range(12)
    ]
    start = task("start/1", to="work", over="xs", has=[metaflow.ref("xs", list(range(12)))])
    metaflow.flow_runs = [flow_run(start, *works)]

    text = folded(explained(metaflow, "work/x", tmp_path))

    assert "written by work x 12 tasks, 10 contents" in text
    assert "work/2 x 2 5 B" in text
    assert "and 4 more kind" in text

    alike = explained(metaflow, "work/x", tmp_path)
    alike = replace(alike, artifacts=(alike.artifacts[0], alike.artifacts[10]))
    assert "tasks, all equal" in folded(alike)


def test_switched_off(tmp_path: Path) -> None:
    """What is switched off is not written, and the setting is named."""
    text = folded(explained(sample(), "train/model", tmp_path, models=False))

    assert (
        "written no artifact: switched off by models = false in the settings file lost nothing"
        in text
    )
    assert "description" not in text


def test_a_curve_without_its_artifact(tmp_path: Path) -> None:
    """Numbers that are too many for the summary are drawn, also where the artifact is left out."""
    metaflow = Metaflow()
    curve = metaflow.ref("curve", [float(number) for number in range(12_000)])
    metaflow.flow_runs = [flow_run(task("start/1", has=[replace(curve, names=())]))]
    text = folded(explained(metaflow, "start/curve", tmp_path, others=False))

    assert "not in the summary: 108," in text
    assert "written no artifact: switched off by others = false in the settings file" in text
    assert "chart curve by W&B run DemoFlow/7/start" in text


def test_losses(tmp_path: Path) -> None:
    """What is lost is told with its reason; nothing is written then."""
    text = folded(explained(sample(), "train/2/model", tmp_path, max_artifact_size=9))

    assert "written nothing lost train/2/model: 61 bytes, more than the 9" in text

    many = tuple(Loss(spec(f"train/{number}/model"), "gone") for number in range(10))
    result = explained(sample(), "train/model", tmp_path)
    assert "train/7/model: gone and 2 more" in folded(replace(result, losses=many))


def test_by_task(tmp_path: Path) -> None:
    """With a W&B run per task the first one is told in full, the others by name."""
    text = folded(explained(sample(), "train/model", tmp_path, granularity="task"))

    assert "by W&B run DemoFlow/7/train/2 in project acme/wines" in text
    assert "also in the same way: DemoFlow/7/train/3" in text
    assert text.count("written artifact") == 1


def test_what_else_may_be_said(tmp_path: Path) -> None:
    """A flow run that goes on, a default entity, a preview, a file that stayed a pickle."""
    result = explained(sample(), "train/2/model", tmp_path)
    [replayed] = result.replayed
    [artifact] = replayed.ready.artifacts
    previews = (
        ReadyPreview("model", Preview.TABLE, ReadyTable(("a", "b"), ((1, 2),))),
        ReadyPreview("picture", Preview.IMAGE, media=(ReadyMedia(tmp_path, "image-file", "png"),)),
        ReadyPreview("odd", Preview.IMAGES, value="not shown: it has no images"),
        ReadyPreview("histogram/x", Preview.CHART, value={"_type": "histogram"}),
    )
    kept = replace(artifact, metadata={"kept_as_pickle": "it is odd"})
    ready = replace(replayed.ready, artifacts=(kept,), previews=previews)
    text = folded(
        replace(
            result,
            entity=None,
            state=FlowRunState.RUNNING,
            replayed=(replace(replayed, ready=ready),),
        )
    )

    assert "in project wines of your default entity" in text
    assert "still running; a sync skips it until it ends" in text
    assert 'shown summary["model"]: 1 row of 2 columns summary["picture"]: an image' in text
    assert 'summary["odd"]: not shown: it has no images' in text
    assert 'summary["histogram/x"]: a histogram' in text
    assert "stays a pickle: it is odd needs not known" in text


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("artifact", ["train/model", "train/score", "choose/model", "start/alpha"])
def test_width(artifact: str, width: int, tmp_path: Path) -> None:
    """No line is wider than the console, or than 80 columns, and none ends with spaces."""
    console = Console(file=io.StringIO(), width=width)
    explanation = explained(sample(), artifact, tmp_path)
    lines = show_explanation(explanation, console=console, as_json=False)[0].splitlines()

    assert max(map(len, lines)) <= min(width, 80)
    assert [line for line in lines if line.endswith(" ")] == []


def test_nothing_steers_the_terminal(tmp_path: Path) -> None:
    """What comes from outside is shown, not obeyed."""
    metaflow = Metaflow()
    metaflow.flow_runs = [
        flow_run(task("start/1", has=[metaflow.ref("x", "\x1b[31mred\nline", "evil\x1b[2J.Type")]))
    ]
    text = shown(explained(metaflow, "start/x", tmp_path))

    assert "\x1b" not in text
    assert "evil\\x1b[2J.Type" in text


# --- why ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "deciding_type", "says"),
    [
        ("dict", DecidingType(KindEvidence.TABLE, "dict", "dict"), "a dict of plain values"),
        ("str", DecidingType(KindEvidence.TABLE, "str", "str"), "str is a plain value"),
        (
            "numpy.ndarray",
            DecidingType(KindEvidence.TABLE, "numpy.ndarray", "numpy.ndarray"),
            "mfwb knows numpy.ndarray",
        ),
        ("a.B", DecidingType(KindEvidence.TABLE, "a.B", "a.*"), "its type fits a.*"),
        (
            "a.B",
            DecidingType(
                KindEvidence.TABLE, "torch.nn.modules.linear.Linear", "torch.nn.*", inside=True
            ),
            "its pickle refers to torch.nn.modules.linear.Linear, which fits torch.nn.*",
        ),
        (
            "a.B",
            DecidingType(KindEvidence.TABLE, "pandas.DataFrame", "pandas.DataFrame", inside=True),
            "its pickle refers to pandas.DataFrame",
        ),
        (
            "a.B",
            DecidingType(KindEvidence.KINDS, "a.B", "a.*"),
            'its type fits "a.*" of the [kinds] in your settings',
        ),
        (
            "list",
            DecidingType(KindEvidence.CONVERTER, "a.B", "a.*", inside=True, converter="mine"),
            "its pickle refers to a.B, which fits a.*, which the converter mine takes",
        ),
        (
            "collections.OrderedDict",
            DecidingType(KindEvidence.TENSORS, "collections.OrderedDict"),
            "an OrderedDict of tensors, as torch's state_dict() returns it",
        ),
        (
            "list",
            DecidingType(KindEvidence.NOTHING, "a.B", inside=True),
            "it holds a.B, which is not a plain value, a table or a model",
        ),
        (
            "a.B",
            DecidingType(KindEvidence.NOTHING, inside=True),
            "mfwb does not know a.B, and no table or model is seen in it",
        ),
        (
            "",
            DecidingType(KindEvidence.NOTHING, inside=True),
            "its type was not recorded, and no table or model is seen in it",
        ),
    ],
)
def test_why(type_: str, deciding_type: DecidingType, says: str) -> None:
    """Each ground has its words."""
    assert explain_kind(Reason(type_, Classification(Kind.OTHER), deciding_type)) == says


def test_why_not_more() -> None:
    """What was not done has its reason, and so has what was not looked into."""
    deciding_type = DecidingType(KindEvidence.NOTHING)
    blind = Reason("a.B", Classification(Kind.OTHER), deciding_type, unseen="it is damaged")
    lazy = Reason("a.B", Classification(Kind.OTHER), deciding_type, no_value="a", not_loaded="b")

    assert explain_kind(blind) == "its content is not known: it is damaged"
    assert why_not_more(blind) == {}
    assert why_not_more(lazy) == {"not in the summary": "a", "not loaded": "b"}


# --- document -------------------------------------------------------------------------------


def test_document_of_an_artifact(tmp_path: Path) -> None:
    """The document has tasks, W&B runs, and the files with their forms."""
    result = document(explained(sample(), "choose/model", tmp_path))
    [notified] = result["tasks"]
    [run] = result["wandb_runs"]
    [artifact] = run["artifacts"]

    assert (result["version"], result["artifact"]) == (1, "DemoFlow/7/choose/model")
    assert (result["flow_run"], result["state"], result["name"]) == (
        "DemoFlow/7",
        "finished",
        "model",
    )
    assert (result["entity"], result["project"], result["parameter"]) == ("acme", "wines", None)
    assert notified == {
        "task": spec("choose/4"),
        "attempt": 0,
        "type": "sklearn.svm._classes.SVC",
        "size": 61,
        "sha1": notified["sha1"],
        "encoding": "pickle-v4",
        "producer": spec("train/3"),
        "shown_in": spec("choose/4"),
        "kind": "model",
        "form": "pickle",
        "why": "its type fits sklearn.*",
        "ground": "table",
        "decided_by": "sklearn.svm._classes.SVC",
        "pattern": "sklearn.*",
        "converter": "",
        "not_done": {},
        "switched_off": "",
    }
    assert (run["name"], run["summary"]) == ("DemoFlow/7/choose", {})
    assert artifact["files"] == [
        {
            "path": "model.pkl",
            "size": 61,
            "form": "pickle",
            "task": spec("choose/4"),
            "reference": None,
        }
    ]
    assert artifact["aliases"] == ["latest", "run-7"]
    assert artifact["modules"] == ["tests"]
    assert artifact["metadata"]["metaflow"]["picked_from"] == spec("train/3")
    assert "get_entry('model.pkl')" in artifact["description"]
    assert result["losses"] == []


def test_document_of_values_and_parameters(tmp_path: Path) -> None:
    """Values are there as the summary has them, parameters as the config."""
    [run] = document(explained(sample(), "train/score", tmp_path))["wandb_runs"]
    parameter = document(explained(sample(), "start/alpha", tmp_path))["parameter"]

    assert run["summary"] == {"score": {"min": 0.25, "max": 0.75, "mean": 0.5}}
    assert (run["charts"], run["table_columns"]) == (["tasks/score"], ["score"])
    assert parameter["value"] == 0.5
    assert (parameter["config_key"], parameter["wandb_runs"]) == ("alpha", 3)


def test_a_document_for_ascii(tmp_path: Path) -> None:
    """An output that takes ASCII only gets the same document, escaped."""
    metaflow = Metaflow()
    metaflow.flow_runs = [flow_run(task("start/1", has=[metaflow.ref("x", "größe")]))]
    result = explained(metaflow, "start/x", tmp_path)

    text, plain = show_explanation(result, console=Console(file=io.StringIO()), as_json=True)

    assert "größe" in text
    assert plain.isascii()
    assert json.loads(plain) == json.loads(text)
