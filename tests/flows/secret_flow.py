"""Secrets of all kinds, wherever a flow run can have one; and innocent values beside them.

The folder of the repository is in SECRET_FLOW_ROOT: a copy of the flow has another one.
"""

import json
import os
import sys
from dataclasses import dataclass

import pandas as pd

sys.path.insert(0, os.environ["SECRET_FLOW_ROOT"])

from metaflow import Config, FlowSpec, Parameter, card, catch, retry, step

from tests.support.secret_kinds import INNOCENT, INNOCENT_LINES, NAMED, SHAPED, letters


def refuse():
    """Raise an error with all secrets in its message."""
    raise ValueError("refused: " + "\n".join(secret.text for secret in SHAPED))


@dataclass
class Connection:
    """Where something is, with a password."""

    host: str
    password: str


class SecretFlow(FlowSpec):
    """Each secret is in a parameter, a value, a table, a log and an exception."""

    api_key = Parameter("api_key", default=letters("parameter", 30))
    endpoint = Parameter("endpoint", default=f"https://u:{letters('endpoint', 20)}@e.example/x")
    rate = Parameter("rate", default=0.5)
    settings = Config(
        "settings",
        default_value=json.dumps({"db": {"password": letters("config", 20), "host": "h"}, "n": 3}),
    )
    DSN = f"postgresql://app:{letters('constant', 20)}@db.example/prod"

    @card
    @step
    def start(self):
        """Make values of all kinds."""
        self.shaped = {secret.kind: secret.text for secret in SHAPED}
        self.listed = [secret.text for secret in SHAPED]
        self.named = dict(NAMED)
        self.innocent = dict(INNOCENT)
        self.innocent_lines = list(INNOCENT_LINES)
        self.nested = {"a": [{"b": {"client_secret": letters("nested", 24)}}]}
        self.env = [{"name": "DB_PASSWORD", "value": letters("env", 24)}]
        self.db_password = letters("value", 24)
        self.max_tokens = 4096
        self.number_password = {"password": 98765432109}
        self.raw = b"key " + SHAPED[0].text.encode()
        self.connection = Connection("db.example", letters("field", 24))
        self.pair = {"id": SHAPED[5].text, "other": letters("awssecret", 40)}
        self.large = {f"row{n}": f"{n:0>90}" for n in range(2000)} | {"token": letters("large", 40)}
        self.large_shaped = [f"{n:0>90}" for n in range(2000)] + [secret.text for secret in SHAPED]
        self.table = pd.DataFrame(
            {"text": [secret.text for secret in SHAPED], "n": range(len(SHAPED))}
        )
        for secret in SHAPED:
            print(secret.text)
            sys.stderr.write(f"warning: {secret.text} was used\r")
            sys.stderr.write("50%\r100%\n")
        for name, value in NAMED:
            print(f"{name}={value}")
            print(json.dumps({name: value, "n": 1}))
        for line in INNOCENT_LINES:
            print(line)
        self.items = [secret.text for secret in SHAPED[:2]]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        """Work on one secret."""
        self.item = self.input
        self.token = letters(f"each{self.index}", 30)
        print(f"working on {self.input}")
        self.next(self.join)

    @step
    def join(self, inputs):
        """Forget them."""
        self.number = len(list(inputs))
        self.next(self.risky)

    @catch(var="failure")
    @retry(times=1, minutes_between_retries=0)
    @step
    def risky(self):
        """Fail with secrets in the message."""
        self.before = 1
        refuse()
        self.next(self.end)

    @step
    def end(self):
        """End."""
        self.done = True


if __name__ == "__main__":
    SecretFlow()
