# What stops a plan because of a layer.

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

run "accepts_five_layers" {
  command = plan

  variables {
    layers = [for i in range(5) : { arn = "arn:aws:lambda:eu-west-1:123456789012:layer:number-${i}:1" }]
  }

  assert {
    condition     = length(aws_lambda_function.this.layers) == 5
    error_message = "The case that is accepted is not this one."
  }
}

run "refuses_a_sixth_layer" {
  command = plan

  variables {
    layers = [for i in range(6) : { arn = "arn:aws:lambda:eu-west-1:123456789012:layer:number-${i}:1", name = "number-${i}" }]
  }

  expect_failures = [aws_lambda_function.this]
}

run "accepts_as_many_bytes_as_lambda_unzips" {
  command = plan

  variables {
    layers = [
      { arn = "arn:aws:lambda:eu-west-1:123456789012:layer:large:1", unzipped_size = 262139000 },
      { arn = "arn:aws:lambda:eu-west-1:123456789012:layer:small:1", unzipped_size = 904 },
      { arn = "arn:aws:lambda:eu-west-1:123456789012:layer:unknown:1" },
    ]
  }

  assert {
    condition     = output.total_unzipped_size == 262144000
    error_message = "The case that is accepted is not this one."
  }
}

run "refuses_one_byte_more_than_lambda_unzips" {
  command = plan

  variables {
    layers = [
      { arn = "arn:aws:lambda:eu-west-1:123456789012:layer:large:1", unzipped_size = 262139000 },
      { arn = "arn:aws:lambda:eu-west-1:123456789012:layer:small:1", unzipped_size = 905 },
    ]
  }

  expect_failures = [aws_lambda_function.this]
}

run "accepts_a_layer_for_its_runtime_among_others" {
  command = plan

  variables {
    layers = [{
      arn                      = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:1"
      compatible_runtimes      = ["python3.12", "python3.13"]
      compatible_architectures = ["arm64", "x86_64"]
    }]
  }

  assert {
    condition     = length(local.layers_of_other_runtimes) + length(local.layers_of_other_architectures) == 0
    error_message = "The case that is accepted is not this one."
  }
}

run "refuses_a_layer_for_another_runtime" {
  command = plan

  variables {
    layers = [{
      arn                 = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:1"
      name                = "tools"
      compatible_runtimes = ["python3.12"]
    }]
  }

  expect_failures = [aws_lambda_function.this]
}

run "refuses_a_layer_for_another_architecture" {
  command = plan

  variables {
    layers = [{
      arn                      = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:1"
      compatible_architectures = ["arm64"]
    }]
  }

  expect_failures = [aws_lambda_function.this]
}

run "refuses_a_layer_of_another_region" {
  command = plan

  variables {
    layers = [
      { arn = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:1" },
      { arn = "arn:aws:lambda:us-east-1:123456789012:layer:tools:1" },
    ]
  }

  expect_failures = [aws_lambda_function.this]
}

run "accepts_a_python_path_with_the_layers_in_it" {
  command = plan

  variables {
    environment = { PYTHONPATH = "/var/task/vendor:/opt/python" }
    layers      = [{ arn = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:1" }]
  }

  assert {
    condition     = length(var.layers) > 0
    error_message = "The case that is accepted is not this one."
  }
}

run "accepts_any_python_path_without_layers" {
  command = plan

  variables {
    environment = { PYTHONPATH = "/var/task/vendor" }
  }

  assert {
    condition     = length(var.layers) == 0
    error_message = "The case that is accepted is not this one."
  }
}

run "refuses_a_python_path_without_the_layers_in_it" {
  command = plan

  variables {
    environment = { PYTHONPATH = "/var/task/vendor" }
    layers      = [{ arn = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:1" }]
  }

  expect_failures = [aws_lambda_function.this]
}
