"""A backfill as a Metaflow flow: each shard is a task, on whatever compute the flow runs.

    python -m mfwb.flows.backfill_flow run --shards 8 \
        --options '{"pathspecs": ["TrainFlow"], "every": true, "project": "wines"}'

`mfwb backfill --on metaflow` runs it here. `--with kubernetes`, `--with batch`, `argo-workflows
create` and `step-functions create` put it on a cluster, where the tasks need mfwb in their image
and W&B's key in their environment, as a secret: docs/backfill.md. The key is no parameter and no
artifact, and nothing here reads it.
"""

from metaflow import FlowSpec, IncludeFile, Parameter, card, current, resources, retry, step

_RETRIES = 2


class MfwbBackfillFlow(FlowSpec):
    """Plan shards, sync them at once, merge their ledgers, and give the account of all."""

    options = Parameter(
        "options",
        required=True,
        help="JSON: the flow runs and the settings, as arguments of mfwb.backfill",
    )
    shards = Parameter("shards", default=8, help="Parts of about the same work")
    settings_file = IncludeFile("settings-file", required=False, help="An mfwb.toml")

    @step
    def start(self):
        """Choose the flow runs, once for all, and cut them into shards."""
        from mfwb.shards import tasks

        self.shard_plan = tasks.plan_shards(self._request(), self.shards)
        self.names = tasks.names_of_shards(self.shard_plan)
        self.next(self.first)

    @retry(times=_RETRIES)
    @resources(cpu=2, memory=4096)
    @step
    def first(self):
        """Sync what other shards have to come after."""
        self.first_report, self.first_ledger = self._sync("first", [])
        self.next(self.shard, foreach="names")

    @retry(times=_RETRIES)
    @resources(cpu=2, memory=4096)
    @step
    def shard(self):
        """Sync one shard, beside others."""
        self.report, self.ledger = self._sync(self.input, [self.first_report])
        self.next(self.join)

    @step
    def join(self, inputs):
        """Merge the ledgers of the shards."""
        from mfwb.shards import tasks

        self.merge_artifacts(inputs, include=["shard_plan", "first_report", "first_ledger"])
        self.reports = [self.first_report, *(shard.report for shard in inputs)]
        self.ledger = tasks.merge([self.first_ledger, *(shard.ledger for shard in inputs)])
        self.next(self.last)

    @retry(times=_RETRIES)
    @resources(cpu=2, memory=4096)
    @step
    def last(self):
        """Sync what has to come after other shards."""
        from mfwb.shards import tasks

        report, ledger = self._sync("last", self.reports)
        self.reports = [*self.reports, report]
        self.ledger = tasks.merge([self.ledger, ledger])
        self.next(self.end)

    @card(type="blank")
    @step
    def end(self):
        """Give the account of all shards; fail if a flow run could not be synced."""
        from metaflow.cards import Markdown

        from mfwb.report.result.summary import result_to_markdown
        from mfwb.shards import tasks

        result = tasks.result(self.shard_plan, self.reports)
        self.account = result.to_dict()
        tasks.leave_output(self.shard_plan, self.reports, self.ledger)
        current.card.append(Markdown(result_to_markdown(result)))
        print(repr(result))
        for shard in result.shards:
            print(
                f"shard {shard.name}: {shard.state.value}{': ' if shard.reason else ''}"
                f"{shard.reason or ''}"
            )
        result.raise_for_failures()

    def _request(self):
        from mfwb.shards.tasks import Request

        return Request(self.options, self.settings_file or "")

    def _sync(self, name, before):
        """Return the report and the ledger of a shard; raise while a retry may do more."""
        from mfwb.shards import tasks

        report, ledger = tasks.sync(self.shard_plan, name, self._request(), before)
        if tasks.has_failed(report) and current.retry_count < _RETRIES:
            raise RuntimeError(tasks.describe_failures(report))
        return report, ledger


if __name__ == "__main__":
    MfwbBackfillFlow()
