"""Which indexes a person has told uv and pip of, and the credentials that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from layerwright.indexes import Index, is_offline, read_access
from layerwright.spec import Dependencies, LayerSpec


@pytest.fixture(autouse=True)
def nobodys_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_CONFIG_FILE", "UV_KEYRING_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


def spec_at(folder: Path, files: Mapping[str, str], lock_file: str = "pylock.toml") -> LayerSpec:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(folder / lock_file)))


def logins(spec: LayerSpec) -> list[tuple[str, str, str | None]]:
    return [(index.url, index.user, index.password) for index in read_access(spec).indexes]


@pytest.mark.parametrize(
    "variable", ["UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"]
)
def test_variables_name_several_indexes(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, " https://a:p%40ss@one.example/simple  https://two.example/simple ./wheels")

    assert logins(spec_at(tmp_path, {})) == [
        ("https://one.example/simple", "a", "p@ss"),
        ("https://two.example/simple", "", None),
    ]


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"])
def test_variables_name_one_index(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "https://token@one.example/simple?with=a,comma")

    assert logins(spec_at(tmp_path, {})) == [("https://one.example/simple?with=a,comma", "token", None)]


def test_an_index_with_a_name_takes_its_credentials_from_variables_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They win over those in its URL, as with uv."""
    monkeypatch.setenv("UV_INDEX", "my-corp.py=https://old:older@one.example/simple")
    monkeypatch.setenv("UV_INDEX_MY_CORP_PY_USERNAME", "deploy")
    monkeypatch.setenv("UV_INDEX_MY_CORP_PY_PASSWORD", "s3cr3t")
    monkeypatch.setenv("UV_INDEX_OTHER_PASSWORD", "t0ken")
    pyproject = '[[tool.uv.index]]\nname = "other"\nurl = "https://two.example/simple"\n'

    assert logins(spec_at(tmp_path, {"pyproject.toml": pyproject})) == [
        ("https://one.example/simple", "deploy", "s3cr3t"),
        ("https://two.example/simple", "", "t0ken"),
    ]


def test_settings_are_those_of_the_project_and_the_user(tmp_path: Path) -> None:
    """A lock file in a folder of its own belongs to the project above, and to no project above that."""
    files = {
        "pyproject.toml": '[tool.uv]\nindex-url = "https://outer.example/simple"\n',
        "project/pyproject.toml": '[tool.uv]\nextra-index-url = ["https://b@two.example/simple"]\n',
        "project/uv.toml": 'keyring-provider = "subprocess"\n[[index]]\nurl = "https://a@one.example/simple"\n',
        "home/uv/uv.toml": 'find-links = ["https://c@three.example/wheels", "./wheels"]\n',
    }
    spec = spec_at(tmp_path, files, "project/locks/pylock.toml")

    assert [(url, user) for url, user, _ in logins(spec)] == [
        ("https://one.example/simple", "a"),
        ("https://two.example/simple", "b"),
        ("https://three.example/wheels", "c"),
    ]
    assert read_access(spec).keyring


@pytest.mark.parametrize(
    "text",
    ["[tool.uv", "tool = 3", "[tool]\nuv = 1", "[tool.uv]\nindex = 5\nfind-links = 7\n", "\x00", "[[tool.uv.index]]"],
)
def test_settings_that_make_no_sense_are_left_to_uv(text: str, tmp_path: Path) -> None:
    assert logins(spec_at(tmp_path, {"pyproject.toml": text})) == []


def test_requirements_name_indexes_and_files_with_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t")
    text = """
--index-url https://ci:${TOKEN}@one.example/simple
--extra-index-url https://ci:${UNKNOWN}@two.example/simple
orders @ https://ci:${TOKEN}@three.example/orders-1.0-py3-none-any.whl ; python_version > '3'
"""
    found = logins(spec_at(tmp_path, {"requirements.txt": text}, "requirements.txt"))

    assert found == [
        ("https://one.example/simple", "ci", "s3cr3t"),
        ("https://two.example/simple", "ci", "${UNKNOWN}"),
        ("https://three.example/orders-1.0-py3-none-any.whl", "ci", "s3cr3t"),
    ]


def test_passwords_are_never_shown() -> None:
    assert "s3cr3t" not in repr(Index(url="https://one.example", origin="netrc", user="a", password="s3cr3t"))


@pytest.mark.parametrize(
    ("field", "variable", "offline"),
    [(False, "", False), (True, "", True), (False, "1", True), (False, "true", True), (False, "0", False)],
)
def test_offline_is_said_by_the_spec_or_the_environment(
    field: bool, variable: str, offline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERWRIGHT_OFFLINE", variable)

    assert is_offline(LayerSpec(runtime="python3.13", offline=field)) is offline
