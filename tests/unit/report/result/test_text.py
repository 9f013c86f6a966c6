"""The text for people, as a whole."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.report import console_for, to_text
from mfwb.snapshot import Loss
from tests.unit.report.samples import BIG, PLANNED, RUNS, SYNCED, URL, flow_run, many_tasks, run

TIMES = "\N{MULTIPLICATION SIGN}"


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
    """A synced flow run is a headline, a table, its losses, its W&B runs and the totals."""
    expected = """
WineFlow/7  synced
  4 W&B runs in acme/wines, group WineFlow/7

  step   used       from   made       type        size  version  values  losses
  start                    wines      dataset  12.3 KB  v0            1
  split  wines      start  test_set   dataset   4.1 KB  same
                           train_set  dataset   8.8 KB  v2
  train  train_set  split  model      model     1.2 MB  v5            3       1
         test_set   split
  end    model      train
         test_set   split

  1 loss
    WineFlow/7/train/4/history
      2,500,000,000 bytes, more than --max-artifact-size allows

  start  https://wandb.example/acme/wines/runs/WineFlow-7-start-0-abcd1234
  split  https://wandb.example/acme/wines/runs/WineFlow-7-split-0-abcd1234
  train  https://wandb.example/acme/wines/runs/WineFlow-7-train-0-abcd1234
  end    https://wandb.example/acme/wines/runs/WineFlow-7-end-0-abcd1234

16 artifacts: 10 in summary, 3 written, 1 same content, 1 switched off, 1 lost
1 loss
"""

    assert shown(SYNCED) == expected


def test_plan_of_one_flow_run() -> None:
    """A plan speaks of the future, and of no version."""
    expected = """
WineFlow/7  planned
  4 W&B runs would go to project wines of your default entity, group WineFlow/7

  step   used       from   made       type        size  values  losses
  start                    wines      dataset  12.3 KB       1
  split  wines      start  test_set   dataset   4.1 KB
                           train_set  dataset   8.8 KB
  train  train_set  split  model      model     1.2 MB       3       1
         test_set   split
  end    model      train
         test_set   split

  1 loss
    WineFlow/7/train/4/history
      2,500,000,000 bytes, more than --max-artifact-size allows

16 artifacts would be: 10 in summary, 4 written, 1 switched off, 1 lost
1 loss
"""

    assert shown(PLANNED) == expected


def test_unchanged_flow_run() -> None:
    """Nothing to do is said in one sentence, with what was lost then and where to look."""
    result = Result("sync", (flow_run(RUNS[2], status=Status.UNCHANGED),))
    expected = """
WineFlow/7  unchanged
  nothing to do: unchanged since the last sync (1 W&B run in acme/wines, group WineFlow/7)

  1 loss
    WineFlow/7/train/4/history - 2,500,000,000 bytes, more than --max-artifact-size allows

  train  https://wandb.example/acme/wines/runs/WineFlow-7-train-0-abcd1234

1 loss
"""

    assert shown(result, width=100) == expected


def test_hundreds_of_tasks_become_one_row_per_step() -> None:
    """More than twenty W&B runs are shown step by step, and by the place where they all are."""
    expected = """
WineFlow/7  synced
  302 W&B runs in acme/wines, group WineFlow/7; 1 marked failed

  step         state     used         from   made       type       size  version   values
  split/2                                    train_set  dataset  8.8 KB  v2
  train * 300  1 failed  train_set    split  model      model    300 MB  225 new,     300
                                                                         75 same
  join/999               model * 300  train

  see  https://wandb.example/acme/wines

600 artifacts: 300 in summary, 300 written
no losses
"""

    assert shown(Result("sync", (many_tasks(300),)), width=90) == expected.replace("*", TIMES)


def test_names_stay_whole_where_it_is_narrow() -> None:
    """Rather than break names, a narrow table does without the column of types."""
    expected = """
  step         state     used         from   made         size  version   values
  split/2                                    train_set  8.8 KB  v2
  train * 300  1 failed  train_set    split  model      300 MB  225 new,     300
                                                                75 same
  join/999               model * 300  train
"""

    assert expected.replace("*", TIMES) in shown(Result("sync", (many_tasks(300),)), width=80)


def test_skipped_and_failed_flow_runs() -> None:
    """What was not synced says why, in full."""
    reason = "W&B refused WineFlow-13-start-0-abcd1234: permission denied; ask acme's owner"
    result = Result(
        "sync",
        (
            FlowRunOutcome("WineFlow/12", Status.SKIPPED, reason="it is still running"),
            FlowRunOutcome("WineFlow/13", Status.FAILED, reason=reason),
        ),
    )
    expected = """
WineFlow/12  skipped
  it is still running

WineFlow/13  failed
  W&B refused WineFlow-13-start-0-abcd1234: permission
  denied; ask acme's owner

2 flow runs: 1 skipped, 1 failed
no losses
"""

    assert shown(result, width=60) == expected


def test_many_flow_runs_get_a_line_each() -> None:
    """More than three flow runs are a list, with the reasons of those that failed.

    Those about which nothing was to be done are counted.
    """
    done = [replace(flow_run(RUNS[0]), pathspec=f"WineFlow/{number}") for number in (8, 9)]
    result = Result(
        "sync",
        (
            *done,
            replace(flow_run(RUNS[2]), pathspec="WineFlow/10", status=Status.UNCHANGED),
            FlowRunOutcome("WineFlow/11", Status.FAILED, reason="no such flow run"),
        ),
    )
    expected = """
WineFlow/8   synced  1 W&B run, acme/wines
WineFlow/9   synced  1 W&B run, acme/wines
WineFlow/11  failed  no such flow run
1 flow run unchanged

1 loss
  WineFlow/7/train/4/history
    2,500,000,000 bytes, more than --max-artifact-size allows

  see  https://wandb.example/acme/wines

4 flow runs: 2 synced, 1 unchanged, 1 failed
4 artifacts: 2 in summary, 2 written
1 loss
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

  see  https://wandb.example/acme/wines

1,000 flow runs: 2 synced, 994 unchanged, 3 skipped, 1 failed
4 artifacts: 2 in summary, 2 written
no losses
"""

    assert shown(a_round_of_cron()) == expected


def test_nothing_to_do_at_all() -> None:
    """A round in which nothing was to be done is a few lines."""
    unchanged = [item for item in a_round_of_cron().flow_runs if item.status is Status.UNCHANGED]
    expected = """
994 flow runs unchanged

  see  https://wandb.example/acme/wines

994 flow runs: 994 unchanged
no losses
"""

    assert shown(Result("sync", tuple(unchanged))) == expected


def test_verbose_names_each_flow_run() -> None:
    """With --verbose those are named, too, about which nothing was to be done."""
    few = a_round_of_cron().flow_runs[990:997]
    text = shown(Result("sync", few), verbose=True)

    assert "\nWineFlow/991  unchanged\n" in text
    assert "\nWineFlow/996  skipped\n  it is still running\n" in text


@pytest.mark.parametrize("width", [20, 40, 80])
def test_reasons_in_a_list_are_folded(width: int) -> None:
    """Long reasons go on beneath where they began; no word of them is cut."""
    reason = "the server said 413 " + "x" * 150 + " and then hung up"
    failed = [FlowRunOutcome(f"F/{number}", Status.FAILED, reason=reason) for number in range(4)]
    lines = shown(Result("sync", tuple(failed)), width=width).splitlines()
    text = "".join("".join(lines).split())

    assert text.count("".join(reason.split())) == 4
    assert lines[1].startswith("F/0  failed  the server said")
    assert lines[2].startswith(" " * len("F/0  failed  "))
    assert max(map(len, lines[1:-4])) <= max(width, len("F/0  failed  ") + 20)


def test_colours_of_a_list() -> None:
    """A list has colours on a terminal, and its columns stand as they do without."""
    coloured = shown(a_round_of_cron(), colour=True)

    assert "\n\x1b[1mWineFlow/999\x1b[0m   \x1b[1;32msynced\x1b[0m  1 W&B run" in coloured
    assert "\n994 flow runs \x1b[32munchanged\x1b[0m\n" in coloured


def test_verbose_tells_every_fact_of_a_wandb_run() -> None:
    """With --verbose each W&B run is told in full: ids, digests, grounds, names."""
    result = Result("sync", (flow_run(RUNS[1], RUNS[3]),))
    expected = """
WineFlow/7  synced
  2 W&B runs in acme/wines, group WineFlow/7

  step   used      from   made       type       size  version
  split  wines     start  test_set   dataset  4.1 KB  same
                          train_set  dataset  8.8 KB  v2
  end    model     train
         test_set  split

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

3 artifacts: 1 written, 1 same content, 1 switched off
no losses
"""

    assert shown(result, verbose=True) == expected


def test_offline_says_so_and_names_the_folder_of_all() -> None:
    """Of an offline sync the one folder is named that holds the folders of its W&B runs."""
    runs = [replace(item, url=None, dir=f"/data/bundle/wandb/{item.id}") for item in RUNS[:2]]
    text = shown(Result("sync", (flow_run(*runs, mode="offline"),)))

    assert "2 W&B runs in acme/wines, group WineFlow/7, offline\n" in text
    assert "\n  see  /data/bundle/wandb\n\n" in text


def test_failed_step_is_marked() -> None:
    """A W&B run that shows a failure has a state; the others need none."""
    text = shown(Result("sync", (flow_run(run("start"), run("train", state="failed")),)))

    assert "  step   state\n  start\n  train  failed\n" in text
    assert "; 1 marked failed\n" in text


def test_job_type_is_named_if_it_is_not_the_step() -> None:
    """A job type of one's own stands behind the step."""
    text = shown(Result("sync", (flow_run(run("train", job_type="fit")),)))

    assert "\n  train (fit)\n" in text


def test_very_many_artifacts_of_a_wandb_run_are_counted() -> None:
    """A long list ends with how many more there are."""
    output = RUNS[0].outputs[0]
    outputs = tuple(replace(output, name=f"frame_{number:02}") for number in range(30))
    text = shown(Result("sync", (flow_run(run("start", outputs=outputs)),)))

    assert "frame_08" in text
    assert "frame_09" not in text
    assert "and 21 more" in text


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


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_reasons_are_never_cut(width: int) -> None:
    """Every word of a reason is shown in any width."""
    reason = "the server said 413 " + "x" * 150 + " and then hung up"
    result = Result("sync", (flow_run(losses=(replace(BIG, reason=reason),)),))
    text = shown(result, width=width)

    assert "".join(reason.split()) in "".join(text.split())


def test_pathspecs_and_places_are_not_wrapped() -> None:
    """What is to be copied stays on one line, however narrow the terminal is."""
    text = shown(SYNCED, width=40)

    assert f"{URL}/WineFlow-7-train-0-abcd1234\n" in text
    assert "    WineFlow/7/train/4/history\n" in text


def test_what_users_named_does_not_steer_the_terminal() -> None:
    """Escapes and line breaks in names and reasons are shown, not obeyed; nor is markup."""
    loss = Loss("F/1/[red]x[/red]", "bad\x1b[2J\nvalue")
    text = shown(Result("sync", (flow_run(losses=(loss,)),)))

    assert "F/1/[red]x[/red] - bad\\x1b[2J value\n" in text


def test_colours_only_where_there_is_a_terminal() -> None:
    """A terminal gets colours, a file gets none."""
    assert "\x1b[1;32msynced\x1b[0m" in shown(SYNCED, colour=True)
    assert "\x1b" not in shown(SYNCED)


def test_width_of_a_file_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is 100 columns wide, a terminal as wide as it is."""
    monkeypatch.setenv("COLUMNS", "64")

    assert console_for(io.StringIO()).width == 100
    assert console_for(Terminal()).width == 64


def test_nothing_found() -> None:
    """No flow run at all is said, too."""
    assert shown(Result("sync", ())) == "\n0 flow runs\nno losses\n"
