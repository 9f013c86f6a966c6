"""`make demo`: run a sample flow for real, sync it offline, and say what to look at.

Everything lands in `demo/`. Run it again: the flow is not run a second time, and the sync says
that nothing changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEMO = HERE.parent / "demo"
BUNDLE = DEMO / "bundle"
BIN = Path(sys.executable).parent


def main() -> int:
    """Run flow and sync; return the exit code of the one that failed, or 0."""
    DEMO.mkdir(exist_ok=True)
    environment = _environment()
    if (DEMO / ".metaflow" / "WineFlow" / "done").exists():
        _say("The flow was run before; demo/.metaflow still has it.")
    else:
        _say("Running examples/wine_flow.py with Metaflow. Not a line in it speaks of W&B.")
        flow = [sys.executable, str(HERE / "wine_flow.py"), "--quiet", "run"]
        code = subprocess.run(flow, cwd=DEMO, env=environment, check=False).returncode  # noqa: S603
        if code:
            return code
        (DEMO / ".metaflow" / "WineFlow" / "done").touch()
    sync = ["mfwb", "sync", "WineFlow/latest", "--mode", "offline", "--dir", "bundle"]
    _say(f"Replaying it into W&B, offline:\n\n  $ {' '.join(sync)}\n")
    sync[0] = str(BIN / "mfwb")
    code = subprocess.run(sync, cwd=DEMO, env=environment, check=False).returncode  # noqa: S603
    if code == 0:
        _explain()
    return code


def _environment() -> dict[str, str]:
    """Return the environment, with Metaflow kept inside the demo folder."""
    return {
        **os.environ,
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(DEMO),
        "METAFLOW_USER": os.environ.get("USER", "demo"),
        "WANDB_ENTITY": os.environ.get("WANDB_ENTITY", "your-team"),
        "WANDB_PROJECT": os.environ.get("WANDB_PROJECT", "wines"),
    }


def _explain() -> None:
    bin_folder, bundle = (os.path.relpath(path) for path in (BIN, BUNDLE))
    shown = next(BUNDLE.glob("level-*/wandb/offline-run-*-train-*"), BUNDLE)
    _say(
        f"""Look at a W&B run in the terminal (q quits):

  {bin_folder}/wandb leet {os.path.relpath(shown)}

Send all of them to W&B after you log in (`{bin_folder}/wandb login`). A bundle is written for one
entity, so first write it again for yours:

  rm -r {bundle} && WANDB_ENTITY=your-entity make demo
  {bin_folder}/mfwb push {bundle}

Or sync online, without a bundle: with W&B credentials, in a folder where flows ran,

  mfwb sync MyFlow/latest
"""
    )


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
