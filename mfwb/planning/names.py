"""Ids, names, tags and keys that W&B accepts, made from Metaflow's: stable and without collisions.

The limits are those of the W&B server (wandb 0.31); the client checks few of them offline.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from mfwb.planning.plan import WandbRunId
from mfwb.safe_text import has_unstorable, one_line

__all__ = [
    "artifact_name",
    "candidate_alias",
    "card_key",
    "config_key",
    "is_project_name",
    "names_in_project",
    "project_name",
    "project_path",
    "run_alias",
    "run_id",
    "shortened",
    "split_project_path",
    "summary_key",
    "table_key",
]

RUN_NAME_LIMIT = 128
JOB_TYPE_LIMIT = 64
TAG_LIMIT = 64
_CACHED = 1_024  # names whose forms are kept: the tasks of a foreach have the same names
_RUN_ID_LIMIT = 64
_ARTIFACT_NAME_LIMIT = 128
_ALIAS_LIMIT = 128
_CARD_PART_LIMIT = 100  # a file name may be longer than that
_KEY_LIMIT = 256
_TABLE_KEY_LIMIT = (
    _ARTIFACT_NAME_LIMIT - _RUN_ID_LIMIT - len("run--") - 4
)  # with room for some `_` at the end
_TABLE_SUFFIX = len("-rn_vSw")  # the suffix that W&B appends to a name after it removed characters
_PROJECT_LIMIT = 128
_UNFIT_FOR_PROJECTS = re.compile(r"[/\\#?%:]")
_UNFIT_FOR_ARTIFACTS = re.compile(r"[^A-Za-z0-9_\-.]")
_SEPARATORS = re.compile(r"[\\/]")
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:")
_HASH_LENGTH = 12  # enough for a hundred thousand tasks whose readable parts are the same

_CONFIG_TAKEN = frozenset({"metaflow", "mfwb", "foreach", "_wandb"})
_SUMMARY_TAKEN = frozenset(
    {"metaflow", "mfwb", "tasks", "card", "_wandb", "_step", "_runtime", "_timestamp"}
)


def project_name(flow: str) -> str:
    """Return the default project of a flow: its name, without the characters that W&B refuses."""
    safe = _UNFIT_FOR_PROJECTS.sub("-", one_line(flow))
    is_fit = safe == flow and 0 < len(flow) <= _PROJECT_LIMIT
    return flow if is_fit else _with_hash(safe, flow, _PROJECT_LIMIT)


def project_path(entity: str | None, project: str) -> str:
    """Return `entity/project`; `/project` if the entity is not known."""
    return f"{entity or ''}/{project}"


def split_project_path(path: str) -> tuple[str, str]:
    """Return entity and project of a path; the entity is empty if it is not known."""
    entity, _, project = path.rpartition("/")
    return entity, project


def is_project_name(name: str) -> bool:
    """Return whether W&B accepts a name for a project."""
    is_fit = 0 < len(name) <= _PROJECT_LIMIT and not _UNFIT_FOR_PROJECTS.search(name)
    return is_fit and not has_unstorable(name)


def run_id(*parts: str) -> WandbRunId:
    """Return the W&B run id of (flow, run id, step[, task]).

    The id has 64 readable characters at most, and a hash of all parts makes it unique.
    """
    slug = re.sub(r"[^A-Za-z0-9_]+", "-", "-".join(parts)).strip("-")
    return WandbRunId(_with_hash(slug, "\0".join(parts), _RUN_ID_LIMIT))


def shortened(text: str, limit: int) -> str:
    """Return the text as one printable line, or its beginning and a hash if it is too long."""
    line = one_line(text)
    return line if len(line) <= limit else _with_hash(line, text, limit)


@lru_cache(maxsize=_CACHED)
def artifact_name(name: str) -> str:
    """Return an attribute name as a W&B artifact name, which has only ASCII letters and digits.

    Letters of other alphabets become the Latin letters of their transcription, and a hash of the
    whole name distinguishes `donnees-5d9dd3a8ff2f` from `donnees`.
    """
    safe = _UNFIT_FOR_ARTIFACTS.sub("_", _in_latin_letters(name))
    if safe != name or not name.strip("."):
        return _with_hash(safe, name, _ARTIFACT_NAME_LIMIT)
    return shortened(name, _ARTIFACT_NAME_LIMIT)


def names_in_project(name: str, type_: str) -> tuple[str, str]:
    """Return the names that an artifact may have in a project, the best one first.

    W&B never changes the type of a name. If a project has the name with another type, the artifact
    gets the name with its own type appended.
    """
    return name, artifact_name(f"{name}-{type_}")


def _in_latin_letters(text: str) -> str:
    """Return a text transcribed to ASCII; a letter without a transcription becomes `_`."""
    if text.isascii():
        return text
    from anyascii import anyascii  # noqa: PLC0415 - few names need it, and it reads tables of letters

    return "".join(letter if letter.isascii() else anyascii(letter) or "_" for letter in text)


def card_key(*parts: str) -> str:
    """Return the summary key of a card, which is also the path of its file."""
    return "/".join(_plain_part(part) for part in parts)


def _plain_part(text: str) -> str:
    plain = re.sub(r"[^\w.\-]", "_", text)
    is_fit = plain == text and bool(text.strip(".")) and len(text) <= _CARD_PART_LIMIT
    return text if is_fit else _with_hash(plain, text, _CARD_PART_LIMIT)


def run_alias(run: str) -> str:
    """Return the alias that names the flow run that made a version: `run-123`."""
    return shortened(f"run-{re.sub(r'[/:]', '-', run)}", _ALIAS_LIMIT)


def candidate_alias(run: str, step: str, label: str | None) -> str:
    """Return the alias of a version from which a later step of a flow run picked.

    Args:
        run: the id of the flow run.
        step: the step whose tasks made the candidates.
        label: the position of the task that made it, `3` or `0/3`; None: the version has the
            candidates of all tasks.
    """
    which = f"candidates-{step}" if label is None else f"candidate-{step}-{label}"
    return shortened(re.sub(r"[/:]", "-", f"run-{run}-{which}"), _ALIAS_LIMIT)


def config_key(name: str) -> str:
    """Return the config key of a parameter; a name that mfwb uses in config gets a `_` appended."""
    key = _key(name)
    return (
        f"{key}_" if key.rstrip("_") in _CONFIG_TAKEN else key
    )  # metaflow_ gets one more `_`, too


def summary_key(name: str) -> str:
    """Return the summary key of an artifact; a name that mfwb or W&B uses gets a `_` appended."""
    key = _key(name)
    return f"{key}_" if key.rstrip("_") in _SUMMARY_TAKEN else key


def table_key(name: str) -> str:
    """Return the summary key of an artifact that is shown as a table.

    W&B makes an artifact `run-ID-KEY` for a table, and that name must keep to W&B's limit. In it
    is a file of the key's name, which must not look like a path of a Windows drive, as in `t:b`.
    """
    key = summary_key(name)
    if _WINDOWS_DRIVE.match(key):
        key = _with_hash(key.replace(":", "_", 1), name, _KEY_LIMIT)
    is_kept = not _UNFIT_FOR_ARTIFACTS.search(key)
    return shortened(key, _TABLE_KEY_LIMIT if is_kept else _TABLE_KEY_LIMIT - _TABLE_SUFFIX)


@lru_cache(maxsize=_CACHED)
def _key(name: str) -> str:
    """Return a name as a readable key; W&B makes paths of keys, so the key must be a safe path."""
    is_path = "\\" not in name and all(part.strip(".") for part in name.split("/"))
    if is_path and name.isprintable() and len(name) <= _KEY_LIMIT:
        return name
    return _with_hash(_SEPARATORS.sub("_", one_line(name)), name, _KEY_LIMIT)


def _with_hash(readable: str, whole: str, limit: int) -> str:
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    return f"{readable[: limit - _HASH_LENGTH - 1]}-{digest}"
