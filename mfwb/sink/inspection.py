"""Opens W&B for queries alone, as `mfwb doctor` needs it: no run, no file, nothing remembered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mfwb.config import Settings
from mfwb.destination import Destinations
from mfwb.sink.setup.credentials import (
    check_wandb_file,
    entity_query,
    find_key_source,
    restrict_api_key,
)
from mfwb.sink.setup.environment import replay_environment

if TYPE_CHECKING:
    from mfwb.sink.server.account import Account

__all__ = ["Inspection", "open_inspection"]


@dataclass(frozen=True, slots=True)
class Inspection:
    """W&B, opened for queries.

    Attributes:
        destinations: the destinations of this call; `viewer_entity` checks the credentials.
        key_source: where the key comes from, without the key; None if there is none.
        account: the queries.
    """

    destinations: Destinations
    key_source: str | None
    account: Account


@contextmanager
def open_inspection(settings: Settings) -> Iterator[Inspection]:
    """Yield W&B for queries.

    Raises:
        UsageError: for settings that W&B does not know, or that come from an untrusted file.
        Unreachable: wandb-core does not start.
    """
    check_wandb_file()
    variables = dict(os.environ)  # those of the user: the call sets others for W&B
    with restrict_api_key(settings) as no_key_reason, replay_environment(settings.timeout):
        # The first import of wandb.
        from mfwb.sink.client.process_wide import altered_wandb, without_debug_logs  # noqa: PLC0415

        with altered_wandb():
            from mfwb.sink.client.api import ApiClient  # noqa: PLC0415 - it imports wandb, too
            from mfwb.sink.client.retry_budget import RetryBudget  # noqa: PLC0415 - the same
            from mfwb.sink.server.account import Account  # noqa: PLC0415 - the same
            from mfwb.sink.setup.run_settings import check_wandb_settings  # noqa: PLC0415 - the same
            from mfwb.sink.setup.sdk_settings import query_defaults  # noqa: PLC0415 - the same

            defaults = query_defaults(settings.timeout)
            with without_debug_logs():
                check_wandb_settings(settings)
                query = entity_query(settings, no_key_reason)
                destinations = Destinations(settings, defaults, query, may_ask=True)
                client = ApiClient(destinations.base_url, RetryBudget(settings.timeout))
                base_url = destinations.base_url
                key_source = (
                    None if no_key_reason else find_key_source(settings, base_url, variables)
                )
                yield Inspection(destinations, key_source, Account(client))
