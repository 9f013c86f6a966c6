"""The snippets of docs/automation.md do what the page says."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.sandbox import Finished, Sandbox

_PAGE = Path(__file__).parents[2] / "docs" / "automation.md"
_ACTION = Path(__file__).parents[2] / "action.yml"
_SNIPPET = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def snippets(language: str) -> list[str]:
    """Return the snippets of a language, in the order of the page."""
    text = _PAGE.read_text(encoding="utf-8")
    return [body for spoken, body in _SNIPPET.findall(text) if spoken == language]


@dataclass(frozen=True)
class Machine:
    """A machine on which mfwb is installed, with one flow run; W&B is a bundle."""

    sandbox: Sandbox
    mfwb: Path

    def shell(self, command: str) -> Finished:
        """Run what somebody would type."""
        path = f"{self.mfwb.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        return self.sandbox.run("bash", "-eo", "pipefail", "-c", command, PATH=path)

    @property
    def bundled(self) -> int:
        """How many W&B runs there are."""
        return len(list((self.sandbox.root / "bundle").rglob("run-*.wandb")))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine without any flow run."""
    sandbox = Sandbox(
        tmp_path,
        {"MFWB_MODE": "offline", "MFWB_DIR": str(tmp_path / "bundle"), "MFWB_ENTITY": "acme"},
    )
    program = tmp_path / "bin" / "mfwb"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m mfwb "$@"\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Machine(sandbox, program)


@pytest.fixture
def with_flow_run(machine: Machine, flow_run: Callable[[str], str], flows_root: Path) -> Machine:
    """Return a machine with a flow run of two steps."""
    flow, _, run_id = flow_run("two_flow").partition("/")
    existing, here = flows_root / ".metaflow" / flow, machine.sandbox.root / ".metaflow" / flow
    for name in ("_meta", run_id, "data"):
        shutil.copytree(existing / name, here / name)
    return machine


def assert_syncs_in_silence(machine: Machine, command: str) -> None:
    """Run a command: it says nothing, and all is there."""
    done = machine.shell(command)

    assert (done.code, done.out, done.err) == (0, "", "")
    assert machine.bundled == 2


def test_crontab(with_flow_run: Machine) -> None:
    """The line has five fields and a command for a shell."""
    [line] = snippets("crontab")
    *fields, command = line.strip().split(maxsplit=5)
    (with_flow_run.sandbox.root / "home" / "flows").mkdir(parents=True)

    assert fields == ["*/10", "*", "*", "*", "*"]
    assert "%" not in command  # cron takes it for the end of the line
    for _ in range(2):
        assert_syncs_in_silence(with_flow_run, f"/bin/sh -c {shlex.quote(command)}")


@pytest.mark.exhaustive
def test_systemd(with_flow_run: Machine) -> None:
    """The service runs what the page says, and systemd takes both units."""
    service, timer, _ = snippets("ini")
    folder = with_flow_run.sandbox.root
    units = folder / "units"
    units.mkdir()
    here = service.replace("/usr/local/bin/mfwb", str(with_flow_run.mfwb))
    (units / "mfwb.service").write_text(here, encoding="utf-8")
    (units / "mfwb.timer").write_text(timer, encoding="utf-8")
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.read_string(here)

    assert here != service
    assert "MFWB_STATE_DIR=/var/lib/" + parsed["Service"]["StateDirectory"] in (
        parsed["Service"]["Environment"].split()
    )
    assert_syncs_in_silence(with_flow_run, parsed["Service"]["ExecStart"])
    if shutil.which("systemd-analyze"):
        both = [str(units / name) for name in ("mfwb.service", "mfwb.timer")]
        done = with_flow_run.sandbox.run("systemd-analyze", "verify", "--man=no", *both)
        complaints = [line for line in done.err.splitlines() if str(units) in line]
        assert (done.code, complaints) == (0, []), done.err


def test_systemd_with_a_watch(with_flow_run: Machine) -> None:
    """The service runs what the page says, again and again; systemd waits for its message."""
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.read_string(snippets("ini")[2])

    assert parsed["Service"]["Type"] == "notify"
    command = parsed["Service"]["ExecStart"].replace("/usr/local/bin/", "")
    assert_syncs_in_silence(with_flow_run, f"{command} --quiet --rounds 1")


@pytest.mark.exhaustive
def test_kubernetes(with_flow_run: Machine) -> None:
    """The container runs what the page says, and its ledger lies on the volume."""
    job = yaml.safe_load(snippets("yaml")[0])
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    reported = {item["name"]: item.get("value") for item in container["env"]}

    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    [mount], [volume] = container["volumeMounts"], pod["volumes"]
    assert (mount["mountPath"], mount["name"]) == (reported["MFWB_STATE_DIR"], volume["name"])
    assert reported["WANDB_API_KEY"] is None  # it comes from a secret
    assert_syncs_in_silence(with_flow_run, shlex.join(container["command"]))


def test_github_and_the_hook(machine: Machine) -> None:
    """The flow of the page syncs itself; the step after it finds nothing left to do."""
    steps: list[dict[str, Any]] = yaml.safe_load(snippets("yaml")[1])
    [flow] = snippets("python")
    (machine.sandbox.root / "train_flow.py").write_text(flow, encoding="utf-8")

    trained, synced = (machine.shell(step["run"]) for step in steps)

    run_id = (machine.sandbox.root / "run-id").read_text(encoding="utf-8")
    assert trained.code == 0, trained.err
    assert f"mfwb: TrainFlow/{run_id} synced: 2 W&B runs in acme/TrainFlow\n" in trained.out
    assert synced.code == 0, synced.err
    assert synced.out.startswith(f"TrainFlow/{run_id}  unchanged  acme/TrainFlow, offline\n")
    assert machine.bundled == 2


def composite_step(name: str, inputs: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return the script of a step of action.yml, and the variables that it gets from inputs."""
    action = yaml.safe_load(_ACTION.read_text(encoding="utf-8"))
    defaults = {name: item["default"] for name, item in action["inputs"].items()}
    assert set(inputs) <= set(defaults)
    [step] = [step for step in action["runs"]["steps"] if step["id"] == name]
    values = {f"${{{{ inputs.{key} }}}}": text for key, text in {**defaults, **inputs}.items()}
    return step["run"], {
        variable: values[expression]
        for variable, expression in step["env"].items()
        if expression in values
    }


def sync_by_action(machine: Machine, inputs: dict[str, str]) -> tuple[Finished, str, str]:
    """Run the sync of action.yml as a runner does; return its end, its outputs, the summary."""
    script, variables = composite_step("sync", inputs)
    folder = machine.sandbox.root / "runner"
    folder.mkdir()
    output, summary, file = folder / "output", folder / "summary", folder / "script.sh"
    file.write_text(script, encoding="utf-8")
    runner = {"GITHUB_OUTPUT": output, "GITHUB_STEP_SUMMARY": summary, "RUNNER_TEMP": folder}
    done = machine.sandbox.run(
        *("bash", "--noprofile", "--norc", "-eo", "pipefail", str(file)),
        **variables,
        **{name: str(path) for name, path in runner.items()},
        MFWB=str(machine.mfwb),
    )
    written = [path.read_text("utf-8") if path.exists() else "" for path in (output, summary)]
    return done, written[0], written[1]


def test_the_action(with_flow_run: Machine) -> None:
    """The action syncs what its inputs name, and writes summary, report and outputs."""
    step = yaml.safe_load(snippets("yaml")[2])[0]
    [flow] = [path.name for path in (with_flow_run.sandbox.root / ".metaflow").glob("*Flow")]
    inputs = {
        **step["with"],
        "flow-runs": f"{flow}/latest\n  {flow}/latest\n",
        "arguments": "--project 'two words' --no-code",
    }

    done, outputs, summary = sync_by_action(with_flow_run, inputs)

    assert done.code == 0, done.err
    assert outputs == "exit-code=0\n"
    assert "acme/two words" in done.out
    assert f"{flow}/" in summary
    assert (
        (with_flow_run.sandbox.root / step["with"]["junit"]).read_text("utf-8").startswith("<?xml")
    )
    assert with_flow_run.bundled == 2


def test_the_action_fails_with_the_sync(machine: Machine) -> None:
    """What is not there is exit code 2, also for the step; nothing in an input is run."""
    done, outputs, _ = sync_by_action(
        machine, {"flow-runs": "$(touch ran)/1 *", "arguments": "--project '`touch ran`'"}
    )

    assert (done.code, outputs) == (2, "exit-code=2\n")
    assert not (machine.sandbox.root / "ran").exists()


def test_the_page_lists_the_inputs() -> None:
    """The table of the page has each input of the action, and no other."""
    action = yaml.safe_load(_ACTION.read_text(encoding="utf-8"))
    [table] = re.findall(r"^\| input \|.*?\n\n", _PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)

    assert re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE) == list(action["inputs"])
    assert set(yaml.safe_load(snippets("yaml")[2])[0]["with"]) <= set(action["inputs"])


def test_no_script_of_the_action_has_expressions() -> None:
    """A script gets inputs by variables only: an expression in it would be code of the caller."""
    action = yaml.safe_load(_ACTION.read_text(encoding="utf-8"))

    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]


def test_the_first_line() -> None:
    """What the page begins with is what its snippets call."""
    line, _ = re.findall(r"^    (mfwb .*)$", _PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert all(line in snippet for snippet in (*snippets("crontab"), snippets("ini")[0]))
