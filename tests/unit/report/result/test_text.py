"""The text for people, as a whole."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.report.console import console_for, is_limited
from mfwb.report.result.text import to_text
from mfwb.snapshot import Loss
from tests.unit.report.samples import (
    BIG,
    PLANNED,
    RUNS,
    SYNCED,
    flow_run,
    made,
    many_tasks,
    run,
    used,
)

TIMES = "\N{MULTIPLICATION SIGN}"
WIDE = 1_000_000  # columns of what is no terminal
GROUP = "https://wandb.example/acme/wines/groups/WineFlow%2F7/workspace"
MODEL = made("model", "model", 1, "v0")
SYNCED_WITH_PAGE = Result("sync", (flow_run(*RUNS, url=GROUP),))

LINK = re.compile(r"\x1b\]8;(?:id=\w+;|;)([^\x1b]*)\x1b\\")
CODE = re.compile(r"\x1b\[[0-9;]*m")


def shown(result: Result, *, width: int = 80, verbose: bool = False, colour: bool = False) -> str:
    """Return the text in a width, with an empty line in front as the expectations have it."""
    console = Console(file=io.StringIO(), width=width, force_terminal=colour, highlight=False)
    return "\n" + to_text(result, console=console, verbose=verbose)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_sync_of_one_flow_run() -> None:
    """A synced flow run is a headline, numbers, a line for each step, its losses and a link."""
    expected = """
WineFlow/7  synced  acme/wines
  4 W&B runs, 1.2 MB uploaded in 3.2 s
  16 artifacts: 10 in summary, 3 written, 1 same content, 1 switched off, 1 lost

  step   used                 made
  start                       wines:v0 12.3 KB, 1 value
  split  wines                test_set:v2 4.1 KB, train_set:v2 8.8 KB
  train  train_set, test_set  model:v5 1.2 MB, 3 values, 1 lost
  end    model, test_set

  1 loss
    WineFlow/7/train/4/history
      2,500,000,000 bytes, more than --max-artifact-size allows

  https://wandb.example/acme/wines/groups/WineFlow%2F7/workspace
"""
    [synced] = SYNCED.flow_runs
    runs = (replace(RUNS[0], bytes_written=1_234_567), *RUNS[1:])
    flow_run = replace(synced, wandb_runs=runs, seconds=3.21, url=GROUP)

    assert shown(Result("sync", (flow_run,))) == expected


def test_plan_of_one_flow_run() -> None:
    """A plan speaks of the future, and of no version."""
    expected = """
WineFlow/7  planned  project wines of your default entity
  4 W&B runs
  16 artifacts would be: 10 in summary, 4 written, 1 switched off, 1 lost

  step   used                 made
  start                       wines *12.3 KB, 1 value
  split  wines                test_set *4.1 KB, train_set *8.8 KB
  train  train_set, test_set  model *1.2 MB, 3 values, 1 lost
  end    model, test_set

  1 loss
    WineFlow/7/train/4/history
      2,500,000,000 bytes, more than --max-artifact-size allows
"""

    assert shown(PLANNED) == expected.replace("*", "\N{ALMOST EQUAL TO}")


def test_unchanged_flow_run() -> None:
    """Nothing is repeated of what its sync printed; but what was lost then is still lost."""
    unchanged = replace(flow_run(RUNS[2], seconds=9.0), url=GROUP).as_unchanged()
    expected = """
WineFlow/7  unchanged  acme/wines
  1 loss, as `mfwb status --losses` lists
  https://wandb.example/acme/wines/groups/WineFlow%2F7/workspace
"""

    assert shown(Result("sync", (unchanged,))) == expected


def test_hundreds_of_tasks_become_one_row_per_step() -> None:
    """More than twenty W&B runs are shown step by step."""
    expected = """
WineFlow/7  synced  acme/wines
  302 W&B runs, 1 marked failed
  600 artifacts: 300 in summary, 300 written, no losses

  step                    used         made
  split/2                              train_set:v2 8.8 KB
  train * 300 (1 failed)  train_set    model 300 MB, 300 values
  join/999                model * 300
"""

    assert shown(Result("sync", (many_tasks(300),))) == expected.replace("*", TIMES)


def test_narrow_terminals() -> None:
    """Rather than break names, a narrow table has no sizes, then no versions, then no columns."""
    text = {width: shown(SYNCED, width=width) for width in (70, 60, 50, 34)}

    assert "  split  wines                test_set:v2 4.1 KB, train_set:v2 8.8 KB\n" in text[70]
    assert "  split  wines                test_set:v2, train_set:v2\n" in text[60]
    assert "test_set, train_set\n" in text[50]
    assert "\n  train\n    used train_set, test_set\n    made model, 3 values, 1 lost\n" in text[34]


def test_long_names_lose_their_middle() -> None:
    """Beginning and end of a name remain; the others are counted if there is no room for them."""
    outputs = (made("training_set_of_all_the_wines_in_the_world", "dataset", 1, "v0"), MODEL)
    step = run("prepare_the_training_set_of_all_the_wines", outputs=outputs)
    other = run("end", inputs=(used(outputs[0].name, step.name), used("model", step.name)))
    text = shown(Result("sync", (flow_run(step, other),)))

    assert "\n  step                      used                      made\n" in text
    assert "\n  prepare_the_...l_the_wines  " in text.replace("\N{HORIZONTAL ELLIPSIS}", "...")
    assert "training_s\N{HORIZONTAL ELLIPSIS}_the_world +1\n" in text
    assert MODEL.name in shown(Result("sync", (flow_run(step, other),)), width=WIDE)


def test_what_is_no_terminal_gets_all_names_on_the_line_of_their_step() -> None:
    """There is no limit then: grep finds all."""
    outputs = tuple(made(f"frame_{number:02}", "dataset", 1) for number in range(30))
    inputs = tuple(used(output.name, "start") for output in outputs)
    runs = run("start", outputs=outputs), run("end", inputs=inputs)
    whole = shown(Result("sync", (flow_run(*runs),)), width=WIDE)
    names = ", ".join(output.name for output in outputs)

    assert f"\n  end    used {names}\n" in whole
    assert "\n  start  made frame_00 1 B, frame_01 1 B, " in whole
    assert max(map(len, whole.splitlines())) < 1_000
    assert shown(SYNCED, width=WIDE) == shown(SYNCED, width=100).replace(
        "history\n      2", "history - 2"
    )


def test_skipped_and_failed_flow_runs() -> None:
    """What was not synced says why, in full, and not that nothing was lost."""
    reason = "W&B refused WineFlow-13-start-0-abcd1234: permission denied; ask acme's owner"
    result = Result(
        "sync",
        (
            FlowRunOutcome("WineFlow/12", Status.SKIPPED, reason="it is still running"),
            FlowRunOutcome(
                "WineFlow/13", Status.FAILED, reason=reason, entity="acme", project="wines"
            ),
        ),
    )
    expected = """
WineFlow/12  skipped
  it is still running

WineFlow/13  failed  acme/wines
  W&B refused WineFlow-13-start-0-abcd1234: permission
  denied; ask acme's owner

2 flow runs: 1 skipped, 1 failed
"""

    assert shown(result, width=60) == expected


def test_many_flow_runs_get_a_line_each() -> None:
    """More than three flow runs are a list, with the reasons of those that failed.

    Those about which nothing was to be done are counted.
    """
    start = replace(RUNS[0], bytes_written=999)
    done = [
        replace(flow_run(start), pathspec=f"WineFlow/{number}", seconds=12.0) for number in (8, 9)
    ]
    result = Result(
        "sync",
        (
            *done,
            replace(flow_run(RUNS[2]), pathspec="WineFlow/10", status=Status.UNCHANGED),
            FlowRunOutcome("WineFlow/11", Status.FAILED, reason="no such flow run"),
        ),
        seconds=65.0,
    )
    expected = """
WineFlow/8   synced  1 W&B run, 999 B, 12 s, acme/wines
WineFlow/9   synced  1 W&B run, 999 B, 12 s, acme/wines
WineFlow/11  failed  no such flow run
1 flow run unchanged

https://wandb.example/acme/wines

4 flow runs: 2 synced, 1 unchanged, 1 failed
2 W&B runs, 2.0 KB uploaded in 1 min 5 s
4 artifacts: 2 in summary, 2 written
"""

    assert shown(result) == expected


def a_round_of_cron() -> Result:
    """Return a thousand flow runs, about most of which nothing was to be done."""
    unchanged = [
        replace(flow_run(RUNS[0]), pathspec=f"WineFlow/{number}", status=Status.UNCHANGED)
        for number in range(1, 995)
    ]
    waiting = [
        FlowRunOutcome(f"WineFlow/{number}", Status.SKIPPED, reason="it is still running")
        for number in (996, 997)
    ]
    left_out = [FlowRunOutcome("WineFlow/998", Status.SKIPPED, reason="it did not fail")]
    done = [replace(flow_run(RUNS[0]), pathspec=f"WineFlow/{number}") for number in (999, 1000)]
    failed = [FlowRunOutcome("WineFlow/995", Status.FAILED, reason="gone")]
    return Result("sync", (*unchanged, *failed, *waiting, *left_out, *done))


def test_nothing_to_do_is_told_in_numbers() -> None:
    """Of a thousand flow runs only those are named that were synced or failed."""
    expected = """
WineFlow/995   failed  gone
WineFlow/999   synced  1 W&B run, acme/wines
WineFlow/1000  synced  1 W&B run, acme/wines
994 flow runs unchanged
2 flow runs skipped: it is still running
1 flow run skipped: it did not fail

https://wandb.example/acme/wines

1,000 flow runs: 2 synced, 994 unchanged, 3 skipped, 1 failed
2 W&B runs
4 artifacts: 2 in summary, 2 written
"""

    assert shown(a_round_of_cron()) == expected


def test_nothing_to_do_at_all() -> None:
    """A round in which nothing was to be done is a few lines."""
    unchanged = [item for item in a_round_of_cron().flow_runs if item.status is Status.UNCHANGED]
    expected = """
994 flow runs unchanged

https://wandb.example/acme/wines

994 flow runs: 994 unchanged
no losses
"""

    assert shown(Result("sync", tuple(unchanged))) == expected


def test_verbose_names_each_flow_run() -> None:
    """With --verbose those are named, too, about which nothing was to be done."""
    few = a_round_of_cron().flow_runs[990:997]
    text = shown(Result("sync", few), verbose=True)

    assert "\nWineFlow/991  unchanged  acme/wines, group WineFlow/7\n" in text
    assert "\nWineFlow/996  skipped\n  it is still running\n" in text


@pytest.mark.parametrize("width", [20, 40, 80, WIDE])
def test_reasons_in_a_list_are_wrapped(width: int) -> None:
    """Long reasons go on beneath where they began; a word without end loses its middle."""
    word = "x" * 150
    reason = f"the server said 413 {word} and then hung up"
    failed = [FlowRunOutcome(f"F/{number}", Status.FAILED, reason=reason) for number in range(4)]
    lines = shown(Result("sync", tuple(failed)), width=width).splitlines()

    assert lines[1].startswith("F/0  failed  the server said")
    if width == WIDE:
        assert lines[1] == f"F/0  failed  {reason}"
    else:
        assert lines[2].startswith(" " * len("F/0  failed  "))
        assert max(map(len, lines[1:-4])) <= max(width, len("F/0  failed  ") + 20)
        assert "".join(lines).count("\N{HORIZONTAL ELLIPSIS}") == 4


def test_colours_of_a_list() -> None:
    """A list has colours on a terminal, and its columns stand as they do without."""
    coloured = shown(a_round_of_cron(), colour=True)

    assert "\n\x1b[1mWineFlow/999\x1b[0m   \x1b[1;32msynced\x1b[0m  1 W&B run" in coloured
    assert "\n994 flow runs \x1b[32munchanged\x1b[0m\n" in coloured


def test_verbose_tells_every_fact_of_a_wandb_run() -> None:
    """With --verbose each W&B run is told in full: ids, digests, grounds, names."""
    result = Result("sync", (flow_run(RUNS[1], RUNS[3]),))
    expected = """
WineFlow/7  synced  acme/wines
  2 W&B runs
  3 artifacts: 1 written, 1 same content, 1 switched off, no losses

  step   used             made
  split  wines            test_set:v2 4.1 KB, train_set:v2 8.8 KB
  end    model, test_set

  WineFlow/7/split
    id            WineFlow-7-split-0-abcd1234
    state         finished
    see           https://wandb.example/acme/wines/runs/WineFlow-7-split-0-abcd1234
    used          wines ← start (dataset, available, digest d-wines)
    made          test_set (dataset, 4.1 KB, v2, same content, digest d-test_set): test_set.parquet
                  train_set (dataset, 8.8 KB, v2, digest d-train_set): train_set.parquet
    passed on     learning_rates, wines

  WineFlow/7/end
    id            WineFlow-7-end-0-abcd1234
    state         finished
    see           https://wandb.example/acme/wines/runs/WineFlow-7-end-0-abcd1234
    used          model ← train (model, available, digest d-model)
                  test_set ← split (dataset, available, digest d-test_set)
    switched off  mistakes
"""

    assert shown(result, verbose=True) == expected


def test_offline_says_so_and_names_the_folder_of_all() -> None:
    """Of an offline sync the one folder is named that holds the folders of its W&B runs."""
    runs = [
        replace(item, url=None, dir=f"/data/bundle/level-0{level}/wandb/{item.id}", bytes_written=7)
        for level, item in enumerate(RUNS[:2])
    ]
    text = shown(Result("sync", (flow_run(*runs, mode="offline", seconds=1.0),)))

    assert "WineFlow/7  synced  acme/wines, offline\n  2 W&B runs, 14 B written in 1.0 s\n" in text
    assert text.endswith("\n  /data/bundle\n")


def test_parts_of_a_value_are_one_value() -> None:
    """A plan does not know that a list becomes a chart for each item."""
    planned, synced = (
        replace(RUNS[0], outputs=(), summary_keys=keys)
        for keys in (("losses",), ("losses/0", "losses/1", "losses/2"))
    )

    for of_wandb in (planned, synced):
        text = shown(Result("sync", (flow_run(of_wandb),)))
        assert " 1 value\n" in text


def test_failed_step_is_marked() -> None:
    """A W&B run that shows a failure says so; the others need not."""
    text = shown(Result("sync", (flow_run(run("start"), run("train", state="failed")),)))

    assert "\n  start\n  train (failed)\n" in text
    assert "2 W&B runs, 1 marked failed\n" in text


def test_job_type_is_named_if_it_is_not_the_step() -> None:
    """A job type of one's own stands behind the step."""
    text = shown(Result("sync", (flow_run(run("train", job_type="fit")),)))

    assert "\n  train (fit)\n" in text


def test_very_many_artifacts_of_a_wandb_run_are_counted() -> None:
    """What has no room on the line is counted."""
    output = RUNS[0].outputs[0]
    outputs = tuple(replace(output, name=f"frame_{number:02}") for number in range(30))
    text = shown(Result("sync", (flow_run(run("start", outputs=outputs)),)))

    assert "\n  start  frame_00, frame_01, frame_02, frame_03, frame_04, frame_05 +24\n" in text


def test_many_losses_are_told_by_reason() -> None:
    """No reason is left out, however many losses there are; --verbose lists every item."""
    same = [Loss(f"F/1/train/{task}/big", "too large") for task in range(30)]
    result = Result("sync", (flow_run(losses=(*same, Loss("F/1/log", "gone"))),))
    brief, whole = shown(result), shown(result, verbose=True)

    assert (
        """
  31 losses
    F/1/train/0/big
    F/1/train/1/big
    F/1/train/2/big
    and 27 more - too large
    F/1/log - gone
"""
        in brief
    )
    assert all(f"{loss.item} - too large\n" in whole for loss in same)


@pytest.mark.parametrize("width", [20, 40, 80, WIDE])
def test_reasons_are_never_cut(width: int) -> None:
    """Every word of a reason is shown; one without end is whole with --verbose and in a file."""
    word = "x" * 150
    reason = f"the server said 413 {word} and then hung up, see /a/path/of/many/folders/to/some.log"
    result = Result("sync", (flow_run(losses=(replace(BIG, reason=reason),)),))
    brief = "".join(shown(result, width=width).split())

    assert "".join(reason.split()) in "".join(shown(result, width=width, verbose=True).split())
    assert all(
        part in brief for part in ("theserversaid413x", "xandthenhungup,see/a/path/of/many/folders")
    )
    assert (word in brief) is (width == WIDE)


def test_urls_that_can_not_be_clicked_are_whole() -> None:
    """Without colours a terminal has no links, so a URL is whole, however narrow it is."""
    text = shown(Result("sync", (flow_run(RUNS[0], url=GROUP),)), width=40)

    assert f"\n  {GROUP}\n" in text


def test_links() -> None:
    """A terminal gets links at the names; a URL that is too long is still one click away."""
    text = shown(Result("sync", (flow_run(*RUNS, url=GROUP),)), width=40, colour=True)
    seen = LINK.sub("", CODE.sub("", text))

    assert LINK.findall(text).count(GROUP) >= 2  # at the name of the flow run, and at the end
    assert {run.url for run in RUNS} <= set(LINK.findall(text))
    assert GROUP not in seen
    assert max(map(len, seen.splitlines())) <= 40
    assert GROUP in LINK.sub("", shown(SYNCED_WITH_PAGE, width=40, colour=True, verbose=True))
    assert not LINK.findall(shown(SYNCED_WITH_PAGE, width=WIDE, colour=True))


@pytest.mark.parametrize(
    "url",
    [
        "https://w.example/a/p/runs/x\x1b\\\x1b[2J",
        "https://w.example/a/p/runs/x\x07",
        "javascript:alert(1)/runs/x",
        "file:///etc/passwd/runs/x",
        "https://w.example/a b/runs/x",
        "https://w.example/\u202e/runs/x",
        "https://you@w.example/runs/x",
    ],
)
def test_hostile_links_are_none(url: str) -> None:
    """What a server says may steer no terminal, and start no program."""
    text = shown(
        Result("sync", (flow_run(replace(RUNS[0], url=url), url=url),)), width=60, colour=True
    )

    assert not LINK.findall(text)
    assert not re.findall(r"[^\x20-\x7e\n]", CODE.sub("", text))


def test_what_users_named_does_not_steer_the_terminal() -> None:
    """Escapes and line breaks in names and reasons are shown, not obeyed; nor is markup."""
    loss = Loss("F/1/[red]x[/red]", "bad\x1b[2J\nvalue")
    text = shown(Result("sync", (flow_run(losses=(loss,)),)))

    assert "F/1/[red]x[/red] - bad\\x1b[2J value\n" in text


def test_colours_only_where_there_is_a_terminal() -> None:
    """A terminal gets colours, a file gets none."""
    assert "\x1b[1;32msynced\x1b[0m" in shown(SYNCED, colour=True)
    assert "\x1b" not in shown(SYNCED)


def test_a_file_has_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal is as wide as it is; a file takes lines of any length."""
    monkeypatch.setenv("COLUMNS", "64")

    assert not is_limited(console_for(io.StringIO()))
    assert console_for(Terminal()).width == 64


def test_nothing_found() -> None:
    """No flow run at all is said, too."""
    assert shown(Result("sync", ())) == "\n0 flow runs\n"
