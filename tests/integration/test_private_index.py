"""Private indexes from the lock file to the archive, with the real uv: credentials work, and stay where they are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from layerwright import cli
from layerwright.spec import Dependencies, LayerSpec, Source, Store
from layerwright.terraform import run
from support.index import LocalIndex, point_uv_at
from support.wheels import make_wheel
from uv import find_uv_bin

USER, PASSWORD = "deploy", "s3cr3t-0f-the-index"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    make_wheel(tmp_path / "wheels", "orders", "1.2", requires=["shop"])
    make_wheel(tmp_path / "wheels", "shop", "2.0")
    return tmp_path / "wheels"


@pytest.fixture
def private(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalIndex]:
    """An index that wants credentials; uv finds none but those that a test sets."""
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("UV_CREDENTIALS_DIR", str(tmp_path / "uv-credentials"))
    with LocalIndex(wheels, credentials=(USER, PASSWORD)) as index:
        point_uv_at(index.url, tmp_path, monkeypatch)
        yield index


def write_project(folder: Path, index: str = "") -> Path:
    """A project that needs `orders`, in a folder of its own; returns where its uv.lock will be."""
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "p"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["orders"]\n{index}'
    )
    return folder / "uv.lock"


def lock(path: Path, *options: str) -> None:
    command = [find_uv_bin(), "lock", "--directory", str(path.parent), "--python", sys.executable, *options]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def spec_of(lock_file: Path, store: Path, **fields: object) -> LayerSpec:
    return LayerSpec(
        runtime="python3.13",
        dependencies=Dependencies(lock_file=str(lock_file)),
        store=Store(directory=str(store)),
        **fields,  # type: ignore[arg-type]
    )


def give(how: str, index: LocalIndex, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the credentials where *how* says."""
    match how:
        case "variables of the index's name":
            monkeypatch.setenv("UV_INDEX_CORP_USERNAME", USER)
            monkeypatch.setenv("UV_INDEX_CORP_PASSWORD", PASSWORD)
        case "netrc":
            (folder / "netrc").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
        case "uv auth":
            command = [find_uv_bin(), "auth", "login", f"http://{index.host}/", "--username", USER, "--password", "-"]
            subprocess.run(command, input=PASSWORD.encode(), capture_output=True, check=True)
        case _:
            monkeypatch.setenv(how, index.url_with_credentials)


@pytest.mark.parametrize(
    "how", ["UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "variables of the index's name", "netrc", "uv auth"]
)
def test_a_locked_project_needs_credentials_in_one_place(
    how: str,
    private: LocalIndex,
    own_surroundings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What locks with uv builds a layer with no further settings, and no file of ours knows the password."""
    index = f'[[tool.uv.index]]\nname = "corp"\nurl = "{private.url}"\ndefault = true\n'
    path = write_project(tmp_path / "project", index)
    give(how, private, tmp_path, monkeypatch)
    lock(path)
    (tmp_path / "app.py").write_text("")
    source = Source(path=str(tmp_path / "app.py"))

    result = run(spec_of(path, tmp_path / "store", sources=(source,)))

    assert [wheel.name for wheel in result.planned.wheels] == ["orders", "shop"]
    assert PASSWORD not in repr(result) + "".join(capfd.readouterr())
    folders = (tmp_path / "store", tmp_path / "project", own_surroundings)
    kept = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert {".zip", ".json", ".whl", ".index", ".lock"} <= {path.suffix for path in kept}
    assert all(PASSWORD not in str(path) and PASSWORD.encode() not in path.read_bytes() for path in kept)


@pytest.mark.parametrize(
    "text",
    [
        "--index-url http://${NAME}:${TOKEN}@HOST/simple/\norders\n",
        "orders @ http://${NAME}:${TOKEN}@HOST/files/orders-1.2-py3-none-any.whl\n",
    ],
)
def test_requirements_may_refer_to_variables(
    text: str, private: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The versions are stored for others without the password, and what is stored is downloaded with it."""
    monkeypatch.setenv("NAME", USER)
    monkeypatch.setenv("TOKEN", PASSWORD)
    (tmp_path / "requirements.txt").write_text(text.replace("HOST", private.host))
    result = run(spec_of(tmp_path / "requirements.txt", tmp_path / "store"))

    assert [wheel.name for wheel in result.planned.wheels] == ["orders", "shop"]
    assert all(PASSWORD.encode() not in p.read_bytes() for p in (tmp_path / "store").rglob("*") if p.is_file())


def test_without_credentials_it_is_said_what_to_give(
    private: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_project(tmp_path / "project")
    with monkeypatch.context() as locking:
        locking.setenv("UV_DEFAULT_INDEX", private.url_with_credentials)
        lock(path)
    arguments = ["build", "--lock-file", str(path), "--runtime", "python3.13", "--output", str(tmp_path / "layer.zip")]

    assert cli.main(arguments) == 5
    said = capsys.readouterr().err
    assert "orders-1.2-py3-none-any.whl: 127.0.0.1 answered 401: give credentials for it: in netrc, with" in said
    assert "shop-2.0-py3-none-any.whl: 127.0.0.1 answered 401" in said


@pytest.mark.parametrize(
    ("options", "index"),
    [
        (("--no-index", "--find-links", "wheels"), ""),
        ((), '[[tool.uv.index]]\nname = "flat"\nurl = "wheels"\nformat = "flat"\ndefault = true\n'),
    ],
    ids=["find-links", "index"],
)
def test_a_flat_folder_of_wheels_is_an_index(
    options: tuple[str, ...], index: str, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No server at all: the wheels lie in the repository, and offline is no obstacle."""
    point_uv_at("http://127.0.0.1:9/simple/", tmp_path, monkeypatch)
    path = write_project(tmp_path / "project", index)
    wheels.rename(path.parent / "wheels")
    with monkeypatch.context() as locking:
        locking.delenv("UV_DEFAULT_INDEX")
        lock(path, *options)

    result = run(spec_of(path, tmp_path / "store", offline=True))
    assert [wheel.filename for wheel in result.planned.wheels] == [
        "orders-1.2-py3-none-any.whl",
        "shop-2.0-py3-none-any.whl",
    ]


def test_offline_names_what_an_index_would_have_to_send(
    private: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_project(tmp_path / "project")
    monkeypatch.setenv("UV_DEFAULT_INDEX", private.url_with_credentials)
    lock(path)
    asked = len(private.requests)
    arguments = ["build", "--lock-file", str(path), "--runtime", "python3.13", "--output", str(tmp_path / "layer.zip")]

    monkeypatch.setenv("LAYERWRIGHT_OFFLINE", "1")
    assert cli.main(arguments) == 5
    assert "offline, and 2 of 2 wheels are not in the cache" in capsys.readouterr().err
    assert len(private.requests) == asked
    monkeypatch.delenv("LAYERWRIGHT_OFFLINE")
    assert cli.main(arguments) == 0
    first = (tmp_path / "layer.zip").read_bytes()
    assert cli.main([*arguments, "--offline"]) == 0
    assert (tmp_path / "layer.zip").read_bytes() == first
