"""Damage to W&B runs as such: whether they exist, what they are called, how and when they ended."""

from __future__ import annotations

from tests.integration.verification.damages.cases import Found, Registry
from tests.support.wandb_damage import Damage

__all__ = ["RUNS"]

RUNS = Registry()


@RUNS(Found("run", "gather W&B run", "deleted or moved"))
def lose_a_run(damage: Damage) -> None:
    """As if it had never been written."""
    damage.remove_run("gather")


@RUNS(Found("run", "each W&B run", "deleted or moved"))
def delete_a_run_that_others_use(damage: Damage) -> None:
    """W&B does not take its id again; what it logged is there, and used."""
    damage.remove_run("each", and_remember=True)


@RUNS(Found("run", "a stray one W&B run stray", "somebody else", "nothing is ever deleted"))
def add_a_run_of_somebody(damage: Damage) -> None:
    """It is in the group, and names no mfwb."""
    run = damage.copy_run("gather", "stray", display_name="a stray one")
    run.config.pop("mfwb")


@RUNS(Found("run", "gather W&B run again, twice", "second", "nothing is ever deleted"))
def copy_a_run(damage: Damage) -> None:
    """All but the id is the same."""
    damage.copy_run("gather", "again")


@RUNS(Found("run", "gather W&B run", "moved"))
def move_a_run_to_another_group(damage: Damage) -> None:
    """As one can in W&B."""
    damage.run("gather").group = "another"


@RUNS(Found("job_type", "gather job_type", "edited"))
def change_the_job_type(damage: Damage) -> None:
    """As one can in W&B."""
    damage.run("gather").job_type = "another"


@RUNS(Found("name", "gather name", "edited"))
def rename_a_run(damage: Damage) -> None:
    """As one can in W&B."""
    damage.run("gather").display_name = "my best one"


@RUNS(Found("name", "gather name", "edited"), Found("name", "end name", "edited"))
def swap_the_names_of_two_runs(damage: Damage) -> None:
    """Each now bears the name of the other."""
    item, other = damage.run("gather"), damage.run("end")
    item.display_name, other.display_name = other.display_name, item.display_name


@RUNS(Found("state", "gather state"))
def fail_a_run(damage: Damage) -> None:
    """A W&B run that finished."""
    damage.run("gather").state = "failed"


@RUNS(Found("state", "gather state", "cut, or still goes on"))
def leave_a_run_running(damage: Damage) -> None:
    """A W&B run that finished."""
    damage.run("gather").state = "running"


@RUNS(Found("tags", "gather tags", "removed"))
def remove_a_tag(damage: Damage) -> None:
    """One that the flow run has."""
    damage.run("gather").tags.clear()


@RUNS(Found("tags", "gather tags", "removed"))
def misspell_a_tag(damage: Damage) -> None:
    """One that the flow run has."""
    damage.run("gather").tags[:] = ["Fine"]


@RUNS(Found("time", "gather started at", "edited"))
def move_the_start(damage: Damage) -> None:
    """By one millisecond more than rounding explains."""
    internal = damage.run("gather").config["_wandb"]["value"]["e"]
    for session in internal.values():
        head, _, fraction = session["startedAt"].removesuffix("Z").partition(".")
        session["startedAt"] = f"{head}.{(int(fraction) + 2) % 1000:03d}Z"


@RUNS(Found("time", "gather started at", "deleted it"), read_data=True)
def lose_the_start(damage: Damage) -> None:
    """W&B then shows the time of the sync; a pushed run has a file with it, too."""
    run = damage.run("gather")
    run.config["_wandb"]["value"].pop("e")
    run.files.pop("wandb-metadata.json", None)


@RUNS(Found("time", "gather runtime", "edited"))
def change_the_runtime(damage: Damage) -> None:
    """The seconds that W&B shows."""
    damage.run("gather").summary["_wandb"]["runtime"] += 7


@RUNS(Found("run", "gather W&B run", "deleted or moved"))
def move_a_run_to_another_project(damage: Damage) -> None:
    """As one can in W&B."""
    damage.move_run("gather", "elsewhere")


@RUNS(*(Found("run", f"{step} W&B run") for step in ("start", "each", "gather", "end")))
def lose_the_project(damage: Damage) -> None:
    """With all that it had."""
    damage.remove_project()


@RUNS(
    *(Found("run", f"{step} W&B run") for step in ("start", "each", "gather", "end")),
    verify={"entity": "umbrella"},
)
def look_at_another_entity(damage: Damage) -> None:
    """Which has a project of that name, too, with nothing in it."""
    damage.empty_project("umbrella")
