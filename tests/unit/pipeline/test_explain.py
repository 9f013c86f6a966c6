"""The explanation of one artifact: its path, its facts, and what W&B gets of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mfwb.config import load_settings
from mfwb.errors import NotFound, UsageError
from mfwb.pipeline.explain import parse_artifact
from mfwb.pipeline.explain.switches import describe_switch
from mfwb.planning.classify import Kind
from mfwb.planning.classify_reasons import KindEvidence
from mfwb.snapshot import FlowRunState, GraphStep, Loss
from tests.support.flow_runs import flow_run, spec, task
from tests.unit.explained import Fit, Metaflow, explained, sample

# --- which one is meant ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "step", "task_id", "name"),
    [
        ("F/1/train/model", "train", None, "model"),
        (" F/latest/train/model ", "train", None, "model"),
        ("F/1/train/4/model", "train", "4", "model"),
        ("F/argo-x.1/train/t-0a:1/_x1", "train", "t-0a:1", "_x1"),
        ("F/1/_parameters/alpha", "_parameters", None, "alpha"),
        ("F/1/start/größe", "start", None, "größe"),
        ("F/1/start/with-dash", "start", None, "with-dash"),  # of `setattr`, as the next ones
        ("F/1/start/4/9 lives.x", "start", "4", "9 lives.x"),
        ("F/1/start/4/auc/1", "start", "4", "auc/1"),
        ("F/1/start/..", "start", None, ".."),
        ("F/1/start/a\tb", "start", None, "a\tb"),
        ("F/1/start/", "start", None, ""),
    ],
)
def test_parse(text: str, step: str, task_id: str | None, name: str) -> None:
    """A pathspec of an artifact has a step, perhaps a task, and a name; it is written the same."""
    requested = parse_artifact(text)

    assert (requested.step, requested.task, requested.name) == (step, task_id, name)
    assert str(requested) == text.strip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "does not name an artifact; give Flow/123/train/model"),
        ("F", "does not name an artifact"),
        ("F/1/train", "does not name an artifact"),
        ("F/1/train/4", "names a task; add an artifact: F/1/train/4/model"),
        ("F/1/tr.ain/x", "'tr.ain' in 'F/1/tr.ain/x' can't be the name of a step"),
        ("F/1/train/ /x", "can't be the id of a task"),
        ("9/1/train/x", "is not a pathspec"),
        ("F/a b/train/x", "is not a pathspec"),
        ("F/1/_parameters/1/alpha", "give F/1/_parameters/alpha"),
    ],
)
def test_no_pathspec(text: str, words: str) -> None:
    """What names no artifact is wrong usage, and what would be right is told."""
    with pytest.raises(UsageError) as wrong:
        parse_artifact(text)

    assert words in str(wrong.value)


@pytest.mark.parametrize(
    ("artifact", "says"),
    [
        ("trian/model", "DemoFlow/7 has no step 'trian'; did you mean train?"),
        ("zzz/model", "DemoFlow/7 has no step 'zzz'; its steps are start, train and choose"),
        ("skip/model", "step skip of DemoFlow/7 did not run; its steps are"),
        ("train/9/model", "DemoFlow/7/train has no task '9'; its tasks are 2 and 3"),
        ("train/Model", "DemoFlow/7/train has no artifact 'Model'; did you mean model?"),
        ("train/2/zz", "DemoFlow/7/train/2 has no artifact 'zz'; it has N, alpha, base, model,"),
        ("start/score", "DemoFlow/7/start has no artifact 'score', but there is one in train"),
        ("_parameters/beta", "DemoFlow/7 has no parameter 'beta'; its parameters are alpha and N"),
    ],
)
def test_not_there(artifact: str, says: str, tmp_path: Path) -> None:
    """What is not there is not there, and what there is instead is told."""
    metaflow = sample()
    graph = (GraphStep("start"), GraphStep("skip"))
    metaflow.flow_runs = [replace(metaflow.flow_runs[0], graph=graph)]

    with pytest.raises(NotFound) as missing:
        explained(metaflow, artifact, tmp_path)

    assert str(missing.value).startswith(says)


def test_many_names_are_cut(tmp_path: Path) -> None:
    """Of many names the first ones are told, and how many more there are."""
    metaflow = Metaflow()
    refs = [metaflow.ref(f"artifact{number}", number) for number in range(20)]
    metaflow.flow_runs = [flow_run(task("start/1", has=refs))]

    with pytest.raises(NotFound, match=r"it has artifact0, .* and 12 more\Z"):
        explained(metaflow, "start/zz", tmp_path)


def test_no_such_flow_run(tmp_path: Path) -> None:
    """That there is no flow run is the source's word."""
    with pytest.raises(NotFound, match="there is no DemoFlow/7"):
        explained(Metaflow(), "start/x", tmp_path)


def test_a_name_with_a_slash(tmp_path: Path) -> None:
    """`setattr(self, "auc/1", 1)` makes one; what comes first then is no id of a task."""
    metaflow = Metaflow()
    metaflow.flow_runs = [flow_run(task("start/1", has=[metaflow.ref("auc/1", 1)]))]

    for requested in ("start/auc/1", "start/1/auc/1"):
        result = explained(metaflow, requested, tmp_path)
        assert [replayed.ready.summary for replayed in result.replayed] == [{"auc/1": 1}]


# --- what W&B gets --------------------------------------------------------------------------


def test_files_of_all_tasks(tmp_path: Path) -> None:
    """A foreach's artifact has a file per task; what was made is there to look at."""
    result = explained(sample(), "train/model", tmp_path)
    [replayed] = result.replayed
    [artifact] = replayed.ready.artifacts

    assert [item.task for item in result.artifacts] == [spec("train/2"), spec("train/3")]
    assert [item.producer for item in result.artifacts] == [spec("train/2"), spec("train/3")]
    assert [item.attempt for item in result.artifacts] == [0, 1]
    assert {item.reason.classification.kind for item in result.artifacts} == {Kind.MODEL}
    assert (artifact.planned.name, artifact.planned.type) == ("model", "model")
    assert [file.path for file in artifact.files] == ["0/model.pkl", "1/model.pkl"]
    assert [file.size for file in artifact.files] == [item.ref.size for item in result.artifacts]
    assert artifact.metadata["modules"] == ["tests"]
    assert (result.entity, result.project, result.among) == ("acme", "wines", 2)
    assert result.losses == ()


def test_one_task(tmp_path: Path) -> None:
    """Of one task only its own file is made, although the W&B artifact has more."""
    metaflow = sample()
    result = explained(metaflow, "train/3/model", tmp_path)
    [artifact] = result.replayed[0].ready.artifacts

    assert [file.path for file in artifact.files] == ["1/model.pkl"]
    assert artifact.planned.metadata["metaflow"]["tasks"] == 2
    assert "get_entry('1/model.pkl')" in artifact.description
    assert metaflow.bytes.copies == ["model"]


def test_handed_on(tmp_path: Path) -> None:
    """What a step picks among several it writes by itself, and no more."""
    result = explained(sample(), "choose/model", tmp_path)
    [replayed] = result.replayed

    assert [artifact.producer for artifact in result.artifacts] == [spec("train/3")]
    assert [artifact.shown_in for artifact in result.artifacts] == [spec("choose/4")]
    assert replayed.planned.name == "DemoFlow/7/choose"
    assert [file.path for file in replayed.ready.artifacts[0].files] == ["model.pkl"]


def test_a_value(tmp_path: Path) -> None:
    """A value is in the summary as W&B gets it; of a foreach that is what all tasks have."""
    whole = explained(sample(), "train/score", tmp_path)
    item = explained(sample(), "train/2/score", tmp_path)

    assert whole.replayed[0].ready.summary == {"score": {"min": 0.25, "max": 0.75, "mean": 0.5}}
    assert item.replayed[0].ready.summary == whole.replayed[0].ready.summary
    assert item.artifacts == whole.artifacts[:1]
    assert whole.replayed[0].ready.artifacts == ()


def test_nothing_else_is_read(tmp_path: Path) -> None:
    """No log and no card is asked for, and no file of another artifact is made."""
    metaflow = sample()

    [replayed] = explained(metaflow, "choose/best", tmp_path).replayed

    assert replayed.ready.summary == {"best": "b"}
    assert (replayed.ready.log, replayed.ready.cards) == ((), ())
    assert metaflow.bytes.copies == []


def test_by_task(tmp_path: Path) -> None:
    """With a W&B run per task, each of them is there."""
    result = explained(sample(), "train/model", tmp_path, granularity="task")

    assert [item.planned.name for item in result.replayed] == [spec("train/2"), spec("train/3")]
    assert [item.ready.artifacts[0].files[0].path for item in result.replayed] == ["model.pkl"] * 2


@pytest.mark.parametrize(
    ("name", "value", "key"), [("alpha", 0.5, "alpha"), ("N", 3, "metaflow.constants.N")]
)
@pytest.mark.parametrize("step", ["_parameters", "start", "choose/4"])
def test_a_parameter(name: str, value: float, key: str, step: str, tmp_path: Path) -> None:
    """A parameter goes into the config of each W&B run, whatever step it is asked of."""
    result = explained(sample(), f"{step}/{name}", tmp_path)

    assert result.parameter is not None
    assert (result.parameter.value, result.config_key, result.wandb_runs) == (value, key, 3)
    assert (result.artifacts, result.replayed) == ((), ())


def test_an_included_file(tmp_path: Path) -> None:
    """What an IncludeFile holds is logged by the first step."""
    metaflow = sample()
    ref = metaflow.ref("words", "descriptor", "metaflow.includefile.IncludedFile")
    metaflow.bytes.included[ref.sha1] = b"eins\n"
    texts = replace(
        metaflow.parameter("words", "", "IncludeFile"), ref=ref, value={"name": "words", "size": 5}
    )
    metaflow.flow_runs = [replace(metaflow.flow_runs[0], parameters=(texts,))]

    result = explained(metaflow, "_parameters/words", tmp_path)

    [artifact] = result.replayed[0].ready.artifacts
    assert result.replayed[0].planned.name == "DemoFlow/7/start"
    assert [(file.path, file.size) for file in artifact.files] == [("words", 5)]
    assert [item.task for item in result.artifacts] == ["DemoFlow/7/_parameters"]
    assert result.losses == ()


def test_a_running_flow_run(tmp_path: Path) -> None:
    """What is there of a flow run that goes on is explained, and its state is told."""
    metaflow = sample()
    metaflow.flow_runs = [replace(metaflow.flow_runs[0], state=FlowRunState.RUNNING)]

    assert explained(metaflow, "start/base", tmp_path).state is FlowRunState.RUNNING


# --- what W&B does not get ------------------------------------------------------------------


def test_switched_off(tmp_path: Path) -> None:
    """What is switched off is not made, and the setting is named."""
    metaflow = sample()
    result = explained(metaflow, "train/model", tmp_path, models=False)

    assert {artifact.switched_off for artifact in result.artifacts} == {
        "models = false in the settings file"
    }
    assert [item.ready.artifacts for item in result.replayed] == [()]
    assert metaflow.bytes.copies == []
    assert (
        explained(metaflow, "train/score", tmp_path, models=False).artifacts[0].switched_off == ""
    )


@pytest.mark.parametrize(
    ("toml", "flags", "said"),
    [
        ("models = false", {}, "models = false in the settings file"),
        ("[flow.F]\nmodels = false", {}, "models = false in [flow.F]"),
        (
            "[flow.F]\nmodels = true\n[flow.F.step.a]\nmodels = false",
            {},
            "models = false in [flow.F.step.a]",
        ),
        ("[flow.F]\nmodels = true", {"models": False}, "--no-models or MFWB_MODELS"),
    ],
)
def test_where_it_was_said(toml: str, flags: dict[str, Any], said: str, tmp_path: Path) -> None:
    """The most specific table is named that speaks of the kind, or the flag that overrides all."""
    file = tmp_path / "mfwb.toml"
    file.write_text(toml, encoding="utf-8")
    settings = load_settings(flags, file=file, environ={})

    assert not settings.for_step("F", "a").models
    assert describe_switch(settings, "F", "a", "models") == said


def test_what_is_lost(tmp_path: Path) -> None:
    """What can't be had is lost with its reason; what is lost of others is not told."""
    metaflow = sample()
    lost = metaflow.flow_runs[0].steps[1].tasks[0].artifact("model")
    assert lost is not None
    del metaflow.bytes.blobs[lost.sha1]

    result = explained(metaflow, "train/model", tmp_path)

    assert result.losses == (Loss(spec("train/2/model"), "the blob is gone"),)
    assert [file.path for file in result.replayed[0].ready.artifacts[0].files] == ["1/model.pkl"]
    assert explained(metaflow, "train/3/model", tmp_path).losses == ()
    assert explained(metaflow, "train/score", tmp_path).losses == ()


def test_too_large_by_a_setting(tmp_path: Path) -> None:
    """What the plan leaves out is a loss, too."""
    result = explained(sample(), "train/2/model", tmp_path, max_artifact_size=10)

    [loss] = result.losses
    assert loss.item == spec("train/2/model")
    assert "max_artifact_size" in loss.reason
    assert [item.ready.artifacts for item in result.replayed] == [()]


def test_crowded_out_by_other_values(tmp_path: Path) -> None:
    """A value that the others leave no room for goes as a file, although it would fit alone."""
    metaflow = Metaflow()
    refs = [metaflow.ref(f"text{number}", f"{number:02}" * 45_000) for number in range(100)]
    refs.append(metaflow.ref("largest", "x" * 90_001))
    metaflow.flow_runs = [flow_run(task("start/1", has=refs))]

    result = explained(metaflow, "start/largest", tmp_path)

    assert result.losses == ()
    assert result.replayed[0].ready.summary == {}
    [artifact] = result.replayed[0].ready.artifacts
    assert [file.path for file in artifact.files] == ["largest.json"]


def test_the_users_word_of_the_producers_step(tmp_path: Path) -> None:
    """What an artifact is was decided where it was written."""
    kinds = {f"{Fit.__module__}.Fit": "dataset", "sklearn.*": "other"}
    result = explained(sample(), "choose/model", tmp_path, kinds=kinds)

    [artifact] = result.artifacts
    assert artifact.reason.deciding_type.evidence is KindEvidence.KINDS
    assert artifact.reason.classification.kind is Kind.OTHER
    assert result.replayed[0].ready.artifacts[0].planned.type == "other"
