"""Process-wide changes of wandb; each of them is undone at the end of a call.

A notebook that calls `mfwb.sync()` continues with an unchanged wandb. Seen in wandb 0.31.0 and
pydantic 2.13; the contract tests are in tests/integration/sink. `environment.py` and
`credentials.py` set environment variables, and restore them in the same way.

| change during a call | reason |
|---|---|
| pydantic does not parse the source of models for docstrings | 0.25 s, and more later |
| wandb treats pandas as not installed | saves most of a second: wandb imports it for any dict |
| artifact caches are thread-safe | wandb prunes them from 100 artifacts on |
| the lock of `wandb.setup()` is reentrant | else it hangs if wandb-core can't start |
| wandb-core prints nothing | without memory it prints the stacks of all its threads |
| a new wandb-core is looked for more often | 0.15 s |
| mfwb's runs ignore config-defaults.yaml | its values would be in each W&B run's config |
| each thread sends and awaits its own messages (`core_messages.py`) | a quarter of all time |
| fields of settings are validated once, not three times | 2 ms of 40 for each run |
| debug logs have warnings only | each open run's log has the messages of all runs |
| W&B's settings and wandb-core are reset | the program's own runs would get mfwb's settings |
"""

from __future__ import annotations

import logging
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from pydantic._internal import _fields

from mfwb.deadlines import run_within
from mfwb.errors import Unreachable

__all__ = [
    "altered_wandb",
    "new_api",
    "without_debug_logs",
    "without_field_descriptions",
]


class _Descriptions:
    """How many contexts keep pydantic from parsing docstrings; the first and last change it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.original: Any = None


_DESCRIPTIONS = _Descriptions()


@contextmanager
def without_field_descriptions() -> Iterator[None]:
    """Keep pydantic (2.13) from parsing the source of each model for docstrings of fields.

    wandb sets `use_attribute_docstrings`; the docstrings become descriptions in schemas only. It
    imports hundreds of its models when they are first used, in the middle of a call.
    """
    name = "extract_docstrings_from_cls"
    with _DESCRIPTIONS.lock:
        _DESCRIPTIONS.count += 1
        if _DESCRIPTIONS.count == 1:
            _DESCRIPTIONS.original = getattr(_fields, name, None)
            if _DESCRIPTIONS.original is not None:  # else pydantic is slower, and works as well
                setattr(_fields, name, lambda *_, **__: {})
    try:
        yield
    finally:
        with _DESCRIPTIONS.lock:
            _DESCRIPTIONS.count -= 1
            if not _DESCRIPTIONS.count and _DESCRIPTIONS.original is not None:
                setattr(_fields, name, _DESCRIPTIONS.original)


with without_field_descriptions():
    import wandb
    from wandb.errors import term
    from wandb.sdk import wandb_setup
    from wandb.sdk.artifacts.artifact_instance_cache import (
        artifact_instance_cache,
        artifact_instance_cache_by_client_id,
    )
    from wandb.sdk.lib.capped_dict import CappedDict
    from wandb.sdk.lib.service import service_port_file, service_process
    from wandb.sdk.lib.wbauth import authenticate
    from wandb.sdk.wandb_config import Config

    from mfwb.sink.client.core_messages import direct_messages, is_replaying


def new_api(overrides: dict[str, Any], **more: Any) -> wandb.Api:
    """Return a new public Api, which wandb imports at first use."""
    with without_field_descriptions():
        api = wandb.Api
    return api(overrides=overrides, **more)


class _Calls:
    """A count of the active calls in this process; the end of the last one undoes all changes."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.undo = ExitStack()


_CALLS = _Calls()


@contextmanager
def altered_wandb() -> Iterator[None]:
    """Change wandb for one of several concurrent calls; enter before reading W&B's settings."""
    with _CALLS.lock:
        if not _CALLS.count:
            with ExitStack() as stack:
                for alter in _ALTERATIONS:
                    stack.enter_context(alter())
                _CALLS.undo = stack.pop_all()
        _CALLS.count += 1
    try:
        yield
    finally:
        with _CALLS.lock:
            _CALLS.count -= 1
            if not _CALLS.count:
                _CALLS.undo.close()


_TEARDOWN_SECONDS = 5.0  # for wandb-core to end


@contextmanager
def _restored_settings() -> Iterator[None]:
    """Let W&B read its settings again at the next request, if it had none before the call.

    They come from mfwb's variables, and W&B keeps them as long as wandb-core lives. If the
    program itself opened a run meanwhile, it needs both, and they stay.
    """
    before = _singleton()
    copies = [(vars(module), name, vars(module)[name]) for module, name in _SETTINGS_COPIES]
    yield
    after = _singleton()
    if before is None and after is not None and after.most_recent_active_run is None:
        with suppress(Unreachable, Exception):  # it has ended, or ends with the process
            run_within(_TEARDOWN_SECONDS, wandb.teardown, "wandb-core")
    for names, name, value in copies:
        names[name] = value


_SETTINGS_COPIES = ((term, "_silent"), (authenticate, "_session_auth"))
"""Copies of settings elsewhere in W&B: whether it prints, and who is logged in."""


def _singleton() -> Any:
    return wandb_setup._singleton  # noqa: SLF001


class _SafeCache(CappedDict):
    """W&B's cache of artifacts, made safe for two threads that prune it at once."""

    _lock = threading.RLock()

    def __setitem__(self, key: str, value: Any) -> None:
        with self._lock:
            super().__setitem__(key, value)


@contextmanager
def _safe_caches() -> Iterator[None]:
    """Let several threads create artifacts; after a hundred, each prunes the shared cache."""
    caches = (artifact_instance_cache, artifact_instance_cache_by_client_id)
    before = [type(cache) for cache in caches]
    for cache in caches:
        cache.__class__ = _SafeCache
    try:
        yield
    finally:
        for cache, kind in zip(caches, before, strict=True):
            cache.__class__ = kind


@contextmanager
def _reentrant_setup_lock() -> Iterator[None]:
    """Keep `wandb.setup()` from waiting for itself when wandb-core can't start.

    It holds a lock during the start, and its error report needs the same lock.
    """
    with _replaced(vars(wandb_setup), "_singleton_lock", threading.RLock()):
        yield


class _SilentSubprocess:
    """A `subprocess` whose processes have no output."""

    DEVNULL = subprocess.DEVNULL

    @staticmethod
    def Popen(*command: Any, **options: Any) -> subprocess.Popen[Any]:  # noqa: N802 - its name
        """Start a process."""
        nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(*command, **{**options, **nowhere})  # noqa: S603 - wandb's own command


@contextmanager
def _silent_core() -> Iterator[None]:
    """Keep wandb-core from printing: without memory it prints the stacks of all its threads.

    Its log files stay; with WANDB_CORE_DEBUG it prints as usual.
    """
    if os.environ.get("WANDB_CORE_DEBUG"):
        yield
        return
    with _replaced(vars(service_process), "subprocess", _SilentSubprocess):
        yield


@contextmanager
def _prompt_core() -> Iterator[None]:
    """Look for the address of a new wandb-core often: it takes 0.05 s, and wandb waits for 0.2.

    wandb-core puts the file with its address in place when it is whole.
    """

    def sleep(seconds: float) -> None:
        time.sleep(min(seconds, _CORE_POLL_SECONDS))

    with _replaced(vars(service_port_file), "_SLEEP", sleep):
        yield


_CORE_POLL_SECONDS = 0.005


@contextmanager
def _without_pandas() -> Iterator[None]:
    """Keep wandb from importing pandas, which takes most of a second, to inspect a dict.

    wandb imports it to detect DataFrames. If pandas is not installed, it compares type names.
    mfwb passes no DataFrame.
    """
    with _replaced(vars(wandb.util), "pd_available", False):  # noqa: FBT003 - the value that it has
        yield


@contextmanager
def _copied_settings() -> Iterator[None]:
    """Keep wandb from validating again, field by field, what another settings object has validated.

    It does so twice for each run, and each time all fields are copied. What holds for several
    fields together is still checked, with the last one.
    """
    theirs: Any = wandb.Settings
    update = theirs.update_from_settings

    def copy_from(settings: Any, other: Any) -> None:
        given = {name: getattr(other, name) for name in other.model_fields_set}
        copied = {name: value for name, value in given.items() if value is not None}
        if copied:
            name, value = copied.popitem()
            vars(settings).update(copied)
            settings.model_fields_set.update(copied)
            setattr(settings, name, value)

    theirs.update_from_settings = copy_from
    try:
        yield
    finally:
        theirs.update_from_settings = update


@contextmanager
def _config_defaults_for_others() -> Iterator[None]:
    """Open replayed runs without the values in config-defaults.yaml of the current folder.

    W&B adds these to the config of every run of this process, but a replayed run did not happen
    here. Other runs in this process keep them.
    """
    theirs: Any = Config
    load = theirs._load_defaults  # noqa: SLF001

    def load_for_others(config: Config) -> None:
        if not is_replaying():
            load(config)

    theirs._load_defaults = load_for_others  # noqa: SLF001
    try:
        yield
    finally:
        theirs._load_defaults = load  # noqa: SLF001


@contextmanager
def without_debug_logs() -> Iterator[None]:
    """Keep W&B from writing the messages of all runs into each open run's debug.log.

    Most of these files are deleted with the scratch folder; warnings are still written. W&B sets
    up its logger when its settings are first read, so this works only after that. With
    WANDB_DEBUG, W&B's own switch, everything is written.
    """
    if os.environ.get("WANDB_DEBUG"):
        yield
        return
    logger = logging.getLogger("wandb")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _replaced(names: dict[str, Any], name: str, value: Any) -> Iterator[None]:
    """Replace the value of a name in a module for the duration of the context."""
    before = names[name]
    names[name] = value
    try:
        yield
    finally:
        names[name] = before


@contextmanager
def _silent_terminal() -> Iterator[None]:
    """Keep W&B from printing warnings before it has read that it is to be silent."""
    vars(term)["_silent"] = True  # `_restored_settings` takes it back
    yield


_ALTERATIONS = (
    without_field_descriptions,
    _reentrant_setup_lock,
    _restored_settings,
    _silent_terminal,
    _silent_core,
    _prompt_core,
    _safe_caches,
    _without_pandas,
    _config_defaults_for_others,
    _copied_settings,
    direct_messages,
)
"""They are undone in reverse order: the lock stays until W&B's settings are restored."""
