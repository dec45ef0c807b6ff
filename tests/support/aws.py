"""AWS on the loopback interface, for tests and the demo: ministack as the main server, moto as a second opinion.

    with start_ministack() as aws:
        aws.client("s3").create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": REGION})
        subprocess.run(["terraform", "plan"], env=aws.process_environment())

No pytest in here. A server dies with the block, or with the process that started it, however that ended.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

REGION = "eu-west-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
"""The pair that ministack takes for the account's root, with `AUTH=true` too; moto takes any."""

START_TIMEOUT = 60.0
"""Seconds until a server must answer; two to four are usual."""

_RUN_UNTIL_STDIN_CLOSES = """
import os, runpy, signal, sys, threading

def end_with_parent():
    os.read(0, 1)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)

threading.Thread(target=end_with_parent, daemon=True).start()
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Runs the module named by the first argument. Only the starter holds the other end of stdin, and the kernel closes it
when that dies of whatever cause, so the server and the functions it runs go with it."""


class ServerError(Exception):
    """A server did not start; the text ends with the last of its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """A running server that speaks AWS's protocols."""

    endpoint_url: str
    state: Path
    """Folder for the server's files, gone with it; its output is in `server.log`."""

    @property
    def environment(self) -> dict[str, str]:
        """What lets any AWS SDK, the command line and Terraform's provider talk to this server and to nothing else."""
        return CREDENTIALS | {
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Files that do not exist: the profiles of whoever runs this must not decide anything.
            "AWS_CONFIG_FILE": str(self.state / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.state / "no-credentials"),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def process_environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return *base* (default: this process's environment) with its AWS_* variables replaced by `environment`."""
        base = os.environ if base is None else base
        return {name: value for name, value in base.items() if not name.startswith("AWS_")} | self.environment

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client of *service* for this server; close it, or sockets outlive the test."""
        return _session().client(service, **({"endpoint_url": self.endpoint_url} | options))

    def make_bucket(self, name: str, *, region: str = REGION, versioned: bool = False) -> str:
        """Create the bucket *name* and return its name."""
        with contextlib.closing(self.client("s3", region_name=region)) as s3:
            where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            s3.create_bucket(Bucket=name, **where)
            if versioned:
                s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name


@cache
def _session() -> Any:
    """One for all, so that each service's model is read once."""
    from boto3.session import Session

    return Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )


@contextlib.contextmanager
def start_ministack() -> Iterator[Aws]:
    """Run ministack until the block ends: it checks checksums and runs functions without Docker."""
    with _serve(_ministack_command, health="/_ministack/ready") as aws:
        yield aws


@contextlib.contextmanager
def start_moto() -> Iterator[Aws]:
    """Run the moto server until the block ends: a second opinion on S3 and Terraform; it runs no functions."""
    with _serve(_moto_command, health="/moto-api/") as aws:
        yield aws


_Command = tuple[list[str], dict[str, str]]
"""A module with its arguments, and environment variables."""


def _ministack_command(port: int, state: Path) -> _Command:
    return ["ministack"], {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "STATE_DIR": str(state / "state"),
        "S3_DATA_DIR": str(state / "s3"),
        "LAMBDA_EXECUTOR": "local",
        # Otherwise it reaps containers of the user's Docker, and binds two more ports, one on every interface.
        "DOCKER_HOST": f"unix://{state / 'no-docker.sock'}",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def _moto_command(port: int, _state: Path) -> _Command:
    return ["moto.server", "-H", "127.0.0.1", "-p", str(port)], {}


@contextlib.contextmanager
def _serve(command_for: Callable[[int, Path], _Command], *, health: str) -> Iterator[Aws]:
    with tempfile.TemporaryDirectory(prefix="layerwright-aws-", ignore_cleanup_errors=True) as folder:
        state = Path(folder)
        for attempts_left in (2, 1, 0):
            port = _free_port()
            aws = Aws(endpoint_url=f"http://127.0.0.1:{port}", state=state)
            command, settings = command_for(port, state)
            environment = aws.process_environment() | {"TMPDIR": folder} | settings
            process = _start(command, environment, state / "server.log")
            try:
                if _answers(process, port, health):
                    yield aws
                    return
            finally:
                _kill(process)
            # Another process may have taken the port between our look and the server's: look again.
            if not attempts_left:
                raise ServerError(f"{command[0]} did not start: {_tail(state / 'server.log')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-c", _RUN_UNTIL_STDIN_CLOSES, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=log.parent,
            start_new_session=True,  # its own process group, which ends as a whole; no effect on Windows
        )


def _answers(process: subprocess.Popen[bytes], port: int, health: str) -> bool:
    """Whether the server answers in time; `False` as soon as it has ended."""
    deadline = time.monotonic() + START_TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", health)
            if connection.getresponse().status == 200:
                return process.poll() is None
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
