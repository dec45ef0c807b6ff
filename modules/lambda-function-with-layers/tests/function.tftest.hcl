# What is deployed, and what others learn of it.

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

run "deploys_the_stored_archive" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.this.s3_bucket == "acme-artifacts"
      && aws_lambda_function.this.s3_key == "functions/function-0123456789abcdef.zip"
      && aws_lambda_function.this.source_code_hash == "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
      && aws_lambda_function.this.filename == null
    )
    error_message = "The function does not name the archive that the program stored."
  }

  assert {
    condition     = aws_lambda_function.this.s3_object_version == "3sL4kqtJlcpXroDTDmJ"
    error_message = "Code that replaced the object after the plan would run."
  }
}

run "finds_the_handler_and_describes_itself" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.this.handler == "app.lambda_handler"
      && output.handler == "app.lambda_handler"
      && aws_lambda_function.this.description == "0123456789abcdef: idna==3.10 and own sources"
    )
    error_message = "What the program found does not reach the function."
  }
}

run "what_the_caller_writes_wins_over_what_the_program_says" {
  command = plan

  variables {
    handler     = "web/main.handle"
    description = "Takes orders"
  }

  assert {
    condition = (
      aws_lambda_function.this.handler == "web/main.handle"
      && aws_lambda_function.this.description == "Takes orders"
    )
    error_message = "The caller's handler or description is lost."
  }
}

run "starts_with_what_lambda_starts_with" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.this.architectures == tolist(["x86_64"])
      && aws_lambda_function.this.memory_size == 128
      && aws_lambda_function.this.timeout == 3
      && !aws_lambda_function.this.publish
      && aws_lambda_function.this.tracing_config[0].mode == "PassThrough"
    )
    error_message = "A function without settings is not what Lambda's defaults would make."
  }
}

run "passes_settings_on" {
  command = plan

  variables {
    architecture = "arm64"
    archive      = { s3_bucket = "acme-artifacts", s3_key = "orders.zip", handler = "app.handler" }
    environment  = { TABLE = "orders" }
    memory_size  = 1024
    publish      = true
    tags         = { team = "orders" }
    timeout      = 30
    tracing_mode = "Active"
  }

  assert {
    condition = (
      aws_lambda_function.this.architectures == tolist(["arm64"])
      && aws_lambda_function.this.environment[0].variables == tomap({ TABLE = "orders" })
      && aws_lambda_function.this.memory_size == 1024
      && aws_lambda_function.this.publish
      && aws_lambda_function.this.tags == tomap({ team = "orders" })
      && aws_lambda_function.this.timeout == 30
      && aws_lambda_function.this.tracing_config[0].mode == "Active"
    )
    error_message = "A setting is lost."
  }
}

run "keeps_the_order_of_its_layers" {
  command = plan

  variables {
    layers = [
      { arn = "arn:aws:lambda:eu-west-1:123456789012:layer:zebra:1" },
      { arn = "arn:aws:lambda:eu-west-1:123456789012:layer:ant:22" },
      { arn = "arn:aws:lambda:eu-west-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-x86_64:7" },
    ]
  }

  assert {
    condition = aws_lambda_function.this.layers == tolist([
      "arn:aws:lambda:eu-west-1:123456789012:layer:zebra:1",
      "arn:aws:lambda:eu-west-1:123456789012:layer:ant:22",
      "arn:aws:lambda:eu-west-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-x86_64:7",
    ])
    error_message = "A later layer overwrites the files of an earlier one, so that another order is another function."
  }
}

run "an_applied_function_says_where_it_is" {
  variables {
    layers = [{ arn = "arn:aws:lambda:eu-west-1:123456789012:layer:zebra:1", unzipped_size = 1000000 }]
  }

  assert {
    condition = (
      output.arn == "arn:aws:lambda:eu-west-1:123456789012:function:orders"
      && output.function_name == "orders"
      && endswith(output.invoke_arn, "/invocations")
      && output.qualified_arn == "${output.arn}:3"
      && output.version == "3"
      && output.layers == tolist(["arn:aws:lambda:eu-west-1:123456789012:layer:zebra:1"])
    )
    error_message = "The outputs do not name the function."
  }

  assert {
    condition = (
      output.key == "functions/function-0123456789abcdef.zip"
      && startswith(output.digest, "0123456789abcdef")
      && output.source_code_hash == "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
      && output.packages == tolist(["idna==3.10"])
      && output.unzipped_size == 4096
      && output.zip_size == 1024
      && output.total_unzipped_size == 1004096
      && length(output.warnings) == 0
    )
    error_message = "The outputs do not say what the program said."
  }
}
