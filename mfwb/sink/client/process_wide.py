"""All that mfwb alters of this process for W&B's sake; a call ends with it as it was before.

Whoever calls `mfwb.sync()` in a notebook goes on with wandb there. Seen in wandb 0.31.0 and
pydantic 2.13; the contract tests are in tests/integration/sink. Variables of the environment are
in `environment.py` and `credentials.py`, which put them back in the same way.

| what is altered meanwhile | what for |
|---|---|
| pydantic parses no source of models for docstrings | a quarter of a second of each import |
| wandb believes that there is no pandas | the better part of a second: it imports it for a dict |
| caches of artifacts take several threads | they are pruned from 100 artifacts on |
| one thread may take the lock of `wandb.setup()` twice | else it hangs if wandb-core can't start |
| wandb-core prints nothing | the stacks of all its threads, where it lacks memory |
| runs of ours do without config-defaults.yaml | its values would be in each W&B run's config |
| debug logs take warnings only | each open run's log has what is done for any of them |
| W&B's settings, and wandb-core | a run of the program's own would have those of ours |
"""

from __future__ import annotations

import logging
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from pydantic._internal import _fields

from mfwb.deadlines import run_within
from mfwb.errors import Unreachable

__all__ = [
    "altered_wandb",
    "new_api",
    "without_config_defaults",
    "without_debug_logs",
    "without_field_descriptions",
]

_IMPORTING = threading.Lock()


@contextmanager
def without_field_descriptions() -> Iterator[None]:
    """Keep pydantic (2.13) from parsing the source of each model for the docstrings of its fields.

    wandb asks for that with `use_attribute_docstrings`; they only become descriptions in schemas.
    """
    name = "extract_docstrings_from_cls"
    with _IMPORTING:
        original = getattr(_fields, name, None)
        if original is None:  # another version, which is slower then, and as right
            yield
            return
        setattr(_fields, name, lambda *_, **__: {})
        try:
            yield
        finally:
            setattr(_fields, name, original)


with without_field_descriptions():
    import wandb
    from wandb.errors import term
    from wandb.sdk import wandb_setup
    from wandb.sdk.artifacts.artifact_instance_cache import (
        artifact_instance_cache,
        artifact_instance_cache_by_client_id,
    )
    from wandb.sdk.lib.capped_dict import CappedDict
    from wandb.sdk.lib.service import service_process
    from wandb.sdk.lib.wbauth import authenticate
    from wandb.sdk.wandb_config import Config


def new_api(overrides: dict[str, Any], **more: Any) -> wandb.Api:
    """Return a new public Api, which wandb imports when it is first asked for; so late, too."""
    with without_field_descriptions():
        api = wandb.Api
    return api(overrides=overrides, **more)


class _Users:
    """How many calls are at work in this process; the last one to end undoes what the first did."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.undo = ExitStack()


_USERS = _Users()


@contextmanager
def altered_wandb() -> Iterator[None]:
    """Alter wandb for a call, of which several may be at work; before W&B is asked for settings."""
    with _USERS.lock:
        if not _USERS.count:
            with ExitStack() as stack:
                for alter in _ALTERATIONS:
                    stack.enter_context(alter())
                _USERS.undo = stack.pop_all()
        _USERS.count += 1
    try:
        yield
    finally:
        with _USERS.lock:
            _USERS.count -= 1
            if not _USERS.count:
                _USERS.undo.close()


_LAST_WORDS = 5.0  # seconds for wandb-core to end


@contextmanager
def _settings_put_back() -> Iterator[None]:
    """Let W&B read its settings anew when it is next asked, if it had none before.

    They were read from our variables, and W&B keeps them for as long as wandb-core lives. A run of
    the program's own that was opened meanwhile needs both; then they stay.
    """
    before = _singleton()
    known = [(vars(module), name, vars(module)[name]) for module, name in _KNOWN_OF_SETTINGS]
    yield
    after = _singleton()
    if before is None and after is not None and after.most_recent_active_run is None:
        with suppress(Unreachable, Exception):  # it is gone, or goes at the end of the process
            run_within(_LAST_WORDS, wandb.teardown, "wandb-core")
    for names, name, value in known:
        names[name] = value


_KNOWN_OF_SETTINGS = ((term, "_silent"), (authenticate, "_session_auth"))
"""What W&B knows of its settings elsewhere: whether it prints anything, and who is logged in."""


def _singleton() -> Any:
    return wandb_setup._singleton  # noqa: SLF001


class _SafeCache(CappedDict):
    """W&B's cache of artifacts, which two threads may prune at once."""

    _lock = threading.RLock()

    def __setitem__(self, key: str, value: Any) -> None:
        with self._lock:
            super().__setitem__(key, value)


@contextmanager
def _safe_caches() -> Iterator[None]:
    """Let several threads make artifacts; after a hundred, each prunes what another one has."""
    caches = (artifact_instance_cache, artifact_instance_cache_by_client_id)
    before = [type(one) for one in caches]
    for one in caches:
        one.__class__ = _SafeCache
    try:
        yield
    finally:
        for one, kind in zip(caches, before, strict=True):
            one.__class__ = kind


@contextmanager
def _setup_twice_by_one_thread() -> Iterator[None]:
    """Keep `wandb.setup()` from waiting for itself when wandb-core can't start.

    It holds a lock while it starts it, and what reports that failure asks for the same lock.
    """
    with _put(vars(wandb_setup), "_singleton_lock", threading.RLock()):
        yield


class _Quiet:
    """Starts processes as `subprocess` does, whose output goes nowhere."""

    DEVNULL = subprocess.DEVNULL

    @staticmethod
    def Popen(*command: Any, **how: Any) -> subprocess.Popen[Any]:  # noqa: N802 - its name
        """Start one."""
        nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(*command, **{**how, **nowhere})  # noqa: S603 - wandb's own command


@contextmanager
def _quiet_core() -> Iterator[None]:
    """Let wandb-core print nothing: where it lacks memory, it is the stacks of all its threads.

    Its log files stay; with WANDB_CORE_DEBUG it prints what it likes.
    """
    if os.environ.get("WANDB_CORE_DEBUG"):
        yield
        return
    with _put(vars(service_process), "subprocess", _Quiet):
        yield


@contextmanager
def _pandas_left_alone() -> Iterator[None]:
    """Keep wandb from importing pandas, for the better part of a second, to look at a dict.

    It would know by that whether a value is a DataFrame, and tells by the name of its type if
    pandas is not installed. mfwb hands it none.
    """
    with _put(vars(wandb.util), "pd_available", False):  # noqa: FBT003 - the value that it has
        yield


class _Ours(threading.local):
    """Whether this thread makes a run of ours."""

    is_opening = False


_OURS = _Ours()


@contextmanager
def without_config_defaults() -> Iterator[None]:
    """Open a run without what config-defaults.yaml of the current folder says.

    W&B puts that into the config of every run that this process makes, and a replayed one was not
    made here. For the runs of others in this process nothing changes.
    """
    _OURS.is_opening = True
    try:
        yield
    finally:
        _OURS.is_opening = False


@contextmanager
def _config_defaults_of_others() -> Iterator[None]:
    theirs: Any = Config
    load = theirs._load_defaults  # noqa: SLF001

    def load_unless_ours(config: Config) -> None:
        if not _OURS.is_opening:
            load(config)

    theirs._load_defaults = load_unless_ours  # noqa: SLF001
    try:
        yield
    finally:
        theirs._load_defaults = load  # noqa: SLF001


@contextmanager
def without_debug_logs() -> Iterator[None]:
    """Keep W&B from telling each open run's debug.log what it does for any of them.

    Those files go with the scratch folder, most often; warnings are still written. W&B sets its
    logger up when it is first asked for settings, so only after that this has an effect. Who sets
    WANDB_DEBUG, W&B's own switch, gets all of it.
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
def _put(names: dict[str, Any], name: str, value: Any) -> Iterator[None]:
    """Give a name of a module another value meanwhile."""
    before = names[name]
    names[name] = value
    try:
        yield
    finally:
        names[name] = before


_ALTERATIONS = (
    _setup_twice_by_one_thread,
    _settings_put_back,
    _quiet_core,
    _safe_caches,
    _pandas_left_alone,
    _config_defaults_of_others,
)
"""They are undone in the opposite order: the lock stays until W&B's settings are put back."""
