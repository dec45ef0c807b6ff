"""Fixtures that every folder of tests uses."""

from __future__ import annotations

from pathlib import Path

import pytest
from layerwright.cache import WheelCache


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-distributions", action="store_true", help="compare all 100 most downloaded, not a sample")


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own and no credentials or indexes of the person who runs it; returns the folder."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LAYERWRIGHT_CACHE_DIR", str(folder))
    for name in (
        *("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"),
        *("LAYERWRIGHT_OFFLINE", "LAYERWRIGHT_SPEC", "NETRC"),
    ):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> WheelCache:
    """An empty cache of wheels."""
    return WheelCache(folder=tmp_path / "wheel-cache")
