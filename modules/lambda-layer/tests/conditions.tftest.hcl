# What stops a plan, and what it says instead of AWS.

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

run "accepts_a_bucket_of_the_layers_region" {
  command = plan

  assert {
    condition     = local.package.s3_region == data.aws_region.this.id
    error_message = "The case that is accepted is not this one."
  }
}

run "accepts_a_bucket_whose_region_nobody_told" {
  command = plan

  variables {
    archive = { s3_bucket = "acme-artifacts", s3_key = "orders.zip" }
  }

  assert {
    condition     = local.package.s3_region == null
    error_message = "The case that is accepted is not this one."
  }
}

run "refuses_a_bucket_of_another_region" {
  command = plan

  variables {
    archive = { s3_bucket = "acme-artifacts", s3_key = "orders.zip", s3_region = "us-east-1" }
  }

  expect_failures = [aws_lambda_layer_version.this]
}

run "accepts_as_many_bytes_as_lambda_unzips" {
  command = plan

  variables {
    archive = { s3_bucket = "acme-artifacts", s3_key = "orders.zip", unzipped_size = 262144000 }
  }

  assert {
    condition     = local.package.unzipped_size == local.unzipped_limit
    error_message = "The case that is accepted is not this one."
  }
}

run "refuses_one_byte_more_than_lambda_unzips" {
  command = plan

  variables {
    archive = { s3_bucket = "acme-artifacts", s3_key = "orders.zip", unzipped_size = 262144001 }
  }

  expect_failures = [aws_lambda_layer_version.this]
}

run "accepts_an_archive_that_serves_more_than_is_asked_for" {
  command = plan

  variables {
    archive = {
      s3_bucket                = "acme-artifacts"
      s3_key                   = "orders.zip"
      compatible_runtimes      = "[\"python3.13\", \"python3.12\"]"
      compatible_architectures = "[\"x86_64\", \"arm64\"]"
    }
  }

  assert {
    condition     = length(local.package.runtimes) == 2 && length(local.package.architectures) == 2
    error_message = "The case that is accepted is not this one."
  }
}

run "refuses_an_archive_for_another_runtime" {
  command = plan

  variables {
    archive = { s3_bucket = "acme-artifacts", s3_key = "orders.zip", compatible_runtimes = "[\"python3.12\"]" }
  }

  expect_failures = [aws_lambda_layer_version.this]
}

run "refuses_an_archive_for_another_architecture" {
  command = plan

  variables {
    archive = { s3_bucket = "acme-artifacts", s3_key = "orders.zip", compatible_architectures = "[\"arm64\"]" }
  }

  expect_failures = [aws_lambda_layer_version.this]
}

run "shows_what_the_program_warns_of" {
  command = plan

  override_data {
    target = data.external.package
    values = {
      result = {
        s3_bucket = "acme-artifacts"
        s3_key    = "layers/layer-0123456789abcdef.zip"
        warnings  = "[\"python3.13: without support since 2029-06-30\"]"
      }
    }
  }

  expect_failures = [check.warnings]
}
