"""Each part of the SDKs that is not public has tests, and `make test-matrix` runs them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.package_source import nodes_of, package_trees
from tools.matrix import SDK_TESTS

ROOT = Path(__file__).parents[2]

_PRIVATE = (
    "metaflow.client.core",
    "metaflow.datastore",
    "metaflow.metaflow_config",
    "metaflow.plugins",
    "metaflow.util",
    "wandb.cli",
    "wandb.proto",
    "wandb.sdk",
)
"""Modules of which no SDK promises that they stay; a name with `_` at its start is one, too."""

TESTS_OF = {
    "sink/client/core_messages.py": "integration/sink/test_core_messages.py",
    "sink/client/private.py": "integration/sink/test_wandb_contract.py",
    "sink/client/process_wide.py": "integration/sink/test_process_wide.py",
    "sink/client/version_reads.py": "integration/sink/test_wandb_contract.py",
    "sink/history/append_rows.py": "unit/sink/history",
    "sink/history/rows_file.py": "unit/sink/history",
    "sink/offline/messages.py": "contracts/test_messages.py",
    "sink/push/bundle_run.py": "integration/test_push.py",
    "sink/push/original_run.py": "integration/test_push.py",
    "sink/push/record_check.py": "integration/test_push.py",
    "sink/push/upload_files.py": "integration/test_push.py",
    "sink/wandb_sync/child.py": "integration/test_push.py",
    "source/client_errors.py": "integration/test_metadata_service.py",
    "source/console_addresses.py": "integration/source/test_console_addresses.py",
    "source/datastore/flow_store.py": "integration/source/test_metaflow_contract.py",
    "source/include_files.py": "integration/source/test_metaflow_contract.py",
    "source/local_provider.py": "contracts/test_source.py",
    "source/metadata_service.py": "integration/test_metadata_service.py",
    "source/own_folder.py": "integration/source/test_card_places.py",
    "source/run_metadata.py": "integration/test_service_requests.py",
    "source/service_key.py": "integration/test_metadata_service.py",
    "source/session.py": "integration/source/test_starting.py",
    "verification/expected/links.py": "integration/source/test_console_addresses.py",
    "verification/recorded_offline/run_file.py": "unit/verification/recorded_offline",
    "verification/recorded_offline/wandb_file.py": "unit/verification/recorded_offline",
}
"""For each module that uses such a part, tests that fail if the part is not as it was."""


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in nodes_of(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _is_private(name: str) -> bool:
    parts = name.split(".")
    if parts[0] not in {"metaflow", "wandb"}:
        return False
    return any(part.startswith("_") for part in parts) or any(
        name == private or name.startswith(f"{private}.") for private in _PRIVATE
    )


def test_each_use_of_a_private_part_has_tests() -> None:
    """Who uses another one names its tests here."""
    using = {
        name for name, tree in package_trees().items() if any(map(_is_private, _imported(tree)))
    }

    assert using == TESTS_OF.keys()


def test_the_matrix_runs_these_tests() -> None:
    """All of them, and each exists."""
    for test in {f"tests/{test}" for test in TESTS_OF.values()}:
        assert _is_run(test), test
    for test in SDK_TESTS:
        path, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / path).read_text("utf-8") if name else (ROOT / path).exists()


def test_the_matrix_runs_each_contract_test() -> None:
    """A file that is named so is about what an SDK does."""
    contracts = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests" / "integration").rglob("test_*contract*.py")
    }

    assert contracts
    for test in contracts:
        assert _is_run(test), test


def _is_run(test: str) -> bool:
    paths = (item.partition("::")[0] for item in SDK_TESTS)
    return any(test == path or test.startswith(f"{path}/") for path in paths)
