"""Each module by itself: its native tests with mocked providers, and its copy of versions.tf."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.terraform import ROOT, Terraform, load_tool

MODULES = sorted(path.parent.name for path in ROOT.glob("modules/*/versions.tf"))

CONSTRAINTS = (ROOT / "versions.tf").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.terraform
@pytest.mark.skipif(not shutil.which("terraform"), reason="Terraform is not installed")
@pytest.mark.parametrize("module", MODULES)
def test_native_tests_pass(module: str, tmp_path: Path) -> None:
    """They hold an accepted and a refused case for each rule that a module has for its callers."""
    folder = tmp_path / "modules" / module
    shutil.copytree(ROOT / "modules" / module, folder, ignore=shutil.ignore_patterns(".terraform*"))
    terraform = Terraform(folder)
    terraform.init()

    tested = terraform.run("test", "-no-color")

    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert ", 0 failed" in tested.stdout


def test_every_module_asks_for_the_versions_of_the_root() -> None:
    """Two modules that ask for different providers cannot be used together."""
    assert not load_tool("versions").list_stale(ROOT)


def test_a_module_asks_only_for_providers_that_it_uses(tmp_path: Path) -> None:
    """Who makes a bucket need not let Terraform install a provider that runs programs."""
    (tmp_path / "versions.tf").write_text(CONSTRAINTS, encoding="utf-8")
    module = tmp_path / "modules" / "bucket"
    module.mkdir(parents=True)
    (module / "main.tf").write_text('resource "aws_s3_bucket" "this" {}\n', encoding="utf-8")

    [(path, text)] = load_tool("versions").list_stale(tmp_path).items()

    assert path == module / "versions.tf"
    assert "hashicorp/aws" in text
    assert "hashicorp/external" not in text


def test_a_copy_that_somebody_changed_is_stale(tmp_path: Path) -> None:
    """A constraint that is raised in one module alone is lost with the next copy."""
    (tmp_path / "versions.tf").write_text(CONSTRAINTS, encoding="utf-8")
    module = tmp_path / "modules" / "layer"
    module.mkdir(parents=True)
    (module / "package.tf").write_text('data "external" "package" {}\n', encoding="utf-8")
    versions = load_tool("versions")
    [(path, text)] = versions.list_stale(tmp_path).items()

    path.write_text(text, encoding="utf-8")
    assert not versions.list_stale(tmp_path)

    path.write_text(text.replace(">= 2.3", ">= 2.4"), encoding="utf-8")
    assert versions.list_stale(tmp_path) == {path: text}
