"""Bucket, layer and function from one configuration, applied to AWS on this machine."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.aws import start_ministack
from support.terraform import ROOT, Terraform, write_root

pytestmark = [
    pytest.mark.slow,
    pytest.mark.terraform,
    pytest.mark.skipif(not shutil.which("terraform"), reason="Terraform is not installed"),
]

MAIN = """
provider "aws" {
  s3_use_path_style = true
}

variable "reader" {
  default = "111122223333"
}

variable "upload_at" {
  default = "plan"
}

module "artifacts" {
  source  = "./modules/artifact-bucket"
  bucket  = "acme-artifacts"
  readers = { account_ids = [var.reader] }
}

module "package" {
  source     = "./modules/lambda-layer"
  layer_name = "orders-package"
  runtime    = "python3.13"
  sources    = [{ path = "${path.root}/src/orders" }]
  store      = module.artifacts.store
  upload_at  = var.upload_at
}

module "function" {
  source        = "./modules/lambda-function-with-layers"
  function_name = "orders"
  handler       = "app.lambda_handler"
  runtime       = "python3.13"
  sources       = [{ path = "${path.root}/functions/orders" }]
  layers        = [module.package.layer]
  environment   = { GREETING = "hello" }
  tracing_mode  = "Active"
  store         = merge(module.artifacts.store, { prefix = "functions/" })
  upload_at     = var.upload_at
}
"""

TARGETS = ("-target=module.package", "-target=module.function")
"""Everything but the bucket's lifecycle rules, for which the provider waits a minute."""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Terraform]:
    """The configuration above, initialised, with an AWS of its own."""
    for shared in ("modules", "python"):
        (tmp_path / shared).symlink_to(ROOT / shared, target_is_directory=True)
    files = {
        "src/orders/__init__.py": "GREETED = []\n",
        "functions/orders/app.py": "def lambda_handler(event, context):\n    return event\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    with start_ministack() as aws:
        terraform = Terraform(write_root(tmp_path, main=MAIN), environment=aws.environment)
        terraform.init()
        yield terraform


def plan(stack: Terraform, *options: str) -> dict[str, Any]:
    """Plan and return what Terraform would do: address → planned change."""
    planned = stack.run("plan", *TARGETS, "-out=planned", "-no-color", *options)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    shown = json.loads(stack.run("show", "-json", "planned").stdout)
    return {change["address"]: change["change"] for change in shown.get("resource_changes", ())}


def apply(stack: Terraform, *options: str) -> None:
    """Apply without asking."""
    applied = stack.run("apply", *TARGETS, "-auto-approve", "-no-color", *options)
    assert applied.returncode == 0, applied.stdout + applied.stderr


def actions(changes: dict[str, Any]) -> dict[str, list[str]]:
    """Address → actions of all that is not left as it is."""
    return {address: change["actions"] for address, change in changes.items() if change["actions"] != ["no-op"]}


def test_one_apply_makes_the_bucket_and_all_that_is_kept_in_it(stack: Terraform) -> None:
    """A first apply needs no second one, and no plan after it finds anything to do."""
    first = plan(stack)
    assert first["module.package.aws_lambda_layer_version.this"]["after_unknown"]["s3_key"] is True

    apply(stack)
    assert actions(plan(stack)) == {}

    # A pending change of the bucket must not put the program off to the apply: the layer would be published again.
    changed = plan(stack, "-var=reader=999988887777")
    assert actions(changed) == {"module.artifacts.aws_s3_bucket_policy.this": ["update"]}


def test_new_contents_replace_the_layer_before_the_old_version_goes(stack: Terraform) -> None:
    """Between the two there is no moment in which the function has no layer; and a saved plan holds what it showed."""
    apply(stack)
    package = Path(stack.tfdir) / "src" / "orders" / "__init__.py"
    package.write_text("GREETED = ['all']\n", encoding="utf-8")

    changes = plan(stack)

    assert actions(changes) == {
        "module.package.aws_lambda_layer_version.this": ["create", "delete"],
        "module.function.aws_lambda_function.this": ["update"],
    }
    planned = changes["module.package.aws_lambda_layer_version.this"]["after"]
    applied = stack.run("apply", "-no-color", "planned")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    state = json.loads(stack.run("show", "-json").stdout)["values"]["root_module"]["child_modules"]
    [layer] = [r for m in state for r in m["resources"] if r["type"] == "aws_lambda_layer_version"]
    assert layer["values"]["code_sha256"] == planned["source_code_hash"]


def test_upload_at_apply_stores_nothing_in_the_plan(stack: Terraform) -> None:
    """Some may plan who may not write to the bucket; what is built is then built by who applies."""
    apply(stack, "-var=upload_at=apply")
    package = Path(stack.tfdir) / "src" / "orders" / "__init__.py"
    package.write_text("GREETED = ['all']\n", encoding="utf-8")

    before = list_keys(stack)
    changes = plan(stack, "-var=upload_at=apply")
    assert list_keys(stack) == before
    assert actions(changes)["module.package.terraform_data.build[0]"] == ["create", "delete"]

    applied = stack.run("apply", "-no-color", "planned")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert changes["module.package.aws_lambda_layer_version.this"]["after"]["s3_key"] in list_keys(stack) - before
    assert actions(plan(stack, "-var=upload_at=apply")) == {}


def list_keys(stack: Terraform) -> set[str]:
    """Keys of the bucket of *stack*."""
    from boto3.session import Session

    session = Session("test", "test", region_name=stack.env["AWS_REGION"])
    with contextlib.closing(session.client("s3", endpoint_url=stack.env["AWS_ENDPOINT_URL"])) as s3:
        return {item["Key"] for item in s3.list_objects_v2(Bucket="acme-artifacts").get("Contents", ())}
