"""Help: its text, its layout, and what it does not import."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from mfwb import __version__
from mfwb.cli.app import mfwb

HEAVY = "wandb metaflow pydantic pandas pyarrow rich numpy"


def help_of(*command: str) -> str:
    """Return a help text."""
    result = CliRunner().invoke(mfwb, [*command, "--help"], prog_name="mfwb", terminal_width=80)
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize(
    "arguments",
    [
        "--help",
        "--version",
        "sync --help",
        "plan --help",
        "push --help",
        "verify --help",
        "lineage --help",
        "explain --help",
        "status --help",
        "config --help",
        "doctor --help",
        "config trust --help",
        "",
        "nonsense",
    ],
)
def test_help_imports_neither_sdk(arguments: str) -> None:
    """Help needs click and nothing that takes its time."""
    script = f"""
import sys
sys.argv = ["mfwb", *{arguments.split()!r}]
from mfwb.cli import main
try:
    main()
finally:
    print("imported:", *sorted(set({HEAVY.split()!r}) & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines()[-1].strip() == "imported:"


def test_help_of_the_group() -> None:
    """The group lists its commands in the order of use, and starts one off with examples."""
    assert (
        help_of()
        == """\
Usage: mfwb [OPTIONS] COMMAND [ARGS]...

  Replay completed Metaflow runs into Weights & Biases, lineage included.

Options:
  --version  Show the version
  --help     Show this text

Commands:
  sync     Replay flow runs into Weights & Biases.
  plan     Show what sync would do.
  push     Upload the bundle of an offline sync.
  verify   Read W&B back and prove that it says what Metaflow says.
  status   Show what was synced, what is pending, and what was lost.
  lineage  Show which task made and which task used each artifact.
  explain  Show what W&B gets of one artifact, and why.
  report   Write a page of HTML about a flow run, or a comparison of several.
  doctor   Check all that a sync needs, and write nothing.
  config   Show the settings, and trust settings files.

Examples:
  mfwb plan TrainFlow/latest                what a sync would do
  mfwb sync TrainFlow/123 --project wines   one flow run
  mfwb sync TrainFlow --last 5              the newest five
  mfwb sync --since 24h                     new flow runs of all flows
  mfwb push bundle                          the bundle of an offline sync
  mfwb verify TrainFlow/123                 whether W&B says what Metaflow says
  mfwb lineage TrainFlow/123                which task made and used what
  mfwb explain TrainFlow/123/train/model    what W&B gets of it, and why
  mfwb report TrainFlow/123 --open          a page about it, without W&B
  mfwb doctor                               whether all that a sync needs is there
"""
    )


def test_help_of_lineage() -> None:
    """Lineage takes one flow run, and has none of W&B's options."""
    assert (
        help_of("lineage")
        == """\
Usage: mfwb lineage [OPTIONS] PATHSPEC

  Show which task made and which task used each artifact.

  For one flow run, rebuilt from Metaflow's records. W&B is not contacted.

Choose:
  PATHSPEC                      Flow/123 or Flow/latest
  --namespace NS                Only this Metaflow namespace  [all]
  --artifact NAME               Only this artifact: its versions and uses

How:
  --config FILE                 Settings file  [mfwb.toml or pyproject.toml]
  --metadata PROVIDER           service@URL or local@DIR  [Metaflow's own]
  --datastore-root ROOT         Another datastore of yours; repeatable

Show:
  --format [text|mermaid|json]  A tree, a chart, a document  [text]
  --explain                     Show the evidence for each use
  --quiet                       No progress, no output of the SDKs
  --help                        Show this text

Examples:
  mfwb lineage TrainFlow/latest
  mfwb lineage TrainFlow/123 --artifact model --explain
  mfwb lineage TrainFlow/123 --format mermaid > lineage.mmd
"""
    )


def test_help_of_sync() -> None:
    """Options stand under headings, all descriptions in one column."""
    assert (
        help_of("sync")
        == """\
Usage: mfwb sync [OPTIONS] [PATHSPEC]...

  Replay flow runs into Weights & Biases.

  One W&B run per step, grouped by flow run. Flow runs that were synced before
  stay as they are.

Choose:
  [PATHSPEC]...                   Flow/123, Flow/latest, Flow; none: all flows
  --since TIME                    Started in the last 24h, or since 2026-11-01
  --until TIME                    Started before this time
  --last N                        The N newest runs of each flow
  --all                           All runs, whenever they started
  --tag TAG                       Only flow runs with this tag; repeatable
  --failed / --no-failed          Only failed runs, or no failed runs  [both]
  --namespace NS                  Only this Metaflow namespace  [all]

Where to:
  --entity NAME                   W&B entity  [your default]
  --project NAME                  W&B project  [the flow's name]
  --mode [online|offline]         Offline writes a bundle to disk  [online]
  --dir DIR                       Folder of the offline bundle

What:
  --datasets / --no-datasets      Tables, paths, included files  [on]
  --models / --no-models          Models of well-known libraries  [on]
  --others / --no-others          All other pickled objects  [on]
  --granularity [step|task]       One W&B run per step, or per task  [step]
  --overview / --no-overview      One more W&B run for the flow run  [off]
  --code / --no-code              The code package as artifact  [on]
  --max-artifact-size SIZE        Exclude larger ones, as in 2GB  [no limit]
  --references / --no-references  Link to Metaflow's bytes  [if too large]
  --file-references               The same for a local datastore  [off]
  --path-root DIR                 A folder whose files may be sent; repeatable
  --unpickle HOW                  Load pickles: safe, trusted, never  [safe]
  --max-memory SIZE               Limit for loading one artifact  [2GB]

How:
  --workers N                     W&B runs written at the same time  [16]
  --timeout DURATION              Retry while W&B fails, for at most  [5m]
  --wait DURATION                 Wait for another sync, for at most  [0s]
  --on-deleted HOW                Deleted in W&B: skip, recreate, fail  [skip]
  --abandoned-after DURATION      Treat silent flow runs as ended after  [24h]
  --force                         Write synced flow runs again
  --overwrite-edits               Overwrite what people changed in W&B
  --strict                        Exit with 3 if anything was lost
  --config FILE                   Settings file  [mfwb.toml or pyproject.toml]
  --metadata PROVIDER             service@URL or local@DIR  [Metaflow's own]
  --datastore-root ROOT           Another datastore of yours; repeatable
  --dry-run                       Only show what would be done, like `plan`

Show:
  --json                          One JSON document on stdout
  --quiet                         Only failures and losses, on stderr
  --verbose                       Show every W&B run in full
  --report FILE                   Write a JUnit report for CI
  --summary FILE                  Append Markdown ($GITHUB_STEP_SUMMARY)
  --help                          Show this text

Examples:
  mfwb sync TrainFlow/123 --project wines
  mfwb sync TrainFlow --last 5 --mode offline --dir bundle
  mfwb sync --since 24h
  mfwb sync TrainFlow --since 2026-11-01 --until 2026-12-01 --tag prod
"""
    )


def test_plan_takes_what_sync_takes() -> None:
    """Plan has the options of sync, but for the one that makes a plan of it."""
    names = {
        command: {parameter.name for parameter in mfwb.commands[command].params}
        for command in ("sync", "plan")
    }

    assert names["sync"] - names["plan"] == {"dry_run"}
    assert names["plan"] <= names["sync"]


@pytest.mark.parametrize("name", list(mfwb.commands))
def test_every_command_has_help_and_examples(name: str) -> None:
    """Each command says what it does, each option too, and no line is wider than 80 columns."""
    command = mfwb.commands[name]
    options = [param for param in command.params if isinstance(param, click.Option)]

    assert command.help
    assert all(option.help for option in options)
    assert "Examples:\n" in help_of(name)
    assert max(map(len, help_of(name).splitlines())) <= 80


def test_headings_are_bold_on_a_terminal() -> None:
    """A terminal sees headings in bold."""
    result = CliRunner().invoke(mfwb, ["sync", "--help"], color=True)

    assert "\x1b[1mWhere to\x1b[0m:" in result.output


def test_version() -> None:
    """`--version` prints the version."""
    assert CliRunner().invoke(mfwb, ["--version"]).output == f"mfwb {__version__}\n"


def test_python_dash_m() -> None:
    """`python -m mfwb` is mfwb."""
    done = subprocess.run(
        [sys.executable, "-m", "mfwb", "--version"], capture_output=True, text=True, check=True
    )

    assert done.stdout == f"mfwb {__version__}\n"


def test_no_option_or_argument_is_empty() -> None:
    """An empty value is refused, whatever it is for; it is a variable that is not set, mostly.

    Only files of reports may be: CI passes `$GITHUB_STEP_SUMMARY` wherever it runs.
    """
    may_be = {"--report", "--summary"}
    for name, command in mfwb.commands.items():
        for parameter in command.params:
            if getattr(parameter, "is_flag", False) or may_be & {*parameter.opts}:
                continue
            arguments = [""] if isinstance(parameter, click.Argument) else [parameter.opts[0], ""]
            if isinstance(command, click.Group):
                continue
            result = CliRunner().invoke(mfwb, [name, *arguments])

            assert result.exit_code == 2, (name, arguments, result.output)
