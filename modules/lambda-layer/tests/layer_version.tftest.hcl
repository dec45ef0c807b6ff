# What is published, and what others learn of it.

mock_provider "aws" {
  source = "./tests/mocks/aws"
}

mock_provider "external" {
  source = "./tests/mocks/external"
}

variables {
  layer_name   = "orders"
  runtime      = "python3.13"
  dependencies = { lock_file = "uv.lock" }
  store        = { bucket = "acme-artifacts", prefix = "layers/" }
}

run "publishes_the_stored_archive_by_its_key_and_hash" {
  command = plan

  assert {
    condition = (
      aws_lambda_layer_version.this.s3_bucket == "acme-artifacts"
      && aws_lambda_layer_version.this.s3_key == "layers/layer-0123456789abcdef.zip"
      && aws_lambda_layer_version.this.source_code_hash == "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
      && aws_lambda_layer_version.this.filename == null
    )
    error_message = "The layer version does not name the archive that the program stored."
  }

  assert {
    condition     = aws_lambda_layer_version.this.description == "0123456789abcdef: idna==3.10, requests==2.32.5"
    error_message = "The layer version does not say what it holds."
  }
}

run "does_not_republish_an_object_that_was_stored_again" {
  command = plan

  assert {
    condition     = aws_lambda_layer_version.this.s3_object_version == null
    error_message = "An object that is deleted and built anew with the same bytes would publish another layer version."
  }
}

run "keeps_old_versions_unless_told_otherwise" {
  command = plan

  assert {
    condition     = aws_lambda_layer_version.this.skip_destroy
    error_message = "Old versions would go, and with them other stacks' functions and every rollback."
  }
}

run "serves_further_runtimes_and_architectures" {
  command = plan

  variables {
    compatible_runtimes      = ["python3.12"]
    compatible_architectures = ["arm64"]
  }

  override_data {
    target = data.external.package
    values = {
      result = {
        s3_bucket                = "acme-artifacts"
        s3_key                   = "layers/layer-0123456789abcdef.zip"
        compatible_runtimes      = "[\"python3.13\", \"python3.12\"]"
        compatible_architectures = "[\"x86_64\", \"arm64\"]"
      }
    }
  }

  assert {
    condition = (
      aws_lambda_layer_version.this.compatible_runtimes == toset(["python3.12", "python3.13"])
      && aws_lambda_layer_version.this.compatible_architectures == toset(["arm64", "x86_64"])
    )
    error_message = "The layer version does not say everything that it serves."
  }
}

run "what_the_caller_writes_wins_over_what_the_program_says" {
  command = plan

  variables {
    description  = "What orders needs"
    license_info = "MIT"
    skip_destroy = false
  }

  assert {
    condition = (
      aws_lambda_layer_version.this.description == "What orders needs"
      && aws_lambda_layer_version.this.license_info == "MIT"
      && !aws_lambda_layer_version.this.skip_destroy
    )
    error_message = "The caller's description, license or skip_destroy is lost."
  }
}

run "a_plan_knows_all_of_the_layer_but_its_arn" {
  command = plan

  assert {
    condition = (
      output.layer.name == "orders"
      && output.layer.unzipped_size == 4194304
      && output.layer.zip_size == 1048576
      && output.layer.compatible_runtimes == tolist(["python3.13"])
      && output.layer.compatible_architectures == tolist(["x86_64"])
      && output.layer.packages == tolist(["idna==3.10", "requests==2.32.5"])
      && output.layer.manifest == { bucket = "acme-artifacts", key = "layers/layer-0123456789abcdef.json" }
    )
    error_message = "A function's plan could not check this layer."
  }

  assert {
    condition = (
      output.key == "layers/layer-0123456789abcdef.zip"
      && startswith(output.digest, "0123456789abcdef")
      && output.source_code_hash == "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
      && output.unzipped_size == 4194304
      && output.zip_size == 1048576
      && output.packages == tolist(["idna==3.10", "requests==2.32.5"])
      && length(output.warnings) == 0
    )
    error_message = "The outputs do not say what the program said."
  }
}

run "an_applied_layer_has_arns_and_a_version" {
  assert {
    condition = (
      output.arn == "arn:aws:lambda:eu-west-1:123456789012:layer:orders:7"
      && output.layer.arn == output.arn
      && output.layer_arn == "arn:aws:lambda:eu-west-1:123456789012:layer:orders"
      && output.version == "7"
      && output.code_sha256 == output.source_code_hash
    )
    error_message = "The outputs do not name the published version."
  }
}
