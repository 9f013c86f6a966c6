"""The diagnosis: all checks of one call, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mfwb.config import Layer, Settings, load_settings, read_layers
from mfwb.diagnosis.bounded_checks import BoundedChecks
from mfwb.diagnosis.check import Diagnosis, skipped
from mfwb.diagnosis.ledger_check import check_ledger
from mfwb.diagnosis.machine_checks import (
    check_confinement,
    check_disk,
    check_limits,
    check_proxies,
)
from mfwb.diagnosis.metaflow_checks import run_metaflow_checks
from mfwb.diagnosis.settings_checks import check_files, check_masks, describe_layers
from mfwb.diagnosis.version_checks import check_installed
from mfwb.diagnosis.wandb_checks import run_wandb_checks
from mfwb.files.home_folder import expand_home
from mfwb.files.tempdirs import users_temporary_folder
from mfwb.ledger import ledger_path
from mfwb.settings_in_force import SettingInForce, list_defaults, list_settings
from mfwb.url_origins import origin_of

__all__ = ["diagnose"]

_DEFAULT_SECONDS = 20.0
"""The time limit of each check if none is given: that of a sync is five minutes."""

_SETTINGS, _MACHINE = "Settings", "This machine"


def diagnose(arguments: Mapping[str, Any], *, config: Path | None) -> Diagnosis:
    """Check both ends and this machine; nothing is written anywhere.

    Args:
        arguments: settings of the command line or of Python; None: not given.
        config: the settings file to read; None: that of MFWB_CONFIG, or of the current folder.
    """
    settings = _Settings(arguments, config)
    checks = BoundedChecks(_DEFAULT_SECONDS)
    versions_work = checks.run("Versions", "versions", check_installed)
    settings_hold = checks.run(_SETTINGS, "values", settings.check, "docs/settings.md lists them")
    checks.run(_SETTINGS, "files", partial(check_files, config))
    limited = settings.in_force
    checks.run(_SETTINGS, "masks", partial(check_masks, limited.redact))
    checks.seconds = limited.timeout
    servers: dict[str, str | None] = {}
    if not settings_hold or not versions_work:
        reason = "the settings have to hold first" if versions_work else "the versions do not fit"
        checks.done += [skipped(group, "all", reason) for group in ("Metaflow", "W&B")]
    else:
        provider = run_metaflow_checks(checks, limited)
        server = run_wandb_checks(checks, limited)
        servers = {"Metaflow": _host(provider), "W&B": _host(server)}
    path = ledger_path(None)
    folders = {"state": path.parent, "temporary": users_temporary_folder()}
    if limited.dir is not None:
        folders["bundle"] = expand_home(limited.dir).resolve()
        path = ledger_path(folders["bundle"])
    checks.run(_MACHINE, "ledger", partial(check_ledger, path))
    checks.run(_MACHINE, "disk", partial(check_disk, folders))
    checks.run(_MACHINE, "limits", partial(check_limits, limited.sync_workers))
    checks.run(_MACHINE, "confinement", check_confinement)
    checks.run(_MACHINE, "proxies", partial(check_proxies, servers))
    return Diagnosis(tuple(checks.done), settings.listed())


class _Settings:
    """The settings of the call, which may be wrong."""

    def __init__(self, arguments: Mapping[str, Any], config: Path | None) -> None:
        self._arguments = arguments
        self._config = config
        self._layers: list[Layer] = []
        self.in_force = _with_time_limit(Settings.model_validate({}))

    def check(self) -> Any:
        self._layers = read_layers(self._arguments, file=self._config)
        self.in_force = _with_time_limit(load_settings(self._arguments, file=self._config))
        return describe_layers(self._layers)

    def listed(self) -> tuple[SettingInForce, ...]:
        rows = list_settings(self._layers)
        return (*rows, *list_defaults([row.name for row in rows]))


def _with_time_limit(settings: Settings) -> Settings:
    """Return the settings; the time limit is that of a check unless a variable or flag sets it."""
    if "timeout" in settings.explicit:
        return settings
    return settings.model_copy(update={"timeout": _DEFAULT_SECONDS})


def _host(url: str | None) -> str | None:
    """Return the host of a server or of a provider `service@URL`; None for a local one."""
    scheme, host, _ = origin_of((url or "").removeprefix("service@"))
    return host if scheme else None
