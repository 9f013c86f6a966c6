"""What can be wrong around a command: variables, streams, limits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tests.support.warm import CLOSED, LEFT, Constraints

__all__ = ["CONSTRAINTS", "ENVIRONMENTS", "OF_PYTHON", "make_odd_files"]

_UNRESOLVABLE = "http://nowhere.invalid"

ENVIRONMENTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        # Metaflow's
        "profile-missing": {"METAFLOW_PROFILE": "nosuch"},
        "profile-odd": {"METAFLOW_PROFILE": "../x\x1b[31m"},
        "home-file": {"METAFLOW_HOME": "{odd}/file"},
        "home-missing": {"METAFLOW_HOME": "{odd}/nosuch"},
        "home-dev-null": {"METAFLOW_HOME": "/dev/null"},
        "home-garbage": {"METAFLOW_HOME": "{odd}/garbage"},
        "home-list": {"METAFLOW_HOME": "{odd}/list"},
        "home-number": {"METAFLOW_HOME": "{odd}/number"},
        "home-binary": {"METAFLOW_HOME": "{odd}/binary"},
        "home-odd-types": {"METAFLOW_HOME": "{odd}/types"},
        "home-is-folder": {"METAFLOW_HOME": "{odd}/folder"},
        "home-loop": {"METAFLOW_HOME": "{odd}/loop"},
        "metadata-unknown": {"METAFLOW_DEFAULT_METADATA": "nosuch"},
        "datastore-unknown": {"METAFLOW_DEFAULT_DATASTORE": "nosuch"},
        "metadata-no-url": {"METAFLOW_DEFAULT_METADATA": "service"},
        "service-no-scheme": {
            "METAFLOW_DEFAULT_METADATA": "service",
            "METAFLOW_SERVICE_URL": "127.0.0.1:9",
        },
        "service-ftp": {
            "METAFLOW_DEFAULT_METADATA": "service",
            "METAFLOW_SERVICE_URL": "ftp://127.0.0.1:9",
        },
        "service-refuses": {
            "METAFLOW_DEFAULT_METADATA": "service",
            "METAFLOW_SERVICE_URL": "http://127.0.0.1:9",
        },
        "service-unresolvable": {
            "METAFLOW_DEFAULT_METADATA": "service",
            "METAFLOW_SERVICE_URL": _UNRESOLVABLE,
        },
        "service-bad-port": {
            "METAFLOW_DEFAULT_METADATA": "service",
            "METAFLOW_SERVICE_URL": "http://127.0.0.1:99999",
        },
        "service-headers-odd": {
            "METAFLOW_DEFAULT_METADATA": "service",
            "METAFLOW_SERVICE_URL": "http://127.0.0.1:9",
            "METAFLOW_SERVICE_HEADERS": "no json",
        },
        "service-key-odd": {
            "METAFLOW_DEFAULT_METADATA": "service",
            "METAFLOW_SERVICE_URL": "http://127.0.0.1:9",
            "METAFLOW_SERVICE_AUTH_KEY": "a\nb",
        },
        "retries-text": {"METAFLOW_SERVICE_RETRY_COUNT": "many"},
        "retries-float": {"METAFLOW_SERVICE_RETRY_COUNT": "1.5"},
        "retries-negative": {"METAFLOW_SERVICE_RETRY_COUNT": "-1"},
        "s3-workers-text": {"METAFLOW_S3_WORKER_COUNT": "many"},
        "s3-retry-text": {"METAFLOW_S3_RETRY_COUNT": "x"},
        "kubernetes-labels": {"METAFLOW_KUBERNETES_LABELS": "no json"},
        "client-cache-text": {"METAFLOW_CLIENT_CACHE_MAX_SIZE": "much"},
        "sysroot-file": {"METAFLOW_DATASTORE_SYSROOT_LOCAL": "{odd}/file"},
        "sysroot-missing": {"METAFLOW_DATASTORE_SYSROOT_LOCAL": "{odd}/nosuch"},
        "sysroot-empty": {"METAFLOW_DATASTORE_SYSROOT_LOCAL": ""},
        "sysroot-s3-odd": {"METAFLOW_DATASTORE_SYSROOT_S3": "nourl"},
        "user-empty": {"METAFLOW_USER": ""},
        "environment-odd": {"METAFLOW_DEFAULT_ENVIRONMENT": "nosuch"},
        "monitor-odd": {"METAFLOW_DEFAULT_MONITOR": "nosuch"},
        "event-logger-odd": {"METAFLOW_DEFAULT_EVENT_LOGGER": "nosuch"},
        "extensions-odd": {"METAFLOW_ENABLED_STEP_DECORATOR": "nosuch"},
        "escape-hatch": {"METAFLOW_ESCAPE_HATCH_WARNING": "x", "METAFLOW_DEBUG_CLIENT": "x"},
        # W&B's
        "url-no-scheme": {"WANDB_BASE_URL": "127.0.0.1:9"},
        "url-host": {"WANDB_BASE_URL": "wandb.example.com"},
        "url-spaces": {"WANDB_BASE_URL": "http://my server/"},
        "url-around": {"WANDB_BASE_URL": " http://127.0.0.1:9 "},
        "url-unresolvable": {"WANDB_BASE_URL": _UNRESOLVABLE},
        "url-ftp": {"WANDB_BASE_URL": "ftp://127.0.0.1:9"},
        "url-file": {"WANDB_BASE_URL": "file:///etc"},
        "url-bracket": {"WANDB_BASE_URL": "http://["},
        "url-port": {"WANDB_BASE_URL": "http://127.0.0.1:99999"},
        "url-port-text": {"WANDB_BASE_URL": "http://127.0.0.1:port"},
        "url-empty": {"WANDB_BASE_URL": ""},
        "url-slash": {"WANDB_BASE_URL": "/"},
        "url-control": {"WANDB_BASE_URL": "http://127.0.0.1:9/\x1b[31m"},
        "url-unicode": {"WANDB_BASE_URL": "http://127.0.0.1:9/\u00e9\u4e2d"},
        "url-no-utf-8": {"WANDB_BASE_URL": "http://\udcff"},
        "url-user": {"WANDB_BASE_URL": "http://me:secret@127.0.0.1:9"},
        "url-app": {"WANDB_BASE_URL": "https://app.wandb.ai"},
        "url-refuses": {"WANDB_BASE_URL": "http://127.0.0.1:9"},
        "key-empty": {"WANDB_API_KEY": ""},
        "key-short": {"WANDB_API_KEY": "x"},
        "key-spaces": {"WANDB_API_KEY": " " + "0" * 40},
        "key-newline": {"WANDB_API_KEY": "0" * 40 + "\n"},
        "key-unicode": {"WANDB_API_KEY": "\u00e9" * 40},
        "key-no-utf-8": {"WANDB_API_KEY": "\udcff" * 40},
        "key-long": {"WANDB_API_KEY": "k" * 5000},
        "identity-file": {"WANDB_API_KEY": "", "WANDB_IDENTITY_TOKEN_FILE": "{odd}/nosuch"},
        "dir-file": {"WANDB_DIR": "{odd}/file"},
        "dir-missing": {"WANDB_DIR": "{odd}/nosuch/deeper"},
        "dir-proc": {"WANDB_DIR": "/proc/nosuch"},
        "dir-empty": {"WANDB_DIR": ""},
        "config-dir-file": {"WANDB_CONFIG_DIR": "{odd}/file"},
        "config-dir-folder": {"WANDB_CONFIG_DIR": "{odd}/wandb-folder"},
        "config-dir-garbage": {"WANDB_CONFIG_DIR": "{odd}/wandb-garbage"},
        "config-dir-binary": {"WANDB_CONFIG_DIR": "{odd}/wandb-binary"},
        "config-dir-odd": {"WANDB_CONFIG_DIR": "{odd}/wandb-odd"},
        "cache-dir-file": {"WANDB_CACHE_DIR": "{odd}/file", "WANDB_DATA_DIR": "{odd}/file"},
        "wandb-mode": {"WANDB_MODE": "nosuch"},
        "wandb-mode-upper": {"WANDB_MODE": "ONLINE"},
        "wandb-disabled": {"WANDB_MODE": "disabled"},
        "wandb-project": {"WANDB_PROJECT": "a/b"},
        "wandb-entity": {"WANDB_ENTITY": "a/b c"},
        "wandb-entity-empty": {"WANDB_ENTITY": "", "WANDB_PROJECT": ""},
        "wandb-timeout": {"WANDB_INIT_TIMEOUT": "soon", "WANDB_HTTP_TIMEOUT": "soon"},
        "wandb-private": {"WANDB__SERVICE_WAIT": "soon"},
        "wandb-service": {"WANDB_SERVICE": "2-1-tcp-localhost-9"},
        "wandb-config-paths": {"WANDB_CONFIG_PATHS": "{odd}/nosuch"},
        "wandb-tags": {"WANDB_TAGS": ",,", "WANDB_RUN_ID": "a/b", "WANDB_RESUME": "nosuch"},
        "wandb-proxy": {"WANDB_HTTP_PROXY": "nonsense", "WANDB_X": "1"},
        "netrc-file": {"NETRC": "{odd}/file", "WANDB_API_KEY": ""},
        "netrc-folder": {"NETRC": "{odd}/folder", "WANDB_API_KEY": ""},
        "netrc-binary": {"NETRC": "{odd}/netrc-binary", "WANDB_API_KEY": ""},
        "proxy-odd": {"HTTP_PROXY": "nonsense", "HTTPS_PROXY": "://", "NO_PROXY": ""},
        "proxy-bracket": {"HTTP_PROXY": "http://[", "HTTPS_PROXY": "http://[", "NO_PROXY": ""},
        "ssl-file": {"SSL_CERT_FILE": "{odd}/nosuch", "REQUESTS_CA_BUNDLE": "{odd}/nosuch"},
        # mfwb's
        "state-file": {"MFWB_STATE_DIR": "{odd}/file"},
        "state-below-file": {"MFWB_STATE_DIR": "{odd}/file/state"},
        "state-proc": {"MFWB_STATE_DIR": "/proc/state"},
        "state-dev": {"MFWB_STATE_DIR": "/dev/null"},
        "state-relative": {"MFWB_STATE_DIR": "state"},
        "state-long": {"MFWB_STATE_DIR": "{odd}/" + "x" * 5000},
        "state-surrogate": {"MFWB_STATE_DIR": "{odd}/\udcff"},
        "state-read-only": {"MFWB_STATE_DIR": "{read_only}/state"},
        "state-full": {"MFWB_STATE_DIR": "{full}/state"},
        "config-missing": {"MFWB_CONFIG": "{odd}/nosuch"},
        "config-folder": {"MFWB_CONFIG": "{odd}/folder"},
        "config-binary": {"MFWB_CONFIG": "{odd}/binary/config.json"},
        "unknown-variable": {"MFWB_NOSUCH": "1"},
        # the system's
        "no-home": {"HOME": "{odd}/nosuch"},
        "home-empty": {"HOME": ""},
        "home-relative": {"HOME": "nosuch"},
        "home-a-file": {"HOME": "{odd}/file"},
        "home-of-root-proc": {"HOME": "/proc"},
        "home-read-only": {"HOME": "{read_only}", "MFWB_STATE_DIR": ""},
        "xdg-file": {
            **dict.fromkeys(
                ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"),
                "{odd}/file",
            ),
            "MFWB_STATE_DIR": "",
        },
        "xdg-runtime": {"XDG_RUNTIME_DIR": "{odd}/nosuch"},
        "tmp-missing": {"TMPDIR": "{odd}/nosuch"},
        "tmp-file": {"TMPDIR": "{odd}/file"},
        "tmp-long": {"TMPDIR": "{odd}/" + "t" * 200},
        "tmp-read-only": {"TMPDIR": "{read_only}"},
        "tmp-full": {"TMPDIR": "{full}"},
        "path-empty": {"PATH": ""},
        "shell-odd": {"SHELL": "/nosuch", "EDITOR": "/nosuch", "BROWSER": "/nosuch"},
        "user-unknown": {"USER": "", "LOGNAME": "", "USERNAME": "", "METAFLOW_USER": ""},
        "columns-0": {"COLUMNS": "0", "LINES": "0"},
        "columns-minus": {"COLUMNS": "-1", "LINES": "-1"},
        "columns-text": {"COLUMNS": "abc", "LINES": "abc"},
        "columns-1": {"COLUMNS": "1", "LINES": "1"},
        "columns-huge": {"COLUMNS": "100000"},
        "term-dumb": {"TERM": "dumb", "FORCE_COLOR": "1", "NO_COLOR": "1"},
        "term-odd": {"TERM": "\x1b", "COLORTERM": "x", "FORCE_COLOR": "x"},
        "time-zone": {"TZ": "Mars/Olympus"},
        "time-zone-odd": {"TZ": ":/etc/passwd"},
    }
)
"""By a name, variables; `{{odd}}` stands for the folder of `make_odd_files`."""

OF_PYTHON: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "warnings-error": {"PYTHONWARNINGS": "error"},
        "warnings-odd": {"PYTHONWARNINGS": "nosuch::x"},
        "encoding-ascii": {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        "encoding-odd": {"PYTHONIOENCODING": "utf-16"},
        "lang-nosuch": {"LANG": "nosuch", "LC_ALL": "nosuch"},
        "lang-c": {"LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        "lang-posix": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        "dev-mode": {"PYTHONDEVMODE": "1"},
        "optimized": {"PYTHONOPTIMIZE": "2"},
        "unbuffered": {"PYTHONUNBUFFERED": "1"},
        "no-bytecode": {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "/proc/x"},
        "hash-seed": {"PYTHONHASHSEED": "0", "PYTHONINTMAXSTRDIGITS": "640"},
        "safe-path": {"PYTHONSAFEPATH": "1"},
        "tracing": {"PYTHONTRACEMALLOC": "1", "PYTHONFAULTHANDLER": "1"},
    }
)
"""Variables that Python reads when it starts."""


def _stream(**names: str) -> Constraints:
    numbers = {"stdin": "0", "stdout": "1", "stderr": "2"}
    return Constraints(streams={numbers[stream]: name for stream, name in names.items()})


def _limit(**limits: int) -> Constraints:
    return Constraints(limits={f"RLIMIT_{name}": limit for name, limit in limits.items()})


CONSTRAINTS: Mapping[str, Constraints] = MappingProxyType(
    {
        "stdout-closed": _stream(stdout=CLOSED),
        "stdout-full": _stream(stdout="/dev/full"),
        "stdout-left": _stream(stdout=LEFT),
        "stderr-closed": _stream(stderr=CLOSED),
        "stderr-full": _stream(stderr="/dev/full"),
        "stderr-left": _stream(stderr=LEFT),
        "both-closed": _stream(stdout=CLOSED, stderr=CLOSED),
        "both-full": _stream(stdout="/dev/full", stderr="/dev/full"),
        "both-left": _stream(stdout=LEFT, stderr=LEFT),
        "stdin-closed": _stream(stdin=CLOSED),
        "stdin-full": _stream(stdin="/dev/full"),
        "all-closed": _stream(stdin=CLOSED, stdout=CLOSED, stderr=CLOSED),
        "files-of-0": _limit(FSIZE=0),
        "files-of-4k": _limit(FSIZE=4096),
        "files-of-64k": _limit(FSIZE=65536),
        "8-files": _limit(NOFILE=8),
        "12-files": _limit(NOFILE=12),
        "20-files": _limit(NOFILE=20),
        "32-files": _limit(NOFILE=32),
        "64-files": _limit(NOFILE=64),
        "no-core": _limit(CORE=0),
        "no-locked-memory": _limit(MEMLOCK=0),
        "memory-200m": _limit(AS=200 << 20),
        "memory-1g": _limit(AS=1 << 30),
        "memory-2g": _limit(AS=2 << 30),
        "no-data": _limit(DATA=64 << 20),
    }
)
"""By a name, streams that are closed or full, and resources that are small."""


def make_odd_files(folder: Path) -> None:
    """Make the files that the variables lead to."""
    (folder / "file").write_text("no folder", encoding="utf-8")
    (folder / "folder" / "config.json").mkdir(parents=True)
    (folder / "wandb-folder" / "settings").mkdir(parents=True)
    (folder / "loop").mkdir()
    (folder / "loop" / "config.json").symlink_to("config.json")
    (folder / "netrc-binary").write_bytes(b"\xff\xfe\x00")
    configs = {
        "garbage": b"{no json",
        "list": b"[1]",
        "number": b"7",
        "binary": b"\xff\xfe\x00",
        "types": b'{"METAFLOW_DEFAULT_METADATA": 5, "METAFLOW_SERVICE_RETRY_COUNT": []}',
    }
    for name, content in configs.items():
        (folder / name).mkdir()
        (folder / name / "config.json").write_bytes(content)
    of_wandb = {
        "garbage": b"no settings",
        "binary": b"\xff\xfe\x00",
        "odd": b"[default]\nbase_url = no url\nmode = nosuch\nproject = a/b\n",
    }
    for name, content in of_wandb.items():
        (folder / f"wandb-{name}").mkdir()
        (folder / f"wandb-{name}" / "settings").write_bytes(content)
