"""Secrets by name and by form, in whatever becomes text in W&B; other values beside them."""

import json
import sys
from types import SimpleNamespace

import pandas as pd
from metaflow import Config, FlowSpec, Parameter, catch, step

from tests.compared.secrets import DSN, ENDPOINT, NAMED, TOKEN


class MaskedFlow(FlowSpec):
    """start -> each x 2 -> join -> risky -> end."""

    dsn = DSN
    seed = Parameter("seed", default=0)
    api_key = Parameter("api_key", default=NAMED)
    endpoint = Parameter("endpoint", default=ENDPOINT)
    settings = Config(
        "settings", default_value=json.dumps({"db": {"password": NAMED, "host": "h"}, "n": 3})
    )

    @step
    def start(self):
        """Write values, with and without secrets."""
        self.db_password = NAMED
        self.sentence = f"it is {TOKEN}, really"
        self.nested = {"a": [{"b": {"client_secret": NAMED, "name": "x"}}], "n": self.seed}
        self.listed = ["plain", TOKEN, 7]
        self.connection = DSN
        self.large = {f"row{n}": f"{n:0>90}" for n in range(2_000)} | {"token": NAMED}
        self.table = pd.DataFrame({"text": [TOKEN, "plain"], "n": [self.seed, 1]})
        self.kept = SimpleNamespace(text=TOKEN)
        self.raw = f"key {TOKEN}".encode()
        self.max_tokens = 4096
        self.tokenizer = "bert"
        self.password_length = 12
        print(f"token: {TOKEN}")
        print("nothing of interest")
        sys.stderr.write(f"warning: {ENDPOINT} is slow\n")
        self.items = [TOKEN, "plain"]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        """Have a secret in one of two tasks."""
        self.item = self.input
        self.length = len(self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        """Count them."""
        self.total = sum(one.length for one in inputs)
        self.next(self.risky)

    @catch(var="problem", print_exception=False)
    @step
    def risky(self):
        """Fail with a secret in the message."""
        self.before = self.total
        raise ValueError(f"refused: {TOKEN}")
        self.next(self.end)

    @step
    def end(self):
        """Change nothing."""


if __name__ == "__main__":
    MaskedFlow()
