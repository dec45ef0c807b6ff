"""Terraform, run for real in a folder of the test's own.

    example = Terraform(copy_root(ROOT / "examples" / "layered-function", tmp_path), environment=aws.environment)
    example.init()
    example.apply(tf_vars={"bucket": "artifacts"})
    assert example.output()["layers"]
    assert example.plan(output=True).resource_changes["aws_s3_bucket.this"]["change"]["actions"] == ["no-op"]
    example.destroy(tf_vars={"bucket": "artifacts"})

The commands and what they return are tftest's. No pytest in here.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import tftest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]

COMMAND_SECONDS = 600
"""How long one Terraform command may take."""


class Terraform(tftest.TerraformTest):  # type: ignore[misc]
    """Terraform in *folder*, where its state and data go; of the caller's own settings for it only TF_VAR_* count."""

    def __init__(
        self,
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        configuration: Path | None = None,
        binary: str = "terraform",
    ) -> None:
        super().__init__(str(folder), binary=binary)
        self.env = terraform_environment(os.environ | dict(environment or {}), configuration or cli_configuration())

    def init(self, **options: Any) -> str:
        """Initialise the folder; of several at once one at a time, as they share a plugin cache."""
        (ROOT / "build").mkdir(exist_ok=True)
        with FileLock(ROOT / "build" / "terraform-init.lock"):
            output: str = super().init(**options)
        return output

    def execute_command(self, cmd: str, *cmd_args: str) -> tftest.TerraformCommandOutput:
        """Run a command of Terraform's; raises `tftest.TerraformTestError` with all that it printed if it fails.

        Unlike tftest's own, it gives Terraform no stdin and reads stderr while stdout is still coming.
        """
        done = self.run(cmd, *cmd_args)
        if done.returncode not in (0, 2):  # 2: plan -detailed-exitcode has changes
            told = f"terraform {' '.join([cmd, *cmd_args])}: exit status {done.returncode} in {self.tfdir}"
            raise tftest.TerraformTestError(f"{told}\n{done.stdout}\n{done.stderr}", done.stderr)
        return tftest.TerraformCommandOutput(done.returncode, done.stdout, done.stderr)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Terraform's and return how it ended, whatever that is."""
        return subprocess.run(
            [self.binary, *command],
            cwd=self.tfdir,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=COMMAND_SECONDS,
            check=False,
        )


def terraform_environment(base: Mapping[str, str], configuration: Path) -> dict[str, str]:
    """Return *base* without the caller's TF_* and with ours, and with this Python as `python3`.

    This Python has layerwright's dependencies, so that no environment is made for a test.
    """
    kept = {name: value for name, value in base.items() if not name.startswith("TF_") or name.startswith("TF_VAR_")}
    return kept | {
        "CHECKPOINT_DISABLE": "1",  # no asking for newer versions
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), base.get("PATH", os.defpath)]),
        "TF_CLI_CONFIG_FILE": str(configuration),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
    }


@cache
def cli_configuration() -> Path:
    """Write the CLI configuration that says where providers come from, once a process; returns its path."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "providers.py")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Path(done.stdout.strip())


def copy_root(source: Path, folder: Path) -> Path:
    """Copy a root module of the repository to where its relative paths to `modules` and `python` still hold."""
    for shared in ("modules", "python"):
        if not (folder / shared).exists():
            (folder / shared).symlink_to(ROOT / shared, target_is_directory=True)
    target = folder / source.relative_to(ROOT)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".terraform*", "terraform.tfstate*", ".layerwright"))
    return target


def write_root(folder: Path, **files: str) -> Path:
    """Write a root module of *files*: `write_root(tmp_path, main='output "one" { value = 1 }')`; returns *folder*."""
    for name, text in files.items():
        (folder / f"{name}.tf").write_text(text, encoding="utf-8")
    return folder


def load_tool(name: str) -> Any:
    """Import `tools/{name}.py`, which no search path has."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module
