"""What `mfwb forget` removes, for people: a line for each flow run, and what stays."""

from __future__ import annotations

from collections.abc import Iterator

from mfwb.forgotten import Forgotten, ForgottenFlowRun
from mfwb.report.format import count
from mfwb.report.json_output import for_any_output
from mfwb.safe_text import fit_encoding, one_line

__all__ = ["show_forgotten"]


def show_forgotten(forgotten: Forgotten, *, as_json: bool) -> tuple[str, str]:
    """Return the output, and the same for a stream that takes ASCII only."""
    if as_json:
        return for_any_output(forgotten.to_dict())
    text = "".join(f"{line}\n" for line in _lines(forgotten))
    return text, fit_encoding(text)


def _lines(forgotten: Forgotten) -> Iterator[str]:
    for flow_run in forgotten.flow_runs:
        yield _flow_run(flow_run, forgotten)
    if not forgotten.flow_runs:
        yield f"the ledger has no such flow run ({one_line(forgotten.ledger)})"
    elif forgotten.deletes:
        yield from _about_deletion(forgotten)
    else:
        verb = "stay" if forgotten.is_plan else "stayed"
        yield f"W&B runs {verb} in W&B: the next sync finds them, and writes none twice"


def _about_deletion(forgotten: Forgotten) -> Iterator[str]:
    kept = sum(run.kept_artifacts for run in forgotten.flow_runs)
    if kept:
        yield f"the artifacts that they logged stay in W&B: {count(kept, 'version')}"
    yield "another sync writes the W&B runs anew, under new ids"
    others = sum(run.kept_runs for run in forgotten.flow_runs)
    if others:
        verb = "stays" if others == 1 else "stay"
        yield f"{count(others, 'W&B run')} of others in these groups {verb}"


def _flow_run(run: ForgottenFlowRun, forgotten: Forgotten) -> str:
    destination = run.entry.destination
    where = "/".join(part for part in (destination.entity, destination.project) if part)
    if destination.mode == "offline":
        where = f"{where} ({destination.base})"
    start = f"{one_line(run.entry.flow_run)}  {one_line(where)}"
    if run.reason:
        return f"{start}  failed: {one_line(run.reason)}"
    if forgotten.deletes:
        verb = "would be deleted" if forgotten.is_plan else "deleted"
        return f"{start}  {count(len(run.wandb_runs), 'W&B run')} {verb}"
    return f"{start}  {'would be forgotten' if forgotten.is_plan else 'forgotten'}"
