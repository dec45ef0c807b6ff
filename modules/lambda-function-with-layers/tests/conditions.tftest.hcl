# What stops a plan, and what it says instead of AWS.

mock_provider "aws" {
  source = "./tests/mocks/aws"
}

mock_provider "external" {
  source = "./tests/mocks/external"
}

variables {
  function_name = "orders"
  runtime       = "python3.13"
  sources       = [{ path = "functions/orders" }]
  store         = { bucket = "acme-artifacts", prefix = "functions/" }
}

run "accepts_a_bucket_of_the_functions_region" {
  command = plan

  assert {
    condition     = local.package.s3_region == data.aws_region.this.id
    error_message = "The case that is accepted is not this one."
  }
}

run "accepts_a_bucket_whose_region_nobody_told" {
  command = plan

  variables {
    archive = { s3_bucket = "acme-artifacts", s3_key = "orders.zip", handler = "app.handler" }
  }

  assert {
    condition     = local.package.s3_region == null
    error_message = "The case that is accepted is not this one."
  }
}

run "refuses_a_bucket_of_another_region" {
  command = plan

  variables {
    archive = { s3_bucket = "acme-artifacts", s3_key = "orders.zip", handler = "app.handler", s3_region = "us-east-1" }
  }

  expect_failures = [aws_lambda_function.this]
}

run "refuses_an_archive_for_another_runtime" {
  command = plan

  variables {
    archive = {
      s3_bucket           = "acme-artifacts"
      s3_key              = "orders.zip"
      handler             = "app.handler"
      compatible_runtimes = "[\"python3.12\"]"
    }
  }

  expect_failures = [aws_lambda_function.this]
}

run "refuses_an_archive_for_another_architecture" {
  command = plan

  variables {
    archive = {
      s3_bucket                = "acme-artifacts"
      s3_key                   = "orders.zip"
      handler                  = "app.handler"
      compatible_architectures = "[\"arm64\"]"
    }
  }

  expect_failures = [aws_lambda_function.this]
}

run "accepts_an_archive_whose_handler_the_caller_knows" {
  command = plan

  variables {
    archive = { s3_bucket = "acme-artifacts", s3_key = "orders.zip" }
    handler = "app.handler"
  }

  assert {
    condition     = aws_lambda_function.this.handler == "app.handler"
    error_message = "The case that is accepted is not this one."
  }
}

run "refuses_an_archive_whose_handler_nobody_knows" {
  command = plan

  variables {
    archive = { s3_bucket = "acme-artifacts", s3_key = "orders.zip" }
  }

  expect_failures = [aws_lambda_function.this]
}

run "refuses_permissions_that_nobody_would_get" {
  command = plan

  variables {
    role        = { arn = "arn:aws:iam::123456789012:role/shared" }
    permissions = { policy_arns = { read = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess" } }
  }

  expect_failures = [aws_lambda_function.this]
}

run "shows_what_the_program_warns_of" {
  command = plan

  override_data {
    target = data.external.package
    values = {
      result = {
        s3_bucket = "acme-artifacts"
        s3_key    = "functions/function-0123456789abcdef.zip"
        handler   = "app.lambda_handler"
        warnings  = "[\"python3.13: without support since 2029-06-30\"]"
      }
    }
  }

  expect_failures = [check.warnings]
}
