"""Commands that are given in a folder that somebody else filled: a cloned repository.

What a settings file of that folder says may not send keys elsewhere, run code, or choose where
files are written, unless the user named the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile import opcodes
from tests.hostile.case import Case
from tests.hostile.scene import Origin, Scene
from tests.hostile.stored_run import FLOW, StoredRun

_SHADOWS = (
    *("pandas", "wandb", "metaflow", "metaflow_extensions", "yaml", "numpy", "pyarrow", "json"),
    *("sitecustomize", "usercustomize", "torch", "polars", "plotly", "git", "six"),
)

also = pytest.mark.exhaustive
_SERVICE_KEY = {"METAFLOW_SERVICE_AUTH_KEY": "SECRETofTheService"}


@pytest.fixture
def scene(origin: Origin, tmp_path: Path) -> Iterator[Scene]:
    """Return a scene with a healthy flow run."""
    with Scene(tmp_path / "scene", origin) as scene:
        scene.add_healthy()
        scene.tokens["service"] = _SERVICE_KEY["METAFLOW_SERVICE_AUTH_KEY"]
        yield scene


def _attacker(scene: Scene) -> str:
    return f"http://127.0.0.1:{scene.canary.port}"


def _settings(scene: Scene, text: str, name: str) -> None:
    if name == "pyproject.toml":
        text = "\n".join(
            line.replace("[", "[tool.mfwb.", 1) if line.startswith("[") else line
            for line in ["[tool.mfwb]", *text.splitlines()]
        ).replace("[tool.mfwb.tool.mfwb]", "[tool.mfwb]")
    (scene.work / name).write_text(f"{text}\n", encoding="utf-8")


def _executing(run: StoredRun, scene: Scene) -> None:
    for name in ("values", "frame"):
        run.replace(name, opcodes.executing(scene.marker(run)))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('[settings]\nbase_url = "ATTACKER"', id="base-url"),
        pytest.param('[settings]\nhttp_proxy = "ATTACKER"', id="http-proxy", marks=also),
        pytest.param('[settings]\nhttps_proxy = "ATTACKER"', id="https-proxy", marks=also),
        pytest.param(
            '[settings]\nx_service_transport = "ATTACKER"', id="service-transport", marks=also
        ),
        pytest.param('metadata = "service@ATTACKER"', id="metadata"),
        pytest.param('unpickle = "trusted"', id="unpickle"),
        pytest.param('mode = "offline"\ndir = "../home/x"', id="dir"),
        pytest.param('[settings]\nroot_dir = "../home/x"', id="root-dir", marks=also),
        pytest.param('[settings]\nprogram = "/bin/sh"', id="program", marks=also),
        pytest.param(
            '[flow.SharedFlow.settings]\nbase_url = "ATTACKER"', id="of-a-flow", marks=also
        ),
        pytest.param(
            '[flow.SharedFlow.step.start]\nunpickle = "trusted"', id="of-a-step", marks=also
        ),
    ],
)
@pytest.mark.parametrize("name", ["mfwb.toml", pytest.param("pyproject.toml", marks=also)])
def test_settings_that_were_not_named(scene: Scene, text: str, name: str) -> None:
    """They don't count, or the call ends before anything is done, and says which file it was."""
    case = Case("values", "7", "", _executing, "start/values", "any", sampled=False, alone=False)
    scene.add(case)
    _settings(scene, text.replace("ATTACKER", _attacker(scene)), name)
    before = scene.snapshot()
    given = () if "metadata" in text else ("--metadata", f"local@{scene.store}")

    done = scene.run(
        *("sync", FLOW, "--all", "--timeout", "1s", "--project", "x", *given),
        without=("WANDB_BASE_URL",) if "base_url" in text else (),
        more=_SERVICE_KEY,
    )

    problems = [
        problem for problem in scene.problems(done, before) if not problem.startswith("exit code 4")
    ]
    assert problems == []
    if done.code == 2:
        assert name in done.err


@pytest.mark.parametrize("command", [pytest.param("plan", marks=also), "online"])
def test_settings_of_wandb(scene: Scene, command: str) -> None:
    """W&B's own settings file in that folder does not send the key elsewhere."""
    folder = scene.work / "wandb"
    folder.mkdir()
    text = f"[default]\nbase_url = {_attacker(scene)}\nentity = acme\n"
    (folder / "settings").write_text(text, encoding="utf-8")
    before = scene.snapshot()

    patience = ("--timeout", "1s") if command == "online" else ()
    done = scene.run(*scene.arguments(command), *patience, without=("WANDB_BASE_URL",))

    problems = [
        problem for problem in scene.problems(done, before) if not problem.startswith("exit code 4")
    ]
    assert problems == []


def test_settings_of_metaflow(scene: Scene) -> None:
    """Metaflow's own settings in that folder do not send its key elsewhere."""
    folder = scene.work / ".metaflow"
    folder.mkdir()
    settings = {"METAFLOW_DEFAULT_METADATA": "service", "METAFLOW_SERVICE_URL": _attacker(scene)}
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    before = scene.snapshot()

    done = scene.run(
        "plan", FLOW, "--all", without=("METAFLOW_DEFAULT_METADATA",), more=_SERVICE_KEY
    )

    assert scene.problems(done, before) == []


@pytest.mark.parametrize(
    "command",
    [
        "online",
        *(pytest.param(item, marks=also) for item in ("offline", "plan", "push", "status")),
    ],
)
def test_modules_of_that_folder(scene: Scene, command: str) -> None:
    """Modules there that are called as those that mfwb imports are not run, by no process."""
    for name in _SHADOWS:
        text = f"open({str(scene.root / 'markers' / name)!r}, 'w')\n"
        (scene.work / f"{name}.py").write_text(text, encoding="utf-8")
        package = scene.work / name
        package.mkdir()
        (package / "__init__.py").write_text(text, encoding="utf-8")
    if command == "push":
        assert scene.run(*scene.arguments("offline")).code == 0

    done, problems = scene.try_out(command)

    assert problems == []
    assert done.code == 0, done.err


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["mfwb.toml", "pyproject.toml"])
def test_settings_that_are_no_file(scene: Scene, name: str) -> None:
    """A pipe in place of a settings file does not make a call wait for ever."""
    import os  # noqa: PLC0415

    os.mkfifo(scene.work / name)

    _, problems = scene.try_out("plan")

    assert problems == []


@pytest.mark.exhaustive
def test_programs_of_that_folder(scene: Scene) -> None:
    """Programs there that are called as those of the system are not run."""
    for name in ("wandb-core", "git", "python", "python3", "uname", "ldconfig", "gcc"):
        program = scene.work / name
        marker = scene.root / "markers" / name
        program.write_text(f"#!/bin/sh\ntouch '{marker}'\n", encoding="utf-8")
        program.chmod(0o755)

    _, problems = scene.try_out("online")

    assert problems == []
