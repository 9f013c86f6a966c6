"""Help: its text, its layout, and what it does not import."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from mfwb import __version__
from mfwb.cli.app import mfwb
from mfwb.cli.exit import end

HEAVY = "wandb metaflow pydantic pandas pyarrow rich numpy"


def help_of(*command: str, columns: int = 80) -> str:
    """Return a help text, as a terminal of so many columns shows it."""
    environ = {"COLUMNS": str(columns)}
    result = CliRunner().invoke(mfwb, [*command, "--help"], prog_name="mfwb", env=environ)
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            "--help",
            "--version",
            "sync --help",
            "config trust --help",
            "completion bash",
            "",
            "nonsense",
        ),
        *(
            pytest.param(arguments, marks=pytest.mark.exhaustive)
            for arguments in (
                *("plan --help", "push --help", "verify --help", "lineage --help"),
                *("explain --help", "status --help", "config --help", "doctor --help"),
                *("ls --help", "open --help", "forget --help", "completion --help", "-h", "-V"),
            )
        ),
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
Usage: mfwb [-h | -V] COMMAND [ARGS]...

  Replay completed Metaflow runs into Weights & Biases, lineage included.

Write to W&B:
  sync        Replay flow runs into Weights & Biases.
  backfill    Replay many flow runs into Weights & Biases, in parallel.
  push        Upload the bundle of an offline sync.
  watch       Sync new flow runs again and again.
  forget      Forget that flow runs were synced.

Look at a flow run:
  ls          List Metaflow's runs, and where they are synced.
  plan        Show what sync would do.
  lineage     Show which task made and which task used each artifact.
  explain     Show what W&B gets of one artifact, and why.
  report      Write a page of HTML about one flow run, or about several.

Look at what was synced:
  status      Show what was synced, what is pending, and what was lost.
  verify      Read W&B back and prove that it says what Metaflow says.
  open        Open the W&B page of a flow run in the browser.

Set up:
  doctor      Check all that a sync needs, and write nothing.
  config      Show the settings, and trust settings files.
  completion  Print a script that completes commands and pathspecs.

Examples:
  mfwb plan TrainFlow/latest                what a sync would do
  mfwb sync TrainFlow/123 --project wines   one flow run
  mfwb sync --since 24h                     new flow runs of all flows
"""
    )


def test_every_command_is_under_a_heading() -> None:
    """Whoever adds a command says where the help lists it."""
    listed = [name for names in mfwb.headings.values() for name in names]

    assert sorted(listed) == sorted(mfwb.commands)
    assert len(help_of().splitlines()) <= 32


_SHORT = {
    "help": "-h",
    "quiet": "-q",
    "verbose": "-v",
    "project": "-p",
    "entity": "-e",
    "last": "-n",
}
"""The options that are short everywhere, by their names."""


@pytest.mark.parametrize("name", list(mfwb.commands))
def test_short_options_are_the_same_everywhere(name: str) -> None:
    """An option that has a short form has it in each command; each has help and a log."""
    result = CliRunner().invoke(mfwb, [name, "-h"], prog_name="mfwb", env={"COLUMNS": "80"})
    options = {param.name: param.opts for param in mfwb.commands[name].params}

    assert result.output == help_of(name)
    assert [key for key in _SHORT if key in options and _SHORT[key] not in options[key]] == []
    if not isinstance(mfwb.commands[name], click.Group) and name != "completion":
        assert {"verbose", "log_file"} <= options.keys()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("sycn", "there is no command 'sycn'; did you mean sync? See `mfwb --help`."),
        ("LS", "there is no command 'LS'; did you mean ls? See `mfwb --help`."),
        ("Flow/1", "there is no command 'Flow/1'; did you mean `mfwb sync Flow/1`?"),
        ("xyzzy", "there is no command 'xyzzy'. See `mfwb --help`."),
        ("config shwo", "there is no command 'shwo'; did you mean show? See `mfwb config --help`."),
    ],
)
def test_a_wrong_command(typed: str, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The error names what is similar."""
    assert end(mfwb, typed.split()) == 2
    assert capfd.readouterr().err.startswith(f"mfwb: {message}")


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
  --json                        One JSON document on stdout
  --explain                     Show the evidence for each use
  -q, --quiet                   No progress, no output of the SDKs
  -v, --verbose                 Twice: log what is done, on stderr
  --log-file FILE               Append what is done and requested; as -vv
  -h, --help                    Show this text

Examples:
  mfwb lineage TrainFlow/latest
  mfwb lineage TrainFlow/123 --artifact model --explain
  mfwb lineage TrainFlow/123 --format mermaid > lineage.mmd
  mfwb lineage TrainFlow/123 --json | jq .edges
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
  -n, --last N                    The N newest runs of each flow
  --all                           All runs, whenever they started
  --tag TAG                       Only flow runs with this tag; repeatable
  --failed / --no-failed          Only failed runs, or no failed runs  [both]
  --namespace NS                  Only this Metaflow namespace  [all]
  --shard I/N                     Of N equal parts, only this one, as 3/20
  --plan FILE                     Carry out exactly this plan, or refuse

Where to:
  -e, --entity NAME               W&B entity  [your default]
  -p, --project NAME              W&B project  [the flow's name]
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
  --workers N                     W&B runs written at the same time  [64]
  --max-requests-per-minute N     Requests to W&B, at most  [any number]
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
  -q, --quiet                     Only failures and losses, on stderr
  -v, --verbose                   Show every W&B run in full
  --report FILE                   Write a JUnit report for CI
  --summary FILE                  Append Markdown ($GITHUB_STEP_SUMMARY)
  --log-file FILE                 Append what is done and requested; as -vv
  -h, --help                      Show this text

Examples:
  mfwb sync TrainFlow/123 --project wines
  mfwb sync TrainFlow --last 5 --mode offline --dir bundle
  mfwb sync --since 24h
  mfwb sync TrainFlow --since 2026-11-01 --until 2026-12-01 --tag prod
  mfwb sync --plan plan.json
"""
    )


def test_plan_takes_what_sync_takes() -> None:
    """Plan has the options of sync, but for those about what a plan is made of, and for."""
    names = {
        command: {parameter.name for parameter in mfwb.commands[command].params}
        for command in ("sync", "plan")
    }

    assert names["sync"] - names["plan"] == {"dry_run", "plan_path"}
    assert names["plan"] - names["sync"] == {"online", "out"}


@pytest.mark.parametrize("name", list(mfwb.commands))
def test_every_command_has_help_and_examples(name: str) -> None:
    """Each command says what it does, each option too, and no line is wider than 80 columns."""
    command = mfwb.commands[name]
    options = [param for param in command.params if isinstance(param, click.Option)]

    assert command.help
    assert all(option.help for option in options)
    assert "Examples:\n" in help_of(name)
    assert max(map(len, help_of(name).splitlines())) <= 80
    assert not re.search(r"^ {12,}", help_of(name), re.MULTILINE), "a description is broken"
    assert f"{command.get_short_help_str()}\n" in help_of(), "the list has it whole, on one line"
    assert "..." not in help_of(columns=50).replace("ARGS]...", "")


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
