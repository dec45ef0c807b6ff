"""The main job on the first system: a saved plan travels, a second plan asks one question, functions answer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.aws import Aws, start_ministack
from support.faults import start_faults
from support.sandbox import find_interpreter
from support.terraform import ROOT, Terraform

pytestmark = [pytest.mark.network, pytest.mark.terraform, pytest.mark.slow]

EXAMPLE = "examples/layered-function"
BUCKET = "acme-artifacts"
VARIABLE_OPTIONS = [f"-var=bucket={BUCKET}", "-var=runtime=python3.13"]
LAYERS = 2
FUNCTIONS = 3


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with start_ministack() as server:
        server.make_bucket(BUCKET, versioned=True)
        yield server


def check_out(folder: Path, aws: Aws, **environment: str) -> Terraform:
    """A checkout of its own, with empty caches."""
    shutil.rmtree(folder, ignore_errors=True)
    ignored = shutil.ignore_patterns(".terraform*", "terraform.tfstate*", "__pycache__", ".layerwright")
    for part in ("modules", "python", EXAMPLE):
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    lock = folder / EXAMPLE / "uv.lock"
    assert lock.exists(), "run: make locks"
    caches = {"LAYERWRIGHT_CACHE_DIR": str(folder / "cache"), "UV_CACHE_DIR": str(folder / "uv-cache")}
    terraform = Terraform(folder / EXAMPLE, environment=aws.environment | caches | environment)
    terraform.init()
    return terraform


def write_python_without_uv(folder: Path) -> str:
    """A PATH with this Python, Terraform and the system's own commands, but no uv."""
    folder.mkdir()
    script = folder / "python3"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    terraform = shutil.which("terraform")
    assert terraform
    (folder / "terraform").symlink_to(terraform)
    path = os.pathsep.join([str(folder), "/usr/bin", "/bin"])
    assert not shutil.which("uv", path=path)
    return path


def stored(aws: Aws) -> dict[str, Any]:
    """Key → ETag and time of all that is in the bucket."""
    listed = aws.client("s3").list_objects_v2(Bucket=BUCKET)
    return {item["Key"]: (item["ETag"], item["LastModified"]) for item in listed.get("Contents", [])}


def test_a_saved_plan_applies_elsewhere_and_the_next_plan_asks_one_question(aws: Aws, tmp_path: Path) -> None:
    """CI plans on one runner and applies on another; neither has the other's files, and neither should build twice."""
    first = check_out(tmp_path / "first", aws)
    drawn = first.run("plan", "-no-color", "-out=tf.plan", *VARIABLE_OPTIONS)
    assert drawn.returncode == 0, drawn.stdout + drawn.stderr
    planned = stored(aws)
    assert len([key for key in planned if key.endswith(".zip")]) == LAYERS + FUNCTIONS

    second = check_out(tmp_path / "elsewhere" / "second", aws)
    shutil.copy(tmp_path / "first" / EXAMPLE / "tf.plan", tmp_path / "elsewhere" / "second" / EXAMPLE)
    shutil.rmtree(tmp_path / "first")
    applied = second.run("apply", "-no-color", "tf.plan")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert stored(aws) == planned
    assert not (tmp_path / "elsewhere" / "second" / "cache").exists()

    third = check_out(tmp_path / "third", aws, PATH=write_python_without_uv(tmp_path / "bin"))
    state = "terraform.tfstate"
    shutil.copy(tmp_path / "elsewhere" / "second" / EXAMPLE / state, tmp_path / "third" / EXAMPLE / state)
    with start_faults(aws.endpoint_url) as counter:
        third.env["AWS_ENDPOINT_URL_S3"] = counter.endpoint_url
        again = third.run("plan", "-no-color", *VARIABLE_OPTIONS)
        asked = [request.partition("?")[0] for request in counter.seen if BUCKET in request]
    assert "No changes." in again.stdout, again.stdout + again.stderr
    archives = sorted(key for key in planned if key.endswith(".zip"))
    assert sorted(asked) == [f"HEAD /{BUCKET}/{key}" for key in archives]
    assert not (tmp_path / "third" / "cache" / "wheels").exists()
    assert stored(aws) == planned

    published = aws.client("lambda").get_layer_version_by_arn(Arn=second.output()["layers"][0]["arn"])
    head = aws.client("s3").head_object(Bucket=BUCKET, Key=second.output()["layers"][0]["key"], ChecksumMode="ENABLED")
    assert published["Content"]["CodeSha256"] == head["ChecksumSHA256"]


@pytest.mark.skipif(
    not any(map(find_interpreter, ("python3.11", "python3.12", "python3.13"))),
    reason="needs a Python of a Lambda runtime",
)
def test_the_demo_shows_what_it_promises() -> None:
    """`make demo` is the first thing that people run."""
    ran = subprocess.run([sys.executable, str(ROOT / "tools" / "demo.py")], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "No changes." in ran.stdout
    assert ran.stdout.count(" answered in ") == FUNCTIONS
    assert "Everything worked" in ran.stdout


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked for in /proc")
def test_a_demo_that_fails_leaves_nothing_running(tmp_path: Path) -> None:
    """Whoever tries it on a laptop must not find an emulator there a week later."""
    mark = f"LAYERWRIGHT_DEMO_MARK={tmp_path}"
    environment = os.environ | dict([mark.split("=", 1)]) | {"PATH": str(tmp_path)}
    demo = [sys.executable, str(ROOT / "tools" / "demo.py")]
    ran = subprocess.run(demo, env=environment, capture_output=True, text=True, check=False)

    assert ran.returncode == 1
    assert "AWS emulator started" in ran.stdout
    assert "terraform is not on PATH: install Terraform" in ran.stdout
    assert [process for process in Path("/proc").glob("[0-9]*") if has_mark(process, mark)] == []


def has_mark(process: Path, mark: str) -> bool:
    try:
        return mark.encode() in (process / "environ").read_bytes()
    except OSError:
        return False
