"""Names in W&B, by the rules of docs/mapping.md: one printable line within W&B's limits."""

from __future__ import annotations

import hashlib
import re

from mfwb.safe_text import one_line

__all__ = ["alias", "artifact_name", "artifact_names", "config_key", "free", "line", "summary_key"]

_CONFIG_TAKEN = frozenset({"metaflow", "mfwb", "foreach", "_wandb"})
_SUMMARY_TAKEN = frozenset(
    {"metaflow", "mfwb", "_wandb", "tasks", "card", "_step", "_runtime", "_timestamp"}
)
_HASH = 12  # hex digits
_ARTIFACT, _ALIAS, _KEY = 128, 128, 256  # characters
_OTHER_LETTERS = re.compile(r"[^A-Za-z0-9_.\-]")


def line(text: str, max_length: int) -> str:
    """Return a text as one printable line; a longer one has a hash at its end."""
    shown = one_line(text)
    return shown if len(shown) <= max_length else _hashed(shown, text, max_length)


def _hashed(shown: str, text: str, max_length: int) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    return f"{shown[: max_length - _HASH - 1]}-{digest}"


def artifact_name(name: str) -> str:
    """Return the name of an artifact in Latin letters, with a hash if W&B refuses the original."""
    latin = "".join(letter if letter.isascii() else _transcribed(letter) for letter in name)
    fit = _OTHER_LETTERS.sub("_", latin)
    if fit != name or not name.strip("."):
        return _hashed(fit, name, _ARTIFACT)
    return line(name, _ARTIFACT)


def artifact_names(name: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that an artifact may have: its own, or one that ends in its kind.

    W&B keeps one type for each name of a project, and what else the project has is not known here.
    """
    return (artifact_name(name), *(artifact_name(f"{name}-{kind}") for kind in kinds))


def _transcribed(letter: str) -> str:
    from anyascii import anyascii  # noqa: PLC0415 - few names need it, and it reads tables

    return anyascii(letter) or "_"


def alias(run: str) -> str:
    """Return the alias that names a flow run: `run-123`."""
    return line("run-" + run.replace("/", "-").replace(":", "-"), _ALIAS)


def candidate_alias(run: str, step: str, label: str | None) -> str:
    """Return the alias of a candidate of a task, or (without a label) of those of a whole step."""
    which = f"candidates-{step}" if label is None else f"candidate-{step}-{label}"
    return line(f"run-{run}-{which}".replace("/", "-").replace(":", "-"), _ALIAS)


def config_key(name: str) -> str:
    """Return the key of a parameter."""
    return _key(name, _CONFIG_TAKEN)


def summary_key(name: str) -> str:
    """Return the key of a value."""
    return _key(name, _SUMMARY_TAKEN)


def _key(name: str, taken: frozenset[str]) -> str:
    fits = "\\" not in name and all(part.strip(".") for part in name.split("/"))
    if not (fits and name.isprintable() and len(name) <= _KEY):
        name = _hashed(re.sub(r"[\\/]", "_", one_line(name)), name, _KEY)
    return f"{name}_" if name.rstrip("_") in taken else name


def free(name: str, taken: set[str]) -> str:
    """Return a name that is not taken; it ends in as many `_` as that needs."""
    while name in taken:
        name = f"{name}_"
    return name
