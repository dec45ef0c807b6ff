# Who the function is, and what it may do.

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

run "makes_a_role_that_lambda_takes_on" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.this[0].assume_role_policy).Statement[0].Principal.Service == "lambda.amazonaws.com"
    error_message = "Lambda could not take on the role."
  }

  assert {
    condition     = aws_iam_role.this[0].name_prefix == "orders-"
    error_message = "The same function in another region would ask for a role that exists."
  }
}

run "a_long_name_still_makes_a_role" {
  command = plan

  variables {
    function_name = join("", [for i in range(64) : "a"])
  }

  assert {
    condition     = length(aws_iam_role.this[0].name_prefix) == 38
    error_message = "IAM takes prefixes of at most 38 characters."
  }
}

run "the_role_writes_to_its_own_log_group_and_no_other" {
  assert {
    condition = jsondecode(aws_iam_role_policy.logs[0].policy).Statement == [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/orders:*"
    }]
    error_message = "The policy is ${aws_iam_role_policy.logs[0].policy}"
  }

  assert {
    condition     = length(aws_iam_role_policy.tracing) == 0
    error_message = "The role may write traces that nobody asked for."
  }

  assert {
    condition     = output.role_arn == aws_lambda_function.this.role && output.role_name == "orders-20260101"
    error_message = "The function does not have the role that was made for it."
  }
}

run "active_tracing_may_write_traces" {
  command = plan

  variables {
    tracing_mode = "Active"
  }

  assert {
    condition     = contains(jsondecode(aws_iam_role_policy.tracing[0].policy).Statement[0].Action, "xray:PutTraceSegments")
    error_message = "Traces would be lost without a word."
  }
}

run "the_role_may_do_what_permissions_say" {
  command = plan

  variables {
    permissions = {
      policies    = { table = "{\"Version\": \"2012-10-17\", \"Statement\": []}" }
      policy_arns = { read = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess" }
      boundary    = "arn:aws:iam::123456789012:policy/boundary"
      path        = "/orders/"
    }
  }

  assert {
    condition = (
      aws_iam_role_policy.permissions["table"].name == "table"
      && aws_iam_role_policy_attachment.permissions["read"].policy_arn == "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"
      && aws_iam_role.this[0].permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
      && aws_iam_role.this[0].path == "/orders/"
    )
    error_message = "A permission or the role's boundary or path is lost."
  }
}

run "takes_a_role_that_exists" {
  variables {
    role         = { arn = "arn:aws:iam::123456789012:role/shared" }
    tracing_mode = "Active"
  }

  assert {
    condition = (
      aws_lambda_function.this.role == "arn:aws:iam::123456789012:role/shared"
      && output.role_arn == "arn:aws:iam::123456789012:role/shared"
      && output.role_name == null
    )
    error_message = "The function does not have the role that was given."
  }

  assert {
    condition     = length(concat(aws_iam_role.this, aws_iam_role_policy.logs, aws_iam_role_policy.tracing)) == 0
    error_message = "A role is made that nobody uses."
  }
}

run "makes_the_log_group_before_lambda_does" {
  command = plan

  variables {
    logs = { retention_in_days = 365, kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/1" }
  }

  assert {
    condition = (
      aws_cloudwatch_log_group.this.name == "/aws/lambda/orders"
      && output.log_group_name == "/aws/lambda/orders"
      && aws_cloudwatch_log_group.this.retention_in_days == 365
      && aws_cloudwatch_log_group.this.kms_key_id == "arn:aws:kms:eu-west-1:123456789012:key/1"
    )
    error_message = "The log group is not the function's, or not as it was asked for."
  }
}

run "logs_do_not_grow_for_ever_by_default" {
  command = plan

  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "Logs are kept for ${aws_cloudwatch_log_group.this.retention_in_days} days."
  }
}
