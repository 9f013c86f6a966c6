"""Collections of a project decide the names of artifacts, and which version has `latest`."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mfwb.errors import SinkError
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.collections import Collections, VersionTimes, read_version_times
from mfwb.sink.server.latest_alias import Moment

_AT = "2026-11-01T12:00:00"
_AT_MS = 1_793_534_400_000


class Server:
    """Answers as W&B would for a project whose names have these types."""

    def __init__(self, **types: str) -> None:
        self.types = {name.replace("_", "-"): type_ for name, type_ in types.items()}
        self.requested: list[list[str]] = []
        self.exists = True

    def execute_graphql(self, text: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Answer for each name."""
        names = {key: name for key, name in variables.items() if key not in ("entity", "project")}
        assert all(f"{key}: artifactCollection(name: ${key})" in text for key in names)
        self.requested.append(list(names.values()))
        answer = {key: self.collection_of(name) for key, name in names.items()}
        return {"project": answer if self.exists else None}

    def collection_of(self, name: str) -> dict[str, Any] | None:
        """Return the collection of a name."""
        if name not in self.types:
            return None
        return {
            "defaultArtifactType": {"name": self.types[name]},
            "artifacts": {"edges": [{"node": {"versionIndex": 3}}]},
            "artifactMembership": {"artifact": {"createdAt": _AT, "metadata": "{}"}},
        }

    def call(self, _: str, request: Callable[[Any], Any], __: str) -> Any:
        """Send a request as `ApiClient` does."""
        return request(SimpleNamespace(_service_api=self))


def collections(server: Server) -> Collections:
    """Return the collections of its project."""
    return Collections(cast("ApiClient", server), "acme", "p")


def test_a_name_of_another_type() -> None:
    """An artifact whose name has another type in the project gets another name."""
    known = collections(Server(x="dataset", x_model="model", y="model", z="other", z_model="other"))

    assert known.name_in_project("x", "model") == "x-model"
    assert known.name_in_project("x", "dataset") == "x"
    assert known.name_in_project("y", "model") == "y"
    assert known.name_in_project("new", "model") == "new"
    assert known.name_in_project("z", "model") == "z"  # both are taken: W&B says so


def test_names_are_asked_for_together() -> None:
    """And not again within seconds, unless a name was forgotten."""
    server = Server(x="dataset")
    known = collections(server)
    names = [f"n{number}" for number in range(60)]

    known.load(names)
    known.load(names)
    known.forget(["n7"])
    known.load(names)

    assert [len(item) for item in server.requested] == [50, 10, 1]


def test_a_type_is_heard_of() -> None:
    """A logged artifact fixes the type of its name before the next query."""
    known = collections(Server())
    known.load(["x"])
    known.note("x", "dataset")

    assert known.name_in_project("x", "model") == "x-model"


def test_no_project() -> None:
    """It has no collection."""
    server = Server(x="dataset")
    server.exists = False

    assert collections(server).get("x").type is None


@pytest.mark.parametrize("odd", [{"artifacts": None}, {}, {"defaultArtifactType": None}])
def test_an_answer_that_makes_no_sense(odd: dict[str, Any]) -> None:
    """It is reported as a failure of W&B."""
    server = Server(x="dataset")
    whole = server.collection_of("x") or {}
    server.collection_of = lambda _: {**whole, **odd} if odd else {}  # type: ignore[assignment, method-assign]

    with pytest.raises(SinkError, match="can't be read"):
        collections(server).get("x")


def test_what_is_there() -> None:
    """The version with `latest`, and the number of versions."""
    result = collections(Server(x="dataset")).get("x")

    assert (result.newest_version, result.latest) == (3, VersionTimes(by_others=_AT_MS))


@pytest.mark.parametrize("metadata", [{}, None, {"mfwb": 7}, {"mfwb": {}}, {"mfwb": {"x": 1}}])
@pytest.mark.parametrize("at", [_AT, f"{_AT}Z", f"{_AT}.000Z", f"{_AT}+00:00"])
def test_a_version_of_somebody_else(metadata: Any, at: str) -> None:
    """Its time is W&B's time."""
    assert read_version_times(metadata, at) == VersionTimes(by_others=_AT_MS)


def test_a_version_of_ours() -> None:
    """Its time is the start of the newest flow run that logged it, else that of the first one."""
    ours = {"mfwb": {"newest_flow_run_started_at": 5}}
    shared = json.loads(json.dumps(ours))
    shared["mfwb"]["somebody_else_logged_it_first"] = True

    assert read_version_times(ours, _AT) == VersionTimes(started=5)
    assert read_version_times(shared, _AT) == VersionTimes(started=5, by_others=_AT_MS)


def test_which_is_newer() -> None:
    """Flow runs compare by their start; versions of others compare with the end of the tasks."""
    moment = Moment(started=10, ended=20)

    assert moment.is_older_than(VersionTimes(started=11))
    assert not moment.is_older_than(VersionTimes(started=10))
    assert moment.is_older_than(VersionTimes(by_others=21))
    assert not moment.is_older_than(VersionTimes(by_others=15))
    assert not moment.is_older_than(VersionTimes())
