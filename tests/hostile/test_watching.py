"""The watch itself: each thing that must not be is noticed when a program does it."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.scene import Origin, Scene
from tests.hostile.watch import Watched
from tests.support.sandbox import Sandbox


@pytest.fixture(scope="module")
def scene(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Return a scene without flow runs."""
    with Scene(tmp_path_factory.mktemp("watching") / "scene", origin) as scene:
        yield scene


def _run(scene: Scene, program: str, seconds: float = 20) -> tuple[Watched, list[str]]:
    """Run a program in place of mfwb, and return what was found wrong with it."""
    path = scene.interpreter.mfwb.with_name("program")
    path.write_text(program, encoding="utf-8")
    scene.forget()
    before = scene.snapshot()
    done = scene.interpreter.run(
        [str(path)],
        folder=scene.work,
        environment=Sandbox(scene.root, scene.extra).environment,
        seconds=seconds,
    )
    return done, scene.problems(done, before)


def test_a_program_that_does_no_harm(scene: Scene) -> None:
    """Reading shared files, and writing temporary ones, is nothing to complain of."""
    done, problems = _run(
        scene,
        "import dataclasses, json, tempfile, pathlib\n"
        f"pathlib.Path({str(scene.store)!r}, 'x').exists()\n"
        "with tempfile.TemporaryDirectory() as folder: pathlib.Path(folder, 'x').write_text('y')\n"
        "dataclasses.make_dataclass('A', ['b'])(1)\nprint('fine')\n",
    )

    assert (done.code, done.out) == (0, "fine\n")
    assert [problem for problem in problems if "/bin/program" not in problem] == []


DEEDS = {
    "reads a secret": ("open({netrc!r}).read()", "touched: open"),
    "reads a secret by os.open": ("import os; os.open({netrc!r}, os.O_RDONLY)", "touched: open"),
    "reads by a link": ("import os; os.symlink({netrc!r}, {tmp!r} + '/l'); open({tmp!r} + '/l')",
                        "touched: open"),
    "reads by parents": ("open({tmp!r} + '/../home/.netrc')", "touched: open"),
    "reads its environment": ("open('/proc/self/environ')", "touched: open"),
    "reads passwords": ("open('/etc/passwd')", "touched: open"),
    "reads another datastore": ("open({other!r} + '/words.txt')", "touched: open"),
    "writes": ("open({home!r} + '/new', 'w')", "made: home/new"),
    "overwrites": ("open({home!r} + '/.bashrc', 'a').write('x')", "changed: home/.bashrc"),
    "removes": ("import os; os.remove({home!r} + '/.env')", "removed: home/.env"),
    "removes trees": ("import shutil; shutil.rmtree({home!r} + '/.ssh')", "removed: home/.ssh"),
    "makes folders": ("import os; os.mkdir({work!r} + '/folder')", "touched: os.mkdir"),
    "renames": ("import os; os.rename({home!r} + '/.config', {tmp!r} + '/c')",
                "touched: os.rename"),
    "removes by a folder": (
        ("import os; at = os.open({home!r}, os.O_RDONLY); os.remove('.docker/config.json', "
        "dir_fd=at)"), "touched: os.remove"),
    "os.system": ("import os; os.system('true')", "touched: os.system"),
    "subprocess": ("import subprocess; subprocess.run(['true'])", "touched: subprocess.Popen"),
    "fork": ("import os; os.fork() or os._exit(0)", "touched: os.fork"),
    "spawn": ("import os; os.posix_spawn('/bin/true', ['true'], {{}})", "touched: os.posix_spawn"),
    "exec of text": ("exec('x = 1')", "touched: exec <string>"),
    "eval of text": ("eval('1 + 1')", "touched: exec <string>"),
    "compile": ("compile('1', 'x', 'eval')", "touched: compile"),
    "a pickle": ("import pickle; pickle.loads(b'cos\\nsystem\\n.')", "touched: pickle.find_class"),
    "a child's deed": (
        ("import subprocess, sys; subprocess.run([sys.executable, '-I', '-m', 'json.tool', "
        "{netrc!r}])"), "touched: open"),
    "a child without environment": (
        ("import subprocess, sys; subprocess.run([sys.executable, '-E', '-m', 'json.tool', "
        "{netrc!r}], env={{}})"), "touched: open"),
    "connects": ("import socket; socket.create_connection(('127.0.0.1', {canary}))",
                 "connected:"),
    "asks for a host": ("import socket; socket.gethostbyname('attacker.invalid')",
                        "touched: socket.gethostbyname"),
    "prints a secret": ("print({token!r})", "leaked: netrc in stdout"),
    "prints a secret in base64": (
        "import base64; print(base64.b64encode(b'x' + {token!r}.encode() + b'yz').decode())",
        "leaked: netrc in stdout"),
    "bundles a secret": (
        "import os; os.makedirs({bundle!r}); open({bundle!r} + '/x', 'w').write({token!r})",
        "leaked: netrc in the file bundle/x"),
    "prints escapes": ("print('\\x1b[31m')", "printed: control"),
    "prints bidi": ("print('\\u202e')", "printed: control"),
    "prints no text": ("import sys; sys.stdout.buffer.write(b'\\xff')", "printed: control"),
    "fails": ("raise ValueError", "traceback:"),
    "ends with 70": ("raise SystemExit(70)", "bug:"),
    "is killed": ("import os; os.kill(os.getpid(), 11)", "crashed: signal 11"),
    "takes memory": ("x = b'x' * 600_000_000; import time; time.sleep(0.3)", "memory:"),
}  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS)
def test_it_is_noticed(scene: Scene, deed: str) -> None:
    """What a program does, and what is said of it."""
    program, reported = DEEDS[deed]
    facts = {
        "netrc": str(scene.netrc),
        "token": scene.token("netrc"),
        "canary": scene.canary.port,
        **{name: str(scene.root / name) for name in ("tmp", "home", "work", "other", "bundle")},
    }

    _, problems = _run(scene, f"{program.format(**facts)}\n")

    assert any(problem.startswith(reported) for problem in problems), problems


def test_no_end_is_noticed(scene: Scene) -> None:
    """A program that never ends is ended, and its children with it."""
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " start_new_session=True)\n"
        "print(child.pid, flush=True)\ntime.sleep(60)\n"
    )

    done, problems = _run(scene, program, seconds=1.5)

    assert done.code is None
    assert any(problem.startswith("hung:") for problem in problems)
    time.sleep(0.2)
    assert not _runs(int(done.out))


def _runs(pid: int) -> bool:
    result = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return result.stdout.strip()[:1] not in {b"", b"Z"}


def test_hanging_up_leaves_nothing(origin: Origin, tmp_path: Path) -> None:
    """A sync whose terminal is closed leaves no temporary files, as with Ctrl-C."""
    with Scene(tmp_path / "scene", origin) as scene:
        scene.add_healthy()
        fault = scene.server.hold("UpsertBucket", times=None)
        environment = Sandbox(scene.root, scene.extra).environment
        process = subprocess.Popen(
            [str(scene.interpreter.program), str(scene.interpreter.mfwb),
             *scene.arguments("online")],
            cwd=scene.work, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        fault.wait(60)
        process.send_signal(signal.SIGHUP)
        scene.server.clear_faults()  # what has begun is brought to its end
        try:
            code = process.wait(30)
        finally:
            process.kill()
        left = sorted(str(path.relative_to(scene.root)) for path in (scene.root / "tmp").iterdir())

    assert code == 129
    assert left == []


_THREE_AT_ONCE = """
import subprocess, sys, threading, time
nap = "import time; a = bytearray(40_000_000); time.sleep(1.5)"
grandchild = f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-c', {nap!r}])"
def start(): subprocess.run([sys.executable, "-I", "-c", grandchild])
threads = [threading.Thread(target=start) for _ in range(3)]
for one in threads: one.start()
for one in threads: one.join()
"""


def test_memory_of_all_that_any_thread_started(scene: Scene) -> None:
    """Grandchildren count, whichever thread of the program started their parents."""
    done, _ = _run(scene, _THREE_AT_ONCE)

    assert done.code == 0, done.err
    assert done.peak > 3 * 40_000_000
