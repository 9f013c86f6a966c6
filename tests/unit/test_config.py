"""Settings: where they are said, which of them hold, and what is wrong with them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfwb.config import Settings, SizeLimits, load_settings
from mfwb.errors import UsageError


def load(
    folder: Path,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    toml: str | None = None,
) -> Settings:
    """Return the settings of a call in a folder, with a mfwb.toml of that text."""
    if toml is not None:
        (folder / "mfwb.toml").write_text(toml, encoding="utf-8")
    return load_settings(flags or {}, folder=folder, environ=environ or {})


def describe_error(folder: Path, *args: Any, **kwargs: Any) -> str:
    """Return what is said about settings that are wrong, without the folder's name."""
    with pytest.raises(UsageError) as caught:
        load(folder, *args, **kwargs)
    return str(caught.value).replace(f"{folder}/", "")


def limits_of(
    settings: Settings, flow: str = "Flow", step: str = "start"
) -> tuple[int | None, int | None, int | None]:
    """Return the limits of datasets, models and others in a step."""
    result = settings.for_step(flow, step).max_artifact_size
    return result.dataset, result.model, result.other


def test_defaults(tmp_path: Path) -> None:
    """Nothing said: everything is synced, a W&B run per step, however large it is."""
    chosen = load(tmp_path)
    of_step = chosen.for_step("Flow", "start")

    assert (chosen.entity_of("Flow"), chosen.project_of("Flow")) == (None, None)
    assert chosen.granularity_of("Flow") == "step"
    assert (of_step.datasets, of_step.models, of_step.others) == (True, True, True)
    assert of_step.max_artifact_size == SizeLimits()
    assert (of_step.unpickle, of_step.max_memory) == ("safe", 2_000_000_000)
    assert (of_step.kinds, of_step.plugins, chosen.references) == ((), (), None)
    assert (chosen.mode, chosen.workers, chosen.force, chosen.strict) == (None, None, False, False)


# --- layers ---------------------------------------------------------------------------------


def test_file(tmp_path: Path) -> None:
    """A mfwb.toml in the folder is read."""
    chosen = load(tmp_path, toml='project = "wines"\nworkers = 3')

    assert (chosen.project_of("Flow"), chosen.workers) == ("wines", 3)


def test_environment_beats_file(tmp_path: Path) -> None:
    """MFWB_* goes before the file."""
    result = load(tmp_path, {}, {"MFWB_PROJECT": "env"}, toml='project = "file"\nentity = "acme"')

    assert (result.project_of("Flow"), result.entity_of("Flow")) == ("env", "acme")


def test_flag_beats_environment(tmp_path: Path) -> None:
    """What was said on the command line goes before all."""
    result = load(tmp_path, {"project": "flag"}, {"MFWB_PROJECT": "env"}, toml='project = "file"')

    assert result.project_of("Flow") == "flag"


def test_flag_that_was_not_said(tmp_path: Path) -> None:
    """None is not said; False is."""
    result = load(tmp_path, {"project": None, "datasets": False}, toml='project = "file"')

    assert result.project_of("Flow") == "file"
    assert not result.for_step("Flow", "start").datasets


def test_environment_of_others(tmp_path: Path) -> None:
    """Variables that are empty, of others, or say where mfwb lives are no settings."""
    environ = {"MFWB_PROJECT": "", "WANDB_PROJECT": "x", "MFWB_STATE_DIR": "/state"}

    assert load(tmp_path, {}, environ) == load(tmp_path)


def test_types_of_the_environment(tmp_path: Path) -> None:
    """Text from the environment becomes what the setting is."""
    environ = {
        "MFWB_MODELS": "false",
        "MFWB_WORKERS": "2",
        "MFWB_MAX_ARTIFACT_SIZE": "2GB",
        "MFWB_DIR": "/bundle",
        "MFWB_GRANULARITY": "task",
        "MFWB_UNPICKLE": "never",
        "MFWB_MAX_MEMORY": "1.5GB",
        "MFWB_REFERENCES": "true",
    }
    result = load(tmp_path, {}, environ)

    assert not result.for_step("Flow", "start").models
    assert result.workers == 2
    assert limits_of(result) == (2_000_000_000, 2_000_000_000, 2_000_000_000)
    assert (result.unpickle, result.max_memory, result.references) == ("never", 1_500_000_000, True)
    assert result.dir == Path("/bundle")
    assert result.granularity_of("Flow") == "task"


# --- tables ---------------------------------------------------------------------------------

TABLES = """
project = "all"
datasets = false

[flow.MyFlow]
project = "mine"
granularity = "task"
models = false

[flow.MyFlow.step.end]
datasets = true
max_artifact_size = "1KB"
"""


def test_tables(tmp_path: Path) -> None:
    """A flow's table beats the top level, and a step's table beats its flow's."""
    result = load(tmp_path, toml=TABLES)
    end, start = result.for_step("MyFlow", "end"), result.for_step("MyFlow", "start")
    other = result.for_step("OtherFlow", "end")

    assert (end.datasets, end.models) == (True, False)
    assert (start.datasets, start.models) == (False, False)
    assert (other.datasets, other.models) == (False, True)
    assert limits_of(result, "MyFlow", "end") == (1000, 1000, 1000)
    assert limits_of(result, "MyFlow", "start") == (None, None, None)
    assert [result.project_of(flow) for flow in ("MyFlow", "OtherFlow")] == ["mine", "all"]
    assert [result.granularity_of(flow) for flow in ("MyFlow", "OtherFlow")] == ["task", "step"]


def test_flag_beats_tables(tmp_path: Path) -> None:
    """What was said in this call beats every table, even if it is the default."""
    flags = {"datasets": False, "models": True, "project": "flag", "granularity": "step"}
    result = load(tmp_path, flags, toml=TABLES)
    end = result.for_step("MyFlow", "end")

    assert (end.datasets, end.models) == (False, True)
    assert (result.project_of("MyFlow"), result.granularity_of("MyFlow")) == ("flag", "step")


def test_environment_beats_tables(tmp_path: Path) -> None:
    """So does what the environment says."""
    result = load(tmp_path, {}, {"MFWB_MODELS": "true", "MFWB_PROJECT": "env"}, toml=TABLES)

    assert result.for_step("MyFlow", "start").models
    assert result.project_of("MyFlow") == "env"


WANDB = """
[settings]
entity = "acme"
project = "all"
run_tags = ["a"]

[flow.MyFlow.settings]
project = "mine"
run_group = "g"

[flow.MyFlow.step.end.settings]
run_tags = ["b"]
"""


def test_wandb_settings(tmp_path: Path) -> None:
    """Fields of wandb.Settings add up from the top level to the step, the later word holds."""
    result = load(tmp_path, toml=WANDB)

    assert result.wandb_of("MyFlow") == {
        "entity": "acme",
        "project": "mine",
        "run_tags": ["a"],
        "run_group": "g",
    }
    assert result.for_step("MyFlow", "end").wandb == {
        "entity": "acme",
        "project": "mine",
        "run_group": "g",
        "run_tags": ["b"],
    }
    assert result.for_step("OtherFlow", "end").wandb == {
        "entity": "acme",
        "project": "all",
        "run_tags": ["a"],
    }


def test_destination_from_wandb_settings(tmp_path: Path) -> None:
    """Entity and project may be said as fields of wandb.Settings, too; a flag beats them."""
    result = load(tmp_path, toml=WANDB)

    assert (result.entity_of("MyFlow"), result.project_of("MyFlow")) == ("acme", "mine")
    assert load(tmp_path, {"project": "flag"}).project_of("MyFlow") == "flag"


LIMITS = """
[max_artifact_size]
dataset = "10GB"
other = "100MB"

[flow.MyFlow]
max_artifact_size = "1GB"

[flow.MyFlow.step.end.max_artifact_size]
model = 5
"""


def test_limits_by_type(tmp_path: Path) -> None:
    """Of each type the most specific table that speaks of it says how large it may be."""
    result = load(tmp_path, toml=LIMITS)

    assert limits_of(result) == (10**10, None, 10**8)
    assert limits_of(result, "MyFlow", "start") == (10**9, 10**9, 10**9)
    assert limits_of(result, "MyFlow", "end") == (10**9, 5, 10**9)


@pytest.mark.parametrize(
    ("flags", "environ"),
    [({"max_artifact_size": "7B"}, {}), ({}, {"MFWB_MAX_ARTIFACT_SIZE": "7B"})],
)
def test_one_limit_for_all(tmp_path: Path, flags: dict[str, str], environ: dict[str, str]) -> None:
    """A flag or a variable says one size, which holds for all types and beats every table."""
    result = load(tmp_path, flags, environ, toml=LIMITS)

    assert limits_of(result) == limits_of(result, "MyFlow", "end") == (7, 7, 7)


KINDS = {"mylib.*": "model", "mylib.io.*": "dataset", "*": "other", "__main__.Color": "value"}


@given(st.permutations(list(KINDS)))
def test_order_of_kinds(patterns: list[str]) -> None:
    """The more a pattern spells out, the earlier it counts, wherever it is written."""
    result = Settings.model_validate({"kinds": {pattern: KINDS[pattern] for pattern in patterns}})

    assert result.kinds_of("Flow") == (
        ("__main__.Color", "value"),
        ("mylib.io.*", "dataset"),
        ("mylib.*", "model"),
        ("*", "other"),
    )


def test_kinds_of_a_flow(tmp_path: Path) -> None:
    """A flow's own kinds come before those for all flows, and are seen by each of its steps."""
    toml = "[kinds]\n'mylib.nets.Net' = 'model'\n[flow.MyFlow.kinds]\n'mylib.*' = 'other'"
    result = load(tmp_path, toml=toml)

    assert result.for_step("MyFlow", "end").kinds == (
        ("mylib.*", "other"),
        ("mylib.nets.Net", "model"),
    )
    assert result.for_step("OtherFlow", "end").kinds == (("mylib.nets.Net", "model"),)
    reported = load(tmp_path, {"kinds": {"a": "other"}}, toml=toml)
    assert reported.kinds_of("MyFlow") == (("a", "other"),)


# --- which file -----------------------------------------------------------------------------


def test_pyproject(tmp_path: Path) -> None:
    """[tool.mfwb] of pyproject.toml is read."""
    (tmp_path / "pyproject.toml").write_text('[tool.mfwb]\nproject = "wines"', encoding="utf-8")

    assert load(tmp_path).project_of("Flow") == "wines"


def test_pyproject_of_others(tmp_path: Path) -> None:
    """A pyproject.toml that does not speak of mfwb says nothing."""
    (tmp_path / "pyproject.toml").write_text('[tool.ruff]\nproject = "x"', encoding="utf-8")

    assert load(tmp_path) == load_settings({}, folder=tmp_path / "nowhere", environ={})


def test_own_file_beats_pyproject(tmp_path: Path) -> None:
    """If there are both, mfwb.toml alone is read."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.mfwb]\nproject = "p"\nentity = "acme"', encoding="utf-8"
    )
    result = load(tmp_path, toml='project = "own"')

    assert (result.project_of("Flow"), result.entity_of("Flow")) == ("own", None)


def test_file_that_was_named(tmp_path: Path) -> None:
    """A file that was named is read instead of the folder's."""
    named = tmp_path / "other.toml"
    named.write_text('project = "named"', encoding="utf-8")
    (tmp_path / "mfwb.toml").write_text('project = "found"', encoding="utf-8")
    result = load_settings({}, file=named, folder=tmp_path, environ={})

    assert result.project_of("Flow") == "named"


def test_pyproject_that_was_named(tmp_path: Path) -> None:
    """Of a pyproject.toml that was named, [tool.mfwb] counts."""
    named = tmp_path / "pyproject.toml"
    named.write_text('project = "no"\n[tool.mfwb]\nproject = "named"', encoding="utf-8")

    assert load_settings({}, file=named, environ={}).project_of("Flow") == "named"


def test_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word about it, files are looked for in the current folder."""
    (tmp_path / "mfwb.toml").write_text('project = "here"', encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert load_settings({}, environ={}).project_of("Flow") == "here"


# --- what is wrong --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("modles = false", "mfwb.toml: there is no setting 'modles'"),
        (
            "[flow.F.artifact.model]\naliases = ['a/b']",
            "mfwb.toml: flow.F.artifact.model.aliases: an alias has no / and no :, not ['a/b']",
        ),
        *(
            (
                f"[flow.F.artifact.model]\naliases = ['{alias}']",
                (
                    "mfwb.toml: flow.F.artifact.model.aliases: they are aliases that W&B and mfwb "
                    "do not set themselves, as they set latest, v3 and run-7, not "
                    f"['{alias}']"
                ),
            )
            for alias in ("latest", "v3", "run-best")
        ),
        (
            "[flow.F.artifact.model]\naliases = ['x']\nwhen = 'f(x)'",
            (
                "mfwb.toml: flow.F.artifact.model.when: it is a condition of names, numbers, "
                "texts, lists, comparisons, in, and, or, not, + - * / // and %, without `f(x)`, "
                "not 'f(x)'"
            ),
        ),
        (
            "[flow.F.artifact.model]\nwhen = 'x > 1'",
            (
                "mfwb.toml: flow.F.artifact.model: it has aliases or a link beside when, which "
                "decides about them, not {'when': 'x > 1'}"
            ),
        ),
        *(
            (
                f"[flow.F.artifact.model]\nlink = '{path}'",
                (
                    "mfwb.toml: flow.F.artifact.model.link: it is the path of a collection, as "
                    f"wandb-registry-model/classifier or entity/project/collection, not '{path}'"
                ),
            )
            for path in ("model", "a/b/c/d", "a//b", "a/b:v1", "a/ b")
        ),
        (
            "[flow.F.artifact.model]\nmetadata = ['a..b']",
            (
                "mfwb.toml: flow.F.artifact.model.metadata: they are names of values, as accuracy "
                "or report.f1, not ['a..b']"
            ),
        ),
        (
            "[flow.F.artifact.model]\nalias = 'x'",
            "mfwb.toml: there is no setting 'flow.F.artifact.model.alias'",
        ),
        ("[flow.F]\nmode = 'x'", "mfwb.toml: there is no setting 'flow.F.mode'"),
        (
            "[flow.F.step.end]\nproject = 'x'",
            "mfwb.toml: there is no setting 'flow.F.step.end.project'",
        ),
        ("wandb = {}", "mfwb.toml: there is no setting 'wandb'"),
        ("[step.end]\nmodels = false", "mfwb.toml: there is no setting 'step'"),
        ("explicit = ['models']", "mfwb.toml: there is no setting 'explicit'"),
        ("workers = 0", "mfwb.toml: workers: Input should be greater than or equal to 1, not 0"),
        ("workers = 65", "mfwb.toml: workers: Input should be less than or equal to 64, not 65"),
        (
            "granularity = 'run'",
            "mfwb.toml: granularity: Input should be 'step' or 'task', not 'run'",
        ),
        (
            "max_artifact_size = '2 parsecs'",
            "mfwb.toml: max_artifact_size: sizes are written like 500MB or 2GB, not '2 parsecs'",
        ),
        (
            "[max_artifact_size]\nmodel = 'big'",
            "mfwb.toml: max_artifact_size.model: sizes are written like 500MB or 2GB, not 'big'",
        ),
        (
            "[flow.F.max_artifact_size]\nnone = 1",
            "mfwb.toml: there is no setting 'flow.F.max_artifact_size.none'",
        ),
        (
            "[max_artifact_size]\nvalue = '1GB'",
            "mfwb.toml: there is no setting 'max_artifact_size.value'",
        ),
        (
            "max_artifact_size = true",
            "mfwb.toml: max_artifact_size: sizes are written like 500MB or 2GB, not True",
        ),
        (
            "unpickle = 'always'",
            "mfwb.toml: unpickle: Input should be 'safe', 'trusted' or 'never', not 'always'",
        ),
        (
            "[kinds]\n'm.*' = 'x'",
            (
                "mfwb.toml: kinds.m.*: "
                "Input should be 'dataset', 'model', 'other', 'value' or 'image', not 'x'"
            ),
        ),
        ("[flow.F.step.end.kinds]", "mfwb.toml: there is no setting 'flow.F.step.end.kinds'"),
        ("plugins = []", "mfwb.toml: there is no setting 'plugins'"),
        ("flow = 3", "mfwb.toml: flow: it is a table, not 3"),
    ],
)
def test_wrong_file(tmp_path: Path, toml: str, said: str) -> None:
    """A complaint names the file, the setting with its table, and what is wrong."""
    assert describe_error(tmp_path, toml=toml) == said


def test_wrong_environment(tmp_path: Path) -> None:
    """A complaint about the environment says so, whatever the flags say."""
    result = describe_error(tmp_path, {"workers": 3}, {"MFWB_WORKERS": "many"})

    assert result.startswith("the MFWB_* variables: workers: it is a whole number, not 'many'")
    assert describe_error(tmp_path, {}, {"MFWB_MODLES": "1"}) == (
        "the MFWB_* variables: there is no setting 'modles'"
    )


def test_wrong_flag(tmp_path: Path) -> None:
    """A complaint about a flag says it was an argument."""
    assert (
        describe_error(tmp_path, {"colour": "red"}) == "the arguments: there is no setting 'colour'"
    )


def test_negative_limit(tmp_path: Path) -> None:
    """No artifact has less than nothing."""
    reported = describe_error(tmp_path, toml="[max_artifact_size]\nmodel = -1")

    assert reported.startswith("mfwb.toml: max_artifact_size.model: Input should be greater than")


@pytest.mark.parametrize("toml", ["project = ", "[flow", "\x00", "a = 1\na = 2"])
def test_bad_toml(tmp_path: Path, toml: str) -> None:
    """A file that is no TOML is named."""
    assert describe_error(tmp_path, toml=toml).startswith("mfwb.toml: not valid TOML: ")


def test_file_of_another_encoding(tmp_path: Path) -> None:
    """So is one that is no UTF-8."""
    (tmp_path / "mfwb.toml").write_bytes(b'project = "gr\xfc\xdfe"')

    assert describe_error(tmp_path).startswith("mfwb.toml: not valid TOML: ")


def test_missing_file(tmp_path: Path) -> None:
    """A file that was named and is not there is an error, not a reason for defaults."""
    with pytest.raises(UsageError, match=r"gone\.toml: No such file or directory"):
        load_settings({}, file=tmp_path / "gone.toml", environ={})


def test_folder_for_a_file(tmp_path: Path) -> None:
    """So is a folder."""
    with pytest.raises(UsageError, match=re.escape(f"{tmp_path}: Is a directory")):
        load_settings({}, file=tmp_path, environ={})


def test_pyproject_of_another_shape(tmp_path: Path) -> None:
    """A [tool.mfwb] that is no table is told; where nothing is a table, nothing is said."""
    (tmp_path / "pyproject.toml").write_text("tool = 3", encoding="utf-8")
    assert load(tmp_path).project_of("Flow") is None

    (tmp_path / "pyproject.toml").write_text("[tool]\nmfwb = 3", encoding="utf-8")
    assert describe_error(tmp_path) == "pyproject.toml: [tool.mfwb] must be a table"


# --- sizes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("17", 17),
        ("17B", 17),
        ("1KB", 1_000),
        ("500MB", 500_000_000),
        ("500 mb", 500_000_000),
        ("2GB", 2_000_000_000),
        ("1.5TB", 1_500_000_000_000),
        (" 1_000 ", 1_000),
        (2048, 2048),
    ],
)
def test_sizes(tmp_path: Path, text: str | int, size: int) -> None:
    """Sizes are numbers of bytes, or text with a unit."""
    result = load(tmp_path, {"max_artifact_size": text, "max_memory": text})

    assert limits_of(result) == (size, size, size)
    assert result.max_memory == size


@pytest.mark.parametrize(
    "text", ["", "GB", "2GiB", "1e3", "-1", "-1KB", ".", "1.2.3", "two", "2 G B", "9" * 400, -1]
)
def test_what_is_no_size(tmp_path: Path, text: str | int) -> None:
    """What is no size is refused, naming the setting."""
    for setting in ("max_artifact_size", "max_memory"):
        assert describe_error(tmp_path, {setting: text}).startswith(f"the arguments: {setting}: ")


def test_frozen(tmp_path: Path) -> None:
    """Settings don't change once they are made."""
    with pytest.raises(ValueError, match="frozen"):
        load(tmp_path).strict = True


def test_path_roots(tmp_path: Path) -> None:
    """They are folders, made absolute; a variable holds several as PATH does."""
    reported = load_settings({"path_roots": ("/data", "sub")}, folder=tmp_path, environ={})
    environ = {"MFWB_PATH_ROOTS": os.pathsep.join(["/a", "", "~/b"])}
    by_variable = load_settings({}, folder=tmp_path, environ=environ)

    assert load_settings({}, folder=tmp_path, environ={}).path_roots == ()
    assert reported.path_roots == ("/data", str(Path.cwd() / "sub"))
    assert by_variable.path_roots == ("/a", str(Path.home() / "b"))
    assert reported.for_step("F", "s").path_roots == reported.path_roots
    assert reported.stamp("F") != by_variable.stamp("F")


@pytest.mark.parametrize("value", [5, [5], {"a": "b"}, ["a\0b"]])
def test_path_roots_that_are_none(value: Any, tmp_path: Path) -> None:
    """Anything else is said to be wrong."""
    with pytest.raises(UsageError, match="list of folders"):
        load_settings({"path_roots": value}, folder=tmp_path, environ={})


@pytest.mark.parametrize(
    ("toml", "environ", "enabled"),
    [
        (None, {}, True),
        ("redact = false", {}, False),
        ("redact = true", {}, True),
        ("[redact]\nenabled = false", {}, False),
        (None, {"MFWB_REDACT": "false"}, False),
        (None, {"MFWB_REDACT": "0"}, False),
        ("redact = false", {"MFWB_REDACT": "true"}, True),
    ],
)
def test_masks_on_and_off(
    tmp_path: Path, toml: str | None, environ: dict[str, str], *, enabled: bool
) -> None:
    """Secrets are masked unless a file or a variable says otherwise; the upper one counts."""
    environ = {"MFWB_CONFIG": str(tmp_path / "mfwb.toml"), **environ} if toml else environ
    settings = load(tmp_path, toml=toml, environ=environ)

    assert settings.redact.enabled is enabled
    assert bool(settings.redact.digest) is enabled
    assert settings.redact.make_masker().enabled is enabled


def test_lists_of_masks_add_up(tmp_path: Path) -> None:
    """No source takes away what another one masks."""
    settings = load(
        tmp_path,
        {"redact": {"patterns": ["B"], "exempt": ["y"]}},
        {"MFWB_REDACT": "true"},
        toml='[redact]\npatterns = ["A"]\nnames = ["x"]',
    )

    assert settings.redact.patterns == ("A", "B")
    assert settings.redact.names == ("x",)
    assert settings.redact.exempt == ("y",)
    assert settings.stamp("F") != load(tmp_path).stamp("F")


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('[redact]\npatterns = ["("]', "mfwb.toml: redact.patterns"),
        ('[redact]\npatterns = ["a", "(?=x)"]', "'(?=x)' is no regular expression that RE2 takes"),
        ('[redact]\npatterns = ["x*"]', "'x*' matches the empty text"),
        ("redact = 3", "mfwb.toml: redact"),
        ('redact = "perhaps"', "mfwb.toml: redact"),
        ("[redact]\nextempt = []", "there is no setting 'redact.extempt'"),
        ("redact = false", "redact"),
        ('[redact]\nexempt = ["x"]', "redact"),
    ],
)
def test_wrong_masks(tmp_path: Path, toml: str, words: str) -> None:
    """What is wrong is named; and a file that nobody trusts can't unmask."""
    assert words in describe_error(tmp_path, toml=toml)
