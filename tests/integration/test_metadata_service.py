"""A metadata service that is slow, ill, or not there: what it costs, and what is said."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest

from tests.support.metadata_service import MetadataService
from tests.support.sandbox import Finished, Sandbox, end

also = partial(pytest.param, marks=pytest.mark.exhaustive)

_FLOWS = ("linear_flow", "two_flow")
_QUICK = 15.0  # seconds, on a machine that has a lot to do
_MAX_IDLE = 2.5  # seconds, the same
_LOGIN = "<html><title>Sign in</title></html>"


@pytest.fixture(scope="module")
def pathspecs(flow_run: Callable[[str], str]) -> list[str]:
    """Return two flow runs, of two flows."""
    return [flow_run(name) for name in _FLOWS]


@pytest.fixture(scope="module")
def root(pathspecs: list[str], flows_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that has just these."""
    root = tmp_path_factory.mktemp("served")
    for pathspec in pathspecs:
        flow = pathspec.partition("/")[0]
        here, existing = (item / ".metaflow" for item in (root, flows_root))
        for name in (f"{flow}/_meta", pathspec):
            shutil.copytree(existing / name, here / name)
    return root


@pytest.fixture
def service(root: Path) -> Iterator[MetadataService]:
    """Return a metadata service that has these."""
    with closing(MetadataService(root)) as service:
        yield service


@pytest.fixture
def caller(sandbox: Sandbox, flows_root: Path, service: MetadataService) -> Sandbox:
    """Return a place for programs that ask this service, by variables."""
    variables = {
        "METAFLOW_DEFAULT_METADATA": "service",
        "METAFLOW_SERVICE_URL": service.url,
        "METAFLOW_SERVICE_RETRY_COUNT": "2",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(flows_root),
        "WANDB_API_KEY": "0" * 40,
    }
    return Sandbox(sandbox.root, variables)


def statuses(done: Finished) -> dict[str, str]:
    """Return what became of each flow run."""
    return {item["pathspec"]: item["status"] for item in done.document["flow_runs"]}


def assert_one_line(done: Finished, code: int, *words: str) -> None:
    """Assert that a command ended with one line that has some words."""
    assert (done.code, len(done.err.splitlines())) == (code, 1), done.err
    assert [word for word in words if word not in done.err] == []


@pytest.mark.parametrize(
    ("pattern", "status"),
    [
        ("{0}/(steps/end/tasks/3/)?metadata", 500),
        ("{0}/(steps/end/tasks/3/)?metadata", 404),
        also("{0}/steps/end/tasks$", 404),
        also("{0}/steps$", 404),
        also("{0}/steps$", 503),
        also("{0}/steps/_parameters", 502),
        also("{0}$", 429),
    ],
)
def test_a_part_of_one_flow_run(
    caller: Sandbox,
    service: MetadataService,
    pathspecs: Sequence[str],
    pattern: str,
    status: int,
) -> None:
    """What the service does not give of a flow run fails that one; nothing is made up for it."""
    service.fail(pattern.format(pathspecs[0].replace("/", "/runs/")), status=status)

    done = caller.mfwb("plan", "--all", "--json")

    assert done.code == 1, done.err
    assert statuses(done) == dict(zip(pathspecs, ("failed", "planned"), strict=True))
    [reason] = [item["reason"] for item in done.document["flow_runs"] if item["reason"]]
    assert reason.startswith(pathspecs[0])
    assert f" can't be read: service@{service.url} " in reason
    assert str(status) in reason


def test_a_flow_whose_runs_are_not_listed(
    caller: Sandbox, service: MetadataService, pathspecs: Sequence[str]
) -> None:
    """The runs of the other flows are listed."""
    flow = pathspecs[0].partition("/")[0]
    service.fail(f"flows/{flow}/runs$", status=500)

    done = caller.mfwb("plan", "--all", "--json")

    assert done.code == 1, done.err
    assert statuses(done) == {flow: "failed", pathspecs[1]: "planned"}


def test_tried_again(caller: Sandbox, service: MetadataService, pathspecs: Sequence[str]) -> None:
    """What passes is not heard of."""
    service.fail("/metadata$", status=500, times=1)
    service.fail("steps$", status=503, times=1)

    done = caller.mfwb("plan", *pathspecs, "--json")

    assert done.code == 0, done.err
    assert set(statuses(done).values()) == {"planned"}


@pytest.mark.parametrize(
    ("pattern", "status", "body", "words"),
    [
        ("", 500, "", ["answered 500"]),
        ("flows", 200, _LOGIN, ["text/html", "login"]),
        also("", 403, "", ["403"]),
        also("flows", 503, _LOGIN, ["answered 503"]),
    ],
)
def test_of_no_use(  # noqa: PLR0913, PLR0917 - fixtures
    caller: Sandbox,
    service: MetadataService,
    pathspecs: Sequence[str],
    pattern: str,
    status: int,
    body: str,
    words: list[str],
) -> None:
    """Where it never answered as it should, that is an end that can't be reached."""
    service.fail(pattern, status=status, body=body, kind="text/html")

    done = caller.mfwb("plan", *pathspecs)

    assert_one_line(done, 4, service.url, *words)


@pytest.mark.parametrize(
    ("pattern", "body", "said"),
    [
        ("^/flows$", "null", "answered null for /flows, where a list of records must be"),
        also("^/flows/LinearFlow$", "null", "answered null for /flows/LinearFlow, where a record"),
        also(
            "^/flows/LinearFlow$", "[{}]", "answered a list for /flows/LinearFlow, where a record"
        ),
        also("^/flows/LinearFlow$", "{}", "answered an empty object for /flows/LinearFlow"),
        also("/LinearFlow/runs$", "null", "answered null for /flows/LinearFlow/runs"),
        also("/LinearFlow/runs$", "{}", "answered an empty object for /flows/LinearFlow/runs"),
        ("/LinearFlow/runs$", "[5]", "a run of LinearFlow without a number can't be read"),
        also(r"/runs/\w+$", "null", "where a record must be"),
        (r"/runs/\w+$", "[[]]", "answered a list for /flows/LinearFlow/runs/"),
        also("/steps$", "null", "/steps, where a list of records must be"),
        also("/steps$", "[5]", "answered a list that holds a number or a truth value for /flows/"),
        also("/tasks$", "null", "/tasks, where a list of records must be"),
        also("/metadata$", "null", "/metadata, where a list of records must be"),
        ("/metadata$", '["x"]', "answered a list that holds a text for /flows/LinearFlow/runs/"),
        also("/artifacts$", "[null]", "answered a list that holds null for /flows/LinearFlow/"),
        ("/steps$", '[{"flow_id": "LinearFlow"}]', "a record has no 'step_name'"),
    ],
)
def test_an_answer_of_no_shape(
    caller: Sandbox, service: MetadataService, pattern: str, body: str, said: str
) -> None:
    """It is an error that names what was asked, and never "not there"; no flow run lacks steps."""
    service.fail(pattern, body=body, kind="application/json")
    which = ["--since", "5000w"] if pattern == "^/flows$" else ["LinearFlow/latest"]

    done = caller.mfwb("plan", *which, "--json")

    result = f"{done.out}{done.err}"
    assert said in result
    assert done.code in {1, 4}
    assert "there is no" not in result
    assert "TypeError" not in result


def test_a_step_without_tasks(caller: Sandbox, service: MetadataService) -> None:
    """A flow run that has only just begun has none."""
    service.fail("/tasks$", body="[]", kind="application/json")

    done = caller.mfwb("plan", "LinearFlow/latest", "--json")

    assert done.code == 0, done.err
    assert {*statuses(done).values()} == {"skipped"}


@pytest.mark.parametrize(
    ("status", "says"), [(429, "429 Too Many Requests"), also(401, "401 Unauthorized")]
)
def test_where_it_refuses_to_be_chosen(
    caller: Sandbox, service: MetadataService, status: int, says: str
) -> None:
    """Metaflow's client says that it is unreachable, and not what it answered."""
    service.fail("ping", status=status)

    done = caller.mfwb("plan", "LinearFlow/1", "--metadata", f"service@{service.url}")

    assert_one_line(done, 4, service.url, f"unreachable: it answered {says}")


def test_it_answered_before_it_fell_silent(caller: Sandbox, service: MetadataService) -> None:
    """What it answered says more than that it did not answer the last time."""
    service.fail("/flows", status=500, times=1)
    service.fail("/flows", seconds=300)

    done = caller.mfwb("plan", "LinearFlow/1", MFWB_TIMEOUT="2s")

    assert_one_line(done, 4, service.url, "answered 500")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan", "LinearFlow/1"], ["Connection refused"]),
        also(["lineage", "LinearFlow/1"], ["Connection refused"]),
        also(["plan", "LinearFlow/1", "--metadata", "service@{url}"], ["unreachable"]),
    ],
)
def test_it_refuses(sandbox: Sandbox, arguments: list[str], words: list[str]) -> None:
    """It is tried for as long as --timeout says, and not for a minute."""
    with socket.create_server(("127.0.0.1", 0)) as existing:
        url = f"http://127.0.0.1:{existing.getsockname()[1]}"
    (sandbox.root / "mfwb.toml").write_text("timeout = '2s'", encoding="utf-8")
    begun = time.monotonic()

    done = sandbox.mfwb(
        *(argument.format(url=url) for argument in arguments),
        METAFLOW_DEFAULT_METADATA="service",
        METAFLOW_SERVICE_URL=url,
    )

    assert_one_line(done, 4, url, *words)
    assert time.monotonic() - begun < _QUICK


def test_it_never_answers(
    caller: Sandbox, service: MetadataService, pathspecs: Sequence[str]
) -> None:
    """It is waited for as long as --timeout says."""
    service.fail("", seconds=300)
    begun = time.monotonic()

    done = caller.mfwb("plan", *pathspecs, MFWB_TIMEOUT="1s")

    assert_one_line(done, 4, service.url, "did not answer within 1 s")
    assert time.monotonic() - begun < _QUICK


def test_its_answer_never_ends(
    caller: Sandbox, service: MetadataService, pathspecs: Sequence[str]
) -> None:
    """Each byte comes in time, and all of them would take minutes."""
    service.drip()
    begun = time.monotonic()

    done = caller.mfwb("plan", pathspecs[0], MFWB_TIMEOUT="1s", METAFLOW_SERVICE_RETRY_COUNT="1")

    assert_one_line(done, 4, service.url, "did not answer within 2 s")
    assert time.monotonic() - begun < _QUICK + 5


@pytest.mark.parametrize(
    ("sent", "code", "line"),
    [
        ([signal.SIGTERM], 143, "terminated"),
        ([signal.SIGINT, signal.SIGINT], 130, "interrupted"),
        also([signal.SIGHUP], 129, "its terminal or session was closed"),
        also([signal.SIGTERM, signal.SIGINT], 143, "terminated"),
    ],
)
@pytest.mark.parametrize("late", ["metadata$", also("flows/LinearFlow$"), also("ping")])
def test_ended_while_it_waits(  # noqa: PLR0913, PLR0917 - fixtures
    caller: Sandbox,
    service: MetadataService,
    pathspecs: Sequence[str],
    late: str,
    sent: list[signal.Signals],
    code: int,
    line: str,
) -> None:
    """It ends at once, whatever Metaflow makes of that."""
    service.fail(late, seconds=300)
    named = ("--metadata", f"service@{service.url}") if late == "ping" else ()
    process = caller.start_mfwb("plan", *pathspecs, *named)
    deadline = time.monotonic() + 60
    while not any(late.rstrip("$") in path for path in service.requests):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    begun = time.monotonic()

    for item in sent:
        with suppress(ProcessLookupError):  # it ended before the second one
            os.kill(process.pid, item)
        time.sleep(0.05)
    done = end(process)

    assert time.monotonic() - begun < _MAX_IDLE
    assert_one_line(done, code, f"mfwb: {line}; run it again to carry on")
