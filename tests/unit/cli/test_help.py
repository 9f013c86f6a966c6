"""Help: what it says, how it looks, and what it does not import."""

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
        "lineage --help",
        "explain --help",
        "status --help",
        "config --help",
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
  plan     Say what sync would do.
  push     Upload the bundle of an offline sync.
  status   Say what was synced, what is pending, and what was lost.
  lineage  Show who made and who used what.
  explain  Say what W&B gets of one artifact, and why.
  config   Show the settings, and say which files may decide.

Examples:
  mfwb plan TrainFlow/latest                look before you leap
  mfwb sync TrainFlow/123 --project wines   one flow run
  mfwb sync TrainFlow --last 5              the newest five
  mfwb sync --since 24h                     what is new, of all flows
  mfwb push bundle                          what was synced offline
  mfwb lineage TrainFlow/123                who made and who used what
  mfwb explain TrainFlow/123/train/model    what becomes of it, and why
"""
    )


def test_help_of_lineage() -> None:
    """Lineage is that of one flow run, and W&B's options are not there."""
    assert (
        help_of("lineage")
        == """\
Usage: mfwb lineage [OPTIONS] PATHSPEC

  Show who made and who used what.

  Of one flow run, rebuilt from what Metaflow recorded. W&B has no part in it.

Choose:
  PATHSPEC                      Flow/123 or Flow/latest
  --namespace NS                Only what is in this namespace  [all]
  --artifact NAME               The life of this one, to its last reader

How:
  --config FILE                 Settings  [mfwb.toml or pyproject.toml]
  --metadata PROVIDER           service@URL or local@DIR  [Metaflow's own]
  --datastore-root ROOT         Another datastore of yours; repeat for more

Show:
  --format [text|mermaid|json]  A tree, a chart, a document  [text]
  --explain                     Say on what ground each use is told
  --quiet                       No progress, nothing from the SDKs
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

  One W&B run per step, grouped by flow run. What was synced before is left
  alone.

Choose:
  [PATHSPEC]...                   Flow/123, Flow/latest, Flow; none: all flows
  --since TIME                    Started since 24h, 7d, 2026-11-01
  --until TIME                    Started before
  --last N                        The N newest runs of each flow
  --all                           All runs
  --tag TAG                       Only with this tag; repeat it for more
  --failed / --no-failed          Only failed ones; or none of them  [both]
  --namespace NS                  Only what is in this namespace  [all]

Where to:
  --entity NAME                   W&B entity  [your default]
  --project NAME                  W&B project  [the flow's name]
  --mode [online|offline]         Offline writes a bundle to disk  [online]
  --dir DIR                       Where the offline bundle goes

What:
  --datasets / --no-datasets      Tables, paths, included files  [on]
  --models / --no-models          Models of well-known libraries  [on]
  --others / --no-others          Anything else that was pickled  [on]
  --granularity [step|task]       One W&B run per step, or per task  [step]
  --max-artifact-size SIZE        Leave out larger ones, as in 2GB  [no limit]
  --references / --no-references  Point at Metaflow's bytes  [if too large]
  --file-references               The same of a local datastore  [off]
  --path-root DIR                 A folder whose files may be sent; repeatable
  --unpickle HOW                  Load pickles: safe, trusted, never  [safe]
  --max-memory SIZE               What loading an artifact may take  [2GB]

How:
  --workers N                     W&B runs written at once  [16]
  --timeout DURATION              Retry a W&B that is ill for  [5m]
  --wait DURATION                 Wait for another sync to end for  [0s]
  --on-deleted HOW                What W&B lacks: skip, recreate, fail  [skip]
  --abandoned-after DURATION      Silence that ends a flow run  [24h]
  --force                         Write again what was synced before
  --overwrite-edits               Also what people changed in W&B since
  --strict                        Exit 3 if anything was lost
  --config FILE                   Settings  [mfwb.toml or pyproject.toml]
  --metadata PROVIDER             service@URL or local@DIR  [Metaflow's own]
  --datastore-root ROOT           Another datastore of yours; repeat for more
  --dry-run                       Only say what would be done, as `plan` does

Show:
  --json                          One JSON document on stdout
  --quiet                         Only what failed or was lost, on stderr
  --verbose                       Every W&B run in full
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
    options = [one for one in command.params if isinstance(one, click.Option)]

    assert command.help
    assert all(one.help for one in options)
    assert "Examples:\n" in help_of(name)
    assert max(map(len, help_of(name).splitlines())) <= 80


def test_headings_are_bold_on_a_terminal() -> None:
    """A terminal sees headings in bold."""
    result = CliRunner().invoke(mfwb, ["sync", "--help"], color=True)

    assert "\x1b[1mWhere to\x1b[0m:" in result.output


def test_version() -> None:
    """The version is told."""
    assert CliRunner().invoke(mfwb, ["--version"]).output == f"mfwb {__version__}\n"


def test_python_dash_m() -> None:
    """`python -m mfwb` is mfwb."""
    done = subprocess.run(
        [sys.executable, "-m", "mfwb", "--version"], capture_output=True, text=True, check=True
    )

    assert done.stdout == f"mfwb {__version__}\n"
