"""What the front page shows, people copy: it is applied and run here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.aws import start_ministack
from support.index import LocalIndex
from support.terraform import ROOT, Terraform
from support.wheels import make_wheel
from uv import find_uv_bin

README = (ROOT / "README.md").read_text(encoding="utf-8")


PYPROJECT = """
[project]
name = "orders"
version = "1"
requires-python = ">=3.11"
dependencies = ["example"]
"""


def examples(language: str) -> list[str]:
    """The README's blocks of *language*."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project that the README's example is written for, locked against an index of the test's own."""
    make_wheel(tmp_path / "wheels", "example")
    folder = tmp_path / "project"
    for path, text in {
        "pyproject.toml": PYPROJECT,
        "requirements.txt": "example\n",
        "src/orders/__init__.py": "import example\n",
        "functions/orders/app.py": "import orders\n\n\ndef lambda_handler(event, context):\n    return event\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def lock(project: Path, index: LocalIndex) -> None:
    environment = os.environ | {"UV_DEFAULT_INDEX": index.url, "UV_NO_CONFIG": "1"}
    subprocess.run([find_uv_bin(), "lock", "--quiet"], cwd=project, env=environment, check=True)


@pytest.mark.terraform
@pytest.mark.slow
def test_the_example_applies(project: Path, tmp_path: Path) -> None:
    (project / "modules").symlink_to(ROOT / "modules", target_is_directory=True)
    (project / "python").symlink_to(ROOT / "python", target_is_directory=True)
    (hcl,) = examples("hcl")
    (project / "main.tf").write_text(f'provider "aws" {{\n  region = "eu-west-1"\n}}\n\n{hcl}')
    with LocalIndex(tmp_path / "wheels") as index, start_ministack() as aws:
        lock(project, index)
        aws.make_bucket("acme-artifacts")
        terraform = Terraform(project, environment=aws.environment)
        terraform.init()
        terraform.apply()
        function = aws.client("lambda").get_function(FunctionName="orders")["Configuration"]
        planned = terraform.run("plan", "-no-color")

    assert [layer["Arn"].split(":")[-2] for layer in function["Layers"]] == ["orders-dependencies", "orders-package"]
    assert "No changes." in planned.stdout


def test_the_commands_run(project: Path, tmp_path: Path) -> None:
    (commands,) = [block for block in examples("sh") if "layerwright" in block]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "python")}
    with LocalIndex(tmp_path / "wheels") as index:
        lock(project, index)
        environment |= {"UV_DEFAULT_INDEX": index.url, "UV_NO_CONFIG": "1"}
        for line in commands.splitlines():
            command = [sys.executable, "-m", *shlex.split(line, comments=True)]
            ran = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stderr

    assert (project / "layer.zip").exists()


def test_every_path_it_names_is_there() -> None:
    """A link that leads nowhere is the first thing that a visitor sees."""
    named = re.findall(r"\]\((?!https?:)([^)#]+)", README)

    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
