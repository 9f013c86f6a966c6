"""What the tests have the SDK do; carried out in the client's process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb

Files = Mapping[str, str]


def settings(extra: Mapping[str, Any] | None = None) -> wandb.Settings:
    """Return settings that keep a run to what the test asked for, and retry quickly."""
    # Waits shorter than a second would count as none given, which means two seconds.
    usual: dict[str, Any] = {
        "console": "off",
        "disable_code": True,
        "disable_git": True,
        "init_timeout": 10,
        "silent": True,
        "x_disable_meta": True,
        "x_disable_stats": True,
        "x_file_stream_retry_wait_max_seconds": 1,
        "x_file_stream_retry_wait_min_seconds": 1,
        "x_file_stream_transmit_interval": 0.05,
        "x_file_transfer_retry_wait_max_seconds": 1,
        "x_file_transfer_retry_wait_min_seconds": 1,
        "x_graphql_retry_wait_max_seconds": 1,
        "x_graphql_retry_wait_min_seconds": 1,
        "x_save_requirements": False,
    }
    return wandb.Settings(**{**usual, **(extra or {})})


def open_run(project: str, run_id: str, extra: Mapping[str, Any] | None = None, **init: Any) -> Any:
    """Open a W&B run."""
    return wandb.init(
        project=project, id=run_id, settings=settings(extra), reinit="create_new", **init
    )


def artifact(name: str, files: Files, kind: str = "dataset", **about: Any) -> wandb.Artifact:
    """Return a draft with these files."""
    draft = wandb.Artifact(name, kind, **about)
    for path, text in files.items():
        with draft.new_file(path) as file:
            file.write(text)
    return draft


def log_run(  # noqa: PLR0913 - each argument is one thing a run can hold
    project: str,
    run_id: str,
    *,
    rows: list[dict[str, Any]] | None = None,
    summary: dict[str, Any] | None = None,
    text: str = "",
    exit_code: int = 0,
    extra: Mapping[str, Any] | None = None,
    **init: Any,
) -> None:
    """Write a whole W&B run."""
    run = open_run(project, run_id, extra, **init)
    for row in rows or []:
        run.log(row)
    run.summary.update(summary or {})
    if text:
        run.write_logs(text)
    run.finish(exit_code=exit_code)


def failed_init(
    project: str, run_id: str, extra: Mapping[str, Any] | None = None, **init: Any
) -> str:
    """Return why a run could not be opened."""
    try:
        open_run(project, run_id, extra, **init)
    except (wandb.Error, ValueError) as error:
        wandb.teardown()
        return f"{type(error).__name__}: {error}"
    raise AssertionError("the run was opened")


def log_output(project: str, run_id: str, out: str, err: str) -> None:
    """Write a run whose process prints something."""
    run = open_run(project, run_id, {"console": "wrap"})
    sys.stdout.write(out)
    sys.stderr.write(err)
    run.finish()


def save_files(project: str, run_id: str, folder: str) -> None:
    """Write a run with a saved file and a HTML panel."""
    path = Path(folder, "notes.txt")
    path.write_text("keep me")
    run = open_run(project, run_id)
    run.save(str(path), base_path=folder, policy="now")
    run.summary["card"] = wandb.Html("<b>card</b>", inject=False)
    run.finish()


def log_artifact(  # noqa: PLR0913 - each argument is one thing an artifact can hold
    project: str,
    run_id: str,
    name: str,
    files: Files,
    *,
    kind: str = "dataset",
    aliases: list[str] | None = None,
    references: Files | None = None,
    **about: Any,
) -> str:
    """Log an artifact in a run of its own and return name:version."""
    draft = artifact(name, files, kind, **about)
    for path, address in (references or {}).items():
        draft.add_reference(address, name=path, checksum=False)
    run = open_run(project, run_id)
    try:
        return str(run.log_artifact(draft, aliases=aliases or []).wait().name)
    finally:
        run.finish()


def failed_artifact(project: str, run_id: str, name: str, files: Files) -> str:
    """Return why an artifact could not be logged."""
    try:
        log_artifact(project, run_id, name, files)
    except ValueError as error:
        return str(error)
    raise AssertionError("the artifact was logged")


def type_conflict(project: str, name: str, kind: str) -> str:
    """Return why an artifact of another type could not be logged."""
    run = open_run(project, "conflict")
    try:
        run.log_artifact(artifact(name, {"a": "other"}, kind)).wait()
    except ValueError as error:
        return str(error)
    finally:
        run.finish()
    raise AssertionError("the artifact was logged")


def use_artifacts(project: str, run_id: str, name: str, draft: Files | None = None) -> None:
    """Use an artifact by name, and one more as a draft that may be there already."""
    run = open_run(project, run_id)
    run.use_artifact(name)
    if draft is not None:
        run.use_artifact(artifact("by-draft", draft)).wait()
    run.finish()


def use_committed(project: str, producer: str, consumer: str) -> None:
    """Use the very object that another run of the same process logged."""
    first = open_run(project, producer)
    logged = first.log_artifact(artifact("shared", {"a": "1"})).wait()
    first.finish()
    second = open_run(project, consumer)
    second.use_artifact(logged)
    second.finish()


def log_table(project: str, run_id: str) -> None:
    """Log a table, for which the SDK makes an artifact of its own."""
    run = open_run(project, run_id)
    run.log({"tasks": wandb.Table(columns=["index", "name"], data=[[0, "a"], [1, "b"]])})
    run.finish()


def offline_run(  # noqa: PLR0913 - each argument is one thing an offline run can hold
    project: str,
    run_id: str,
    *,
    rows: list[dict[str, Any]] | None = None,
    outputs: Mapping[str, Files] | None = None,
    inputs: Mapping[str, Files] | None = None,
    kind: str = "dataset",
    exit_code: int = 0,
) -> str:
    """Write a run offline, its inputs as consumer records, and return its folder."""
    run = open_run(project, run_id, {"entity": "acme"}, mode="offline")
    for name, files in (inputs or {}).items():
        run._log_artifact(artifact(name, files, kind), is_user_created=True, use_after_commit=True)
    for name, files in (outputs or {}).items():
        run.log_artifact(artifact(name, files, kind))
    for row in rows or []:
        run.log(row)
    run._interface.publish_output_raw("stderr", "careful\n")
    folder = str(Path(run.dir).parent)
    run.finish(exit_code=exit_code)
    wandb.teardown()  # only now is the file written
    return folder


# The public API


def api() -> Any:
    """Return the public API."""
    return wandb.Api()


def viewer() -> list[str]:
    """Return who the key belongs to."""
    me = api().viewer
    return [me.username, me.entity, *me.teams]


def login(key: str | None = None) -> str:
    """Return what wandb.login says."""
    try:
        return str(wandb.login(key=key, prompt=False, verify=True, relogin=True))
    except wandb.Error as error:
        return f"{type(error).__name__}: {error}"


def read_run(path: str) -> dict[str, Any]:
    """Return what the API reads of a run."""
    run = api().run(path)
    return {
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "group": run.group,
        "job_type": run.job_type,
        "tags": run.tags,
        "notes": run.notes,
        "config": run.config,
        "summary": {k: v for k, v in dict(run.summary).items() if not k.startswith("_")},
        "user": run.user.username,
        "history": [row["loss"] for row in run.history(pandas=False)],
        "sampled": [row["loss"] for row in run.history(keys=["loss"], pandas=False)],
        "scanned": [row["loss"] for row in run.scan_history()],
        "scanned_key": [row["loss"] for row in run.scan_history(keys=["loss"])],
        "last_step": run.lastHistoryStep,
        "console": [(line.level, line.content) for line in run.console_logs()],
        "last_line": [line.content for line in run.console_logs(last=1)],
    }


def missing(path: str) -> str:
    """Return how the API says that a run is not there."""
    try:
        api().run(path)
    except wandb.errors.CommError as error:
        return type(error.exc).__name__
    raise AssertionError("the run is there")


def find_runs(project: str, filters: dict[str, Any], **how: Any) -> list[tuple[str, Any]]:
    """Return id and config of the runs that match."""
    return [(run.id, run.config.get("rank")) for run in api().runs(project, filters, **how)]


def download_files(path: str, folder: str) -> dict[str, str]:
    """Return the text of all files of a run, as downloaded."""
    run = api().run(path)
    texts = {}
    for file in run.files():
        with file.download(folder, replace=True) as handle:
            texts[file.name] = handle.read()
    return texts


def read_lineage(path: str) -> dict[str, list[str]]:
    """Return the inputs and outputs of a run."""
    run = api().run(path)
    return {
        "logged": [each.name for each in run.logged_artifacts()],
        "used": [each.name for each in run.used_artifacts()],
    }


def read_artifact(name: str, folder: str) -> dict[str, Any]:
    """Return what the API reads of an artifact, its downloaded files among it."""
    result = api().artifact(name)
    location = Path(result.download(folder))
    producer = result.logged_by()
    return {
        "name": result.name,
        "type": result.type,
        "version": result.version,
        "aliases": result.aliases,
        "digest": result.digest,
        "size": result.size,
        "metadata": result.metadata,
        "description": result.description,
        "logged_by": producer.id if producer else None,
        "used_by": sorted(run.id for run in result.used_by()),
        "files": {
            str(p.relative_to(location)): p.read_text() for p in location.rglob("*") if p.is_file()
        },
    }


def artifacts_exist(*names: str) -> list[bool]:
    """Return which artifacts are there."""
    reader = api()
    return [reader.artifact_exists(name) for name in names]


def list_artifacts(project: str, kind: str, name: str) -> dict[str, list[str]]:
    """Return the types, collections and versions of a project."""
    reader = api()
    return {
        "types": [each.name for each in reader.artifact_types(project)],
        "collections": [each.name for each in reader.artifact_collections(project, kind)],
        "versions": [each.version for each in reader.artifacts(kind, f"{project}/{name}")],
    }


def edit_aliases(name: str, *, add: str, remove: str) -> None:
    """Change the aliases of a version."""
    result = api().artifact(name)
    result.aliases.append(add)
    result.aliases.remove(remove)
    result.description = "edited"
    result.metadata["edited"] = True
    result.save()


def add_edges(run_path: str, *, used: str, logged: str) -> None:
    """Add an input and an output to a run that is finished."""
    reader = api()
    run = reader.run(run_path)
    run.use_artifact(reader.artifact(used))
    run.log_artifact(reader.artifact(logged), aliases=["again"])


def change_run(path: str) -> None:
    """Change config, tags and summary of a finished run."""
    run = api().run(path)
    run.config["later"] = {"x": 1}
    run.tags.append("edited")
    run.update()
    run.summary["_wandb"] = {"runtime": 42}
    run.summary["score"] = 7
    run.summary.update()


def upload_file(path: str, folder: str, name: str, text: str) -> None:
    """Add a file to a finished run."""
    file = Path(folder, name)
    file.write_text(text)
    api().run(path).upload_file(str(file), root=folder)


def delete_run(path: str) -> None:
    """Delete a run."""
    api().run(path).delete()


def delete_artifact(name: str) -> None:
    """Delete an artifact version."""
    api().artifact(name).delete(delete_aliases=True)
