"""Making the environment that layerwright runs in, with real uv, pip and venv."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv
from layerwright.environment import make_environment, python_of
from layerwright.errors import FetchError
from support.bootstrap import PLAIN_PYTHON, PYTHON
from support.index import LocalIndex
from support.wheels import make_wheel, sha256_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts and signals")

WHEEL = "tiny-1.0-py3-none-any.whl"

MAKE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from layerwright.environment import make_environment, python_of
folder = Path(sys.argv[2])
make_environment(folder, Path(sys.argv[3]), python_of(folder).exists)
"""


@dataclass
class Wanted:
    """An environment to be made: where, from which requirements and which index."""

    folder: Path
    requirements: Path
    index: LocalIndex

    def make(self) -> None:
        make_environment(self.folder, self.requirements, self.is_ready)

    def is_ready(self) -> bool:
        return python_of(self.folder).exists()

    def start(self) -> subprocess.Popen[bytes]:
        """Make it in a process of its own, the first of a process group."""
        command = [PLAIN_PYTHON, "-I", "-c", MAKE, str(PYTHON), str(self.folder), str(self.requirements)]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )

    def lock(self, sha256: str) -> None:
        self.requirements.write_text(f"tiny==1.0 \\\n    --hash=sha256:{sha256}\n")

    def tiny(self) -> str:
        """What the environment's own Python says of the distribution that it was made for."""
        command = [str(python_of(self.folder)), "-I", "-c", "import tiny; print(tiny.VERSION)"]
        return str(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())

    @property
    def leftovers(self) -> list[str]:
        return [path.name for path in self.folder.parent.glob("making-*")]


@pytest.fixture(params=["uv", "pip"])
def installer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Wanted]:
    """An environment with `tiny` 1.0, to be made with uv unless the test says with pip."""
    wheel = make_wheel(tmp_path / "wheels", "tiny", "1.0", files={"tiny.py": "VERSION = '1.0'"})
    path = tmp_path / "bin"
    path.mkdir()
    if "installer" not in request.fixturenames or request.getfixturevalue("installer") == "uv":
        (path / "uv").write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\nexec {uv.find_uv_bin()} "$@"\n')
        (path / "uv").chmod(0o755)
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_", "VIRTUAL_ENV"))]:
        monkeypatch.delenv(name)
    with LocalIndex(tmp_path / "wheels", credentials=("reader", "let-me-in")) as index:
        settings = {
            "HOME": tmp_path,
            "NO_PROXY": "127.0.0.1",
            "PATH": f"{path}{os.pathsep}/bin",
            "PIP_CACHE_DIR": tmp_path / "pip",
            "PIP_INDEX_URL": index.url_with_credentials,
            "PIP_RETRIES": "0",
            "UV_CACHE_DIR": tmp_path / "uv",
            "UV_DEFAULT_INDEX": index.url_with_credentials,
            "UV_HTTP_RETRIES": "0",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, str(value))
        wanted = Wanted(tmp_path / "environments" / "wanted", tmp_path / "requirements.txt", index)
        wanted.lock(sha256_of(wheel))
        yield wanted


def test_it_is_made_with_uv_and_without(wanted: Wanted, installer: str, tmp_path: Path) -> None:
    """Half of all build machines have no uv."""
    wanted.make()
    assert wanted.tiny() == "1.0"
    assert (tmp_path / "calls").exists() == (installer == "uv")
    assert wanted.leftovers == []


@pytest.mark.usefixtures("installer")
def test_a_file_that_is_not_the_locked_one_is_refused(wanted: Wanted) -> None:
    """The environment's code sees AWS credentials: an index must not be able to choose it."""
    wanted.lock("0" * 64)
    with pytest.raises(FetchError, match="not the one that is locked") as refused:
        wanted.make()
    assert "let-me-in" not in str(refused.value)
    assert not wanted.is_ready()
    assert wanted.leftovers == []


@pytest.mark.parametrize("fault", ["404", "503", "cut"])
def test_an_index_that_fails_is_told_with_what_to_do(wanted: Wanted, fault: str) -> None:
    """The first plan in a new network is where this happens."""
    wanted.index.faults = {"tiny/": fault, WHEEL: fault}
    with pytest.raises(FetchError, match="package index can be reached") as failed:
        wanted.make()
    log = wanted.folder.with_name("wanted.log")
    assert str(log) in str(failed.value)
    assert "tiny" in log.read_text()
    assert "let-me-in" not in str(failed.value) + log.read_text()
    assert not wanted.is_ready()

    wanted.index.faults.clear()
    wanted.make()
    assert wanted.tiny() == "1.0"


def test_an_index_that_cannot_be_reached_is_told_with_what_to_do(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that is not set looks like this."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    with pytest.raises(FetchError, match="package index can be reached"):
        wanted.make()


def test_eight_first_runs_make_one_environment(wanted: Wanted, tmp_path: Path) -> None:
    """Terraform reads ten data sources at once, and each is a first run on a new machine."""
    running = [wanted.start() for _ in range(8)]
    ends = [(*process.communicate(timeout=120), process.returncode) for process in running]
    assert [(output, code) for output, _, code in ends] == [(b"", 0)] * 8
    assert (tmp_path / "calls").read_text().count("venv ") == 1
    assert wanted.tiny() == "1.0"
    assert wanted.leftovers == []


def test_who_waited_for_a_failure_does_not_wait_again(wanted: Wanted, tmp_path: Path) -> None:
    """Ten data sources behind a dead proxy would take ten timeouts in a row."""

    def fail_meanwhile() -> bool:
        time.sleep(0.1)  # a file's time may lag the clock's
        wanted.folder.with_name("wanted.log").write_text("somebody else's problem\nat length")
        return False

    with pytest.raises(FetchError, match="^somebody else's problem$"):
        make_environment(wanted.folder, wanted.requirements, fail_meanwhile)
    assert not (tmp_path / "calls").exists()
    wanted.make()  # a failure of the past keeps nobody from trying
    assert wanted.tiny() == "1.0"


def test_a_killed_run_leaves_nothing_that_is_trusted(wanted: Wanted) -> None:
    """Terraform kills with SIGKILL on Ctrl-C: no clean-up code runs."""
    wanted.index.faults[WHEEL] = "hang"
    with wanted.start() as process:
        deadline = time.monotonic() + 60
        while f"/files/{WHEEL}" not in wanted.index.requests:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    assert not wanted.is_ready()
    assert len(wanted.leftovers) == 1

    wanted.index.faults.clear()
    wanted.make()
    assert wanted.tiny() == "1.0"
    assert wanted.leftovers == []


def test_leftovers_of_other_environments_are_swept_when_they_are_old(wanted: Wanted) -> None:
    """Nobody would ever look there; a living run of another version of Python may still be at the young one."""
    old, young = (wanted.folder.with_name(f"making-other-{name}") for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir(parents=True)
    two_days_ago = time.time() - 2 * 24 * 60 * 60
    os.utime(old, (two_days_ago, two_days_ago))
    wanted.make()
    assert wanted.leftovers == [young.name]


def test_a_folder_that_cannot_be_made_is_named(wanted: Wanted, tmp_path: Path) -> None:
    """A file where the cache should be is a leftover of something else; the message must lead to it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match=r"file/environments.*set LAYERWRIGHT_CACHE_DIR"):
        make_environment(tmp_path / "file" / "environments" / "x", wanted.requirements, lambda: False)


@pytest.mark.network
@pytest.mark.slow
def test_eight_first_runs_with_all_that_is_locked(tmp_path: Path) -> None:
    """The real dependencies from the real index, and the real program in the end."""
    environment = os.environ | {
        "LAYERWRIGHT_CACHE_DIR": str(tmp_path / "cache"),
        "PATH": os.pathsep.join([str(Path(uv.find_uv_bin()).parent), os.environ["PATH"]]),
    }

    def print_version(_: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PLAIN_PYTHON, "-I", str(PYTHON / "bootstrap.py"), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            text=True,
            check=False,
        )

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(print_version, range(8)))
    assert {(end.returncode, end.stderr) for end in ends} == {(0, "")}
    assert {end.stdout.split()[0] for end in ends} == {"layerwright"}
    (made,) = [path for path in (tmp_path / "cache" / "environments").iterdir() if path.is_dir()]
    assert not made.name.startswith("making-")
