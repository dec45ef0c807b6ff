# What each variable takes and refuses.

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
}

run "accepts_values_at_the_edge_of_every_rule" {
  command = plan

  variables {
    function_name = join("", [for i in range(64) : "a"])
    architecture  = "arm64"
    archive       = { filename = "function-0123456789abcdef.zip" }
    dependencies  = { lock_file = "requirements-prod.lock", format = "requirements" }
    description   = join("", [for i in range(256) : "d"])
    handler       = "web/main.handle_2"
    layers        = [{ arn = "arn:aws-us-gov:lambda:eu-west-1:123456789012:layer:tools:12" }]
    logs          = { retention_in_days = 0 }
    memory_size   = 10240
    permissions   = { policies = { none = "{}" } }
    program       = ["layerwright"]
    store         = { bucket = "a-1.b", prefix = "team/functions/" }
    timeout       = 900
    tracing_mode  = "PassThrough"
    upload_at     = "never"
  }

  assert {
    condition     = aws_lambda_function.this.filename == "${path.root}/.layerwright/function-0123456789abcdef.zip"
    error_message = "The values are accepted and then not used."
  }
}

run "accepts_values_at_the_lower_edge_of_every_rule" {
  command = plan

  variables {
    handler     = "a.b"
    memory_size = 128
    timeout     = 1
  }

  assert {
    condition     = aws_lambda_function.this.handler == "a.b"
    error_message = "The values are accepted and then not used."
  }
}

run "refuses_values_beyond_every_rule" {
  command = plan

  variables {
    architecture  = "aarch64"                                                       # an architecture of a wheel tag
    archive       = { s3_bucket = "acme-artifacts" }                                # an archive that is nowhere
    dependencies  = { lock_file = "conda.lock", format = "conda" }                  # a format of lock file that is not known
    description   = join("", [for i in range(257) : "d"])                           # a description that lambda would refuse
    function_name = "take orders"                                                   # a function name with a space
    handler       = "app"                                                           # the file of a handler
    layers        = [{ arn = "arn:aws:lambda:eu-west-1:123456789012:layer:tools" }] # the arn of a layer without its version
    logs          = { retention_in_days = 100 }                                     # a retention that cloudwatch does not have
    memory_size   = 127                                                             # too little memory
    permissions   = { policies = { read = "AmazonSQSReadOnlyAccess" } }             # the name of a policy in place of its document
    program       = []                                                              # an empty program
    runtime       = "nodejs22.x"                                                    # a runtime without python
    store         = { bucket = "s3://acme-artifacts" }                              # the url of a bucket
    timeout       = 0                                                               # no time at all
    tracing_mode  = "On"                                                            # a tracing mode that does not exist
    upload_at     = "always"                                                        # a time of upload that does not exist
  }

  expect_failures = [
    var.architecture,
    var.archive,
    var.dependencies,
    var.description,
    var.function_name,
    var.handler,
    var.layers,
    var.logs,
    var.memory_size,
    var.permissions,
    var.program,
    var.runtime,
    var.store,
    var.timeout,
    var.tracing_mode,
    var.upload_at,
  ]
}

run "refuses_values_beyond_the_other_end_of_a_rule" {
  command = plan

  variables {
    archive       = { s3_bucket = "acme-artifacts", s3_key = "orders.zip", filename = "orders.zip" } # an archive that is in two places
    function_name = join("", [for i in range(65) : "a"])                                             # a function name that is too long
    handler       = "app.lambda-handler"                                                             # a handler that is no name
    memory_size   = 10241                                                                            # too much memory
    store         = { bucket = "acme-artifacts", prefix = "/functions/" }                            # a prefix that begins with a slash
    timeout       = 901                                                                              # more time than lambda gives
  }

  expect_failures = [
    var.archive,
    var.function_name,
    var.handler,
    var.memory_size,
    var.store,
    var.timeout,
  ]
}
