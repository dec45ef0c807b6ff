"""The servers that stand in for AWS must leave nothing behind on the machine of who runs the tests or the demo."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.aws import Aws, start_ministack, start_moto

START_AND_SLEEP = """
import sys, time
sys.path.insert(0, sys.argv[1])
from support.aws import start_ministack
with start_ministack() as aws:
    print(aws.endpoint_url, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("start", [start_ministack, start_moto])
def test_a_server_ends_with_its_block(start: Callable[[], AbstractContextManager[Aws]]) -> None:
    """Its port and its files are free again."""
    with start() as aws:
        assert is_up(aws.endpoint_url)
    assert not is_up(aws.endpoint_url)
    assert not aws.state.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_server_ends_with_a_killed_parent() -> None:
    """A demo that is killed must not leave a server running."""
    parent = subprocess.Popen(
        [sys.executable, "-c", START_AND_SLEEP, str(Path(__file__).parents[1])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    endpoint = parent.stdout.readline().strip()
    assert is_up(endpoint)

    parent.send_signal(signal.SIGKILL)
    parent.communicate()

    deadline = time.monotonic() + 10
    while is_up(endpoint) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_up(endpoint)


def test_only_its_settings_reach_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's AWS profile must neither be used nor be in the way."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://elsewhere.example")
    aws = Aws(endpoint_url="http://127.0.0.1:1", state=Path("state"))
    environment = aws.process_environment()
    assert "AWS_PROFILE" not in environment
    assert "AWS_ENDPOINT_URL_S3" not in environment
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environment["PATH"]


def is_up(endpoint: str) -> bool:
    """Whether anything answers there."""
    address = urlsplit(endpoint)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()
    return True
