locals {
  role_arn = var.role == null ? aws_iam_role.this[0].arn : var.role.arn
}

resource "aws_iam_role" "this" {
  count = var.role == null ? 1 : 0

  # A prefix, as roles are of the account and the same function may be in many regions of it; at most 38 characters.
  name_prefix          = "${substr(var.function_name, 0, 37)}-"
  description          = "Role of Lambda function ${var.function_name} in ${data.aws_region.this.id}"
  path                 = var.permissions.path
  permissions_boundary = var.permissions.boundary
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

# AWSLambdaBasicExecutionRole would allow every log group of the account, and to make new ones.
resource "aws_iam_role_policy" "logs" {
  count = var.role == null ? 1 : 0

  name = "logs"
  role = aws_iam_role.this[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.this.arn}:*"
    }]
  })
}

resource "aws_iam_role_policy" "tracing" {
  count = var.role == null && var.tracing_mode == "Active" ? 1 : 0

  name = "tracing"
  role = aws_iam_role.this[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      Resource = "*" # X-Ray has no resources to name
    }]
  })
}

resource "aws_iam_role_policy" "permissions" {
  for_each = var.role == null ? var.permissions.policies : {}

  name   = each.key
  role   = aws_iam_role.this[0].name
  policy = each.value
}

resource "aws_iam_role_policy_attachment" "permissions" {
  for_each = var.role == null ? var.permissions.policy_arns : {}

  role       = aws_iam_role.this[0].name
  policy_arn = each.value
}
