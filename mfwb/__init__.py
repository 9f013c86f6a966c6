"""Replay completed Metaflow runs into Weights & Biases, lineage included.

    import mfwb

    print(mfwb.plan("TrainFlow/123", project="wines").to_dict())
    result = mfwb.sync("TrainFlow/latest", project="wines").raise_for_failures()

The public names are those in `__all__`, the attributes of what these functions return, and
`mfwb.hooks.sync`, which Metaflow calls by that name. docs/python.md describes them. Every other
name and every other module of this package is private: any version may change it.
"""

from __future__ import annotations

import sys

from mfwb.version import __version__

# `python -m mfwb` looks for modules in the current folder until `__main__` ends that; so nothing
# is imported here that may be in that folder, not even `types` or `typing`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from mfwb import errors
    from mfwb.api import doctor, explain, lineage, plan, push, rebuild, report, status, sync, verify
    from mfwb.outcome import Result
    from mfwb.shards.backfill import backfill
    from mfwb.verification_outcome import Verification
else:
    ModuleType = type(sys)

__all__ = [
    "Result",
    "Verification",
    "__version__",
    "backfill",
    "doctor",
    "errors",
    "explain",
    "lineage",
    "plan",
    "push",
    "rebuild",
    "report",
    "status",
    "sync",
    "verify",
]


_MODULES = {
    "Result": "outcome",
    "Verification": "verification_outcome",
    "backfill": "shards.backfill",
}
"""The modules of public names; the other functions are in `mfwb.api`."""

_CALLABLE_PACKAGES = ("lineage", "report")
"""Private packages that have the name of a function."""


if not TYPE_CHECKING:  # so that type checkers refuse names that do not exist

    def __getattr__(name: str) -> Any:
        """Import a public name on first use: `mfwb --help` needs none of them."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - for the same reason

        if name in {"errors", *_CALLABLE_PACKAGES}:
            return import_module(f"{__name__}.{name}")
        module = import_module(f"{__name__}.{_MODULES.get(name, 'api')}")
        return getattr(module, name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)


class _CallablePackage(ModuleType):
    """A package such as `mfwb.lineage`, which can be called as the function of that name."""

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        """Return what the function of that name in `mfwb.api` returns."""
        return _function_of(self)(*arguments, **settings)

    @property
    def __signature__(self) -> Any:
        """The signature that `help` and notebooks show."""
        from inspect import signature  # noqa: PLC0415 - on first use, as above

        return signature(_function_of(self))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it by its name, as functions are."""
        from importlib import import_module  # noqa: PLC0415 - the same

        return import_module, (self.__name__,)


def _function_of(package: ModuleType) -> Any:
    from mfwb import api  # noqa: PLC0415 - the same

    return getattr(api, package.__name__.rpartition(".")[2])


class _Package(ModuleType):
    """The package `mfwb`; `lineage` and `report` can be called, however modules are imported.

    Python sets a package as an attribute of its parent when it first imports it or a module in it.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _CALLABLE_PACKAGES and isinstance(value, ModuleType):
            value.__class__ = _CallablePackage
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
