# Whether what Lambda published is what was planned. The refused case comes first: a second apply finds the layer in its state.

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

run "refuses_a_published_archive_that_is_not_the_planned_one" {
  variables {
    archive = {
      s3_bucket        = "acme-artifacts"
      s3_key           = "orders.zip"
      source_code_hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    }
  }

  expect_failures = [aws_lambda_layer_version.this]
}

run "accepts_a_published_archive_that_is_the_planned_one" {
  assert {
    condition     = aws_lambda_layer_version.this.code_sha256 == local.package.source_code_hash
    error_message = "The case that is accepted is not this one."
  }
}
