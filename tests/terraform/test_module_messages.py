"""What the modules say when a plan cannot be right: the name of what is wrong, and the way out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from support.terraform import ROOT, Terraform, write_root

pytestmark = [
    pytest.mark.terraform,
    pytest.mark.skipif(not shutil.which("terraform"), reason="Terraform is not installed"),
]

ARN = "arn:aws:lambda:eu-west-1:123456789012:layer"

FUNCTIONS = {
    "too-many": f'layers = [for name in ["a", "b", "c", "d", "e", "f"] : {{ arn = "{ARN}:${{name}}:1", name = name }}]',
    "too-large": f'layers = [{{ arn = "{ARN}:numbers:1", name = "numbers", unzipped_size = 262144000 }}]',
    "other-runtime": f'layers = [{{ arn = "{ARN}:old:1", name = "old", compatible_runtimes = ["python3.9"] }}]',
    "other-architecture": f'layers = [{{ arn = "{ARN}:arm:1", compatible_architectures = ["arm64"] }}]',
    "other-region": 'layers = [{ arn = "arn:aws:lambda:us-east-1:123456789012:layer:far:1" }]',
    "python-path": f'layers = [{{ arn = "{ARN}:tools:1" }}]\n  environment = {{ PYTHONPATH = "/var/task/lib" }}',
}

EXPECTED = {
    "too-many": "Function too-many has 6 layers and Lambda takes 5 (a, b, c, d, e, f): make one layer of two,",
    "too-large": "Function too-large and its layers unzip to 262144001 bytes and Lambda takes 262144000 "
    "(the function 1, numbers 262144000): take fewer distributions",
    "other-runtime": "Function other-runtime runs on python3.13 and its layer old is for python3.9: "
    "add python3.13 to the layer's compatible_runtimes",
    "other-architecture": "Function other-architecture runs on x86_64 and its layer layers[0] is for arm64: "
    "add x86_64 to the layer's compatible_architectures",
    "other-region": "Function other-region is in eu-west-1 and a layer of it "
    "(arn:aws:lambda:us-east-1:123456789012:layer:far:1) is not:",
    "python-path": "Function python-path sets PYTHONPATH without /opt/python, so Python would not look into its "
    "layers: leave PYTHONPATH out, or add :/opt/python to it.",
    "far": "Layer far: bucket acme-artifacts is in us-east-1 and the layer in eu-west-1, and Lambda takes archives "
    "from its own region only: give store a bucket in eu-west-1.",
}

MAIN = """
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
}

module "far" {
  source     = "./modules/lambda-layer"
  layer_name = "far"
  runtime    = "python3.13"
  archive    = { s3_bucket = "acme-artifacts", s3_key = "layer.zip", s3_region = "us-east-1" }
}
"""

FUNCTION = """
module "{name}" {{
  source        = "./modules/lambda-function-with-layers"
  function_name = "{name}"
  handler       = "app.lambda_handler"
  runtime       = "python3.13"
  role          = {{ arn = "arn:aws:iam::123456789012:role/shared" }}
  archive       = {{ s3_bucket = "acme-artifacts", s3_key = "function.zip", unzipped_size = 1 }}
  {arguments}
}}
"""


def test_a_plan_names_what_is_wrong_and_the_way_out(tmp_path: Path) -> None:
    """AWS says these things late, after half of the stack was changed, and without the name of the layer."""
    (tmp_path / "modules").symlink_to(ROOT / "modules", target_is_directory=True)
    functions = "".join(FUNCTION.format(name=name, arguments=arguments) for name, arguments in FUNCTIONS.items())
    terraform = Terraform(write_root(tmp_path, main=MAIN + functions))
    terraform.init()

    planned = terraform.run("plan", "-no-color")

    # Terraform breaks lines where its terminal would.
    said = re.sub(r"\s+", " ", re.sub(r"^[│╷╵]", "", planned.stderr, flags=re.MULTILINE))
    assert {name: text for name, text in EXPECTED.items() if text not in said} == {}
    assert said.count("Error:") == len(EXPECTED)
