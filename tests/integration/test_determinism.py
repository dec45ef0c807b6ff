"""The same lock file, sources and target give the same bytes, whoever builds them, where and when."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sandbox import find_interpreter, unpack
from support.terraform import ROOT

pytestmark = [pytest.mark.network, pytest.mark.slow]

TARGET_RUNTIME = "python3.13"
TOOL_PYTHONS = ("python3.11", "python3.12", "python3.13")
CIRCUMSTANCES = {
    "python3.11": {"umask": "022", "TZ": "UTC", "LC_ALL": "C"},
    "python3.12": {"umask": "077", "TZ": "Pacific/Chatham", "LC_ALL": "C.UTF-8"},
    "python3.13": {"umask": "002", "TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8"},
}
"""The tool's own Python → how its run differs from the others."""


@pytest.fixture(scope="module")
def tool_pythons() -> dict[str, Path]:
    found = {runtime: path for runtime in TOOL_PYTHONS if (path := find_interpreter(runtime))}
    if len(found) < 2:
        pytest.skip(f"only one of {', '.join(TOOL_PYTHONS)} is on this machine")
    return found


@pytest.fixture
def checkouts(tmp_path: Path) -> Iterator[Path]:
    """Folders with a checkout each, at different depths and of different owners' habits."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


def check_out(folder: Path) -> Path:
    """A copy of the program, the example's lock file and its package; returns the folder."""
    ignored = shutil.ignore_patterns("__pycache__", ".terraform*")
    shutil.copytree(ROOT / "python", folder / "python", ignore=ignored)
    shutil.copytree(ROOT / "examples" / "layered-function", folder / "project", ignore=ignored)
    return folder


def build(python: Path, checkout: Path, cache: Path, circumstances: dict[str, str]) -> Path:
    """Build dependencies and package into one layer as a user of *python* would; returns the archive."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "TZ"))}
    environment |= {name: value for name, value in circumstances.items() if name != "umask"}
    environment |= {"LAYERWRIGHT_CACHE_DIR": str(cache)}
    command = (
        f"umask {circumstances['umask']}; exec {python} -I {checkout / 'python' / 'bootstrap.py'} build "
        f"--lock-file uv.lock --source src/orders --runtime {TARGET_RUNTIME} --output layer.zip --format json"
    )
    ran = subprocess.run(
        ["sh", "-c", command], cwd=checkout / "project", env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    archive = checkout / "project" / "layer.zip"
    assert json.loads(ran.stdout)["zip_size"] == str(archive.stat().st_size)
    return archive


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_inputs_give_the_same_bytes_everywhere(checkouts: Path, tool_pythons: dict[str, Path]) -> None:
    """One plan builds, all others find; were the bytes different, the first of them would publish a layer anew."""
    archives = {}
    for depth, (name, python) in enumerate(tool_pythons.items(), start=1):
        checkout = check_out(checkouts.joinpath(*["ü" * depth] * depth, name))
        cache = checkouts / f"cache-{name}"
        for state in ("cold", "warm"):
            archives[name, state] = sha256_of(build(python, checkout, cache, CIRCUMSTANCES[name]))

    assert len(set(archives.values())) == 1, archives


@pytest.mark.skipif(not find_interpreter(TARGET_RUNTIME), reason=f"no Python of {TARGET_RUNTIME} is on this machine")
def test_the_target_imports_from_the_archive(tmp_path: Path) -> None:
    """What is in the layer must be what Lambda's Python loads, native modules too."""
    interpreter = find_interpreter(TARGET_RUNTIME)
    assert interpreter
    checkout = check_out(tmp_path / "checkout")
    layer = build(Path(sys.executable), checkout, tmp_path / "cache", CIRCUMSTANCES["python3.11"])
    assert zipfile.ZipFile(layer).testzip() is None
    function = tmp_path / "function.zip"
    with zipfile.ZipFile(function, "w") as opened:
        opened.writestr(
            "app.py",
            "from importlib.metadata import distribution\n"
            "import orders, pyarrow, pydantic_core\n"
            "def handler(event, context):\n"
            "    files = distribution('pydantic').files\n"
            "    missing = [str(f) for f in files if not f.locate().exists()]\n"
            "    return [pyarrow.__version__, len(files) > 50, missing]\n",
        )
    sandbox = unpack(tmp_path / "lambda", function=function, layers=[layer], interpreter=interpreter)

    version, has_files, missing = sandbox.invoke("app.handler", [{}], {})["answers"][0]
    assert version.split(".")[0].isdigit()
    assert has_files
    assert missing == []
