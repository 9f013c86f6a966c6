"""A loopback stand-in for the W&B server that the real W&B SDK is content with.

    with WandbServer() as server:
        subprocess.run([...], env={**os.environ, **server.env(tmp_path)})
        assert server.state.run("acme/project/id").state == "finished"

It keeps what clients send (`server.state`), notes what they ask (`server.requests`) and lets
requests go wrong on demand (`server.fail`, `delay`, `cut`, `lose_reply`, `hold`). Where the
behaviour of the real server is not known, `Assumptions` says what was chosen.
"""

from .assumptions import Assumptions
from .console import ConsoleLine
from .faults import Fault
from .journal import Incoming, Match, Request
from .server import API_KEY, WandbServer
from .state import ArtifactVersion, GitInfo, RunSnapshot, State, digest_of

__all__ = [
    "API_KEY",
    "ArtifactVersion",
    "Assumptions",
    "ConsoleLine",
    "Fault",
    "GitInfo",
    "Incoming",
    "Match",
    "Request",
    "RunSnapshot",
    "State",
    "WandbServer",
    "digest_of",
]
