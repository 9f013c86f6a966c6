"""mfwb reads W&B's files and variables as W&B does, without wandb."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from mfwb.settings_files.wandb_settings import SERVERS_OF_WANDB

USERS = "[default]\nentity = theirs\nproject = wines\nbase_url = https://w.example/\n"
CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "nothing": ({}, {}),
    "the user's": ({"home/settings": USERS}, {}),
    "the folder's": ({"wandb/settings": "[default]\nentity = acme\nmode = offline\n"}, {}),
    "both": ({"home/settings": USERS, "wandb/settings": "[default]\nentity = acme\n"}, {}),
    "hidden folder": ({".wandb/settings": "[default]\nproject = p\n"}, {}),
    "hidden folder without": ({".wandb/x": "", "wandb/settings": "[default]\nproject = p\n"}, {}),
    "variables beat files": (
        {"home/settings": USERS},
        {"WANDB_ENTITY": "me", "WANDB_PROJECT": "mine", "WANDB_MODE": "disabled"},
    ),
    "an empty variable": ({"home/settings": USERS}, {"WANDB_ENTITY": ""}),
    "a server by variable": ({"home/settings": USERS}, {"WANDB_BASE_URL": "http://127.0.0.1:9/"}),
    "another folder": (
        {"wandb/settings": "[default]\nproject = p\n"},
        {"WANDB_DIR": "/x"},
    ),
    "other sections": ({"home/settings": "[other]\nentity = theirs\n"}, {}),
    "defaults of ini files": ({"home/settings": "[DEFAULT]\nentity = a\n[default]\n"}, {}),
    "no ini file": ({"home/settings": "entity: theirs"}, {}),
    "a project that W&B refuses": (
        {"home/settings": "[default]\nentity = theirs\nproject = a/b\n"},
        {},
    ),
}


def test_as_wandb_reads(tmp_path: Path) -> None:
    """Mode, server, entity and project are the same in each case."""
    given = [_made(tmp_path / str(number), *case) for number, case in enumerate(CASES.values())]
    environ = {name: text for name, text in os.environ.items() if not name.startswith("WANDB_")}

    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.destination.wandb_probe"],
        input=json.dumps(given),
        env={**environ, "WANDB_SILENT": "true"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    pairs = dict(zip(CASES, json.loads(done.stdout), strict=True))
    ours = {name: _one_name(own) for name, (_, own) in pairs.items()}
    assert ours == {name: _one_name(of_wandb) for name, (of_wandb, _) in pairs.items()}
    assert ours["both"]["entity"] == "acme"


def _one_name(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with one name for W&B's own server, which has two."""
    is_theirs = settings["base_url"] in SERVERS_OF_WANDB
    return {**settings, "base_url": "W&B's" if is_theirs else settings["base_url"]}


def _made(folder: Path, files: dict[str, str], variables: dict[str, str]) -> list[Any]:
    """Write the files of a case, and return the case for the probe."""
    folder.mkdir()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [str(folder), {"WANDB_CONFIG_DIR": str(folder / "home"), **variables}]
