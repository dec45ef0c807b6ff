data "aws_region" "this" {}

locals {
  handler = var.handler != null ? var.handler : local.package.handler
}

resource "aws_lambda_function" "this" {
  function_name = var.function_name
  description   = var.description != null ? var.description : local.package.description
  role          = local.role_arn
  runtime       = var.runtime
  architectures = [var.architecture]
  handler       = local.handler
  layers        = var.layers[*].arn
  memory_size   = var.memory_size
  timeout       = var.timeout
  publish       = var.publish
  tags          = var.tags

  s3_bucket        = local.package.s3_bucket
  s3_key           = local.package.s3_key
  filename         = local.package.filename
  source_code_hash = local.package.source_code_hash

  # New code runs as soon as it is there, too soon to compare what came with what was planned. So the object's version,
  # which nobody can replace, is pinned where it is told.
  s3_object_version = local.package.s3_object_version

  environment {
    variables = var.environment
  }

  tracing_config {
    mode = var.tracing_mode
  }

  depends_on = [
    aws_cloudwatch_log_group.this, # or Lambda makes one that keeps everything for ever
    aws_iam_role_policy.logs,
    aws_iam_role_policy.tracing,
    aws_iam_role_policy.permissions,
    aws_iam_role_policy_attachment.permissions,
    terraform_data.build,
  ]

  lifecycle {
    # Another name makes another function: it answers before the old one goes.
    create_before_destroy = true

    precondition {
      condition = length(var.layers) <= local.layer_limit
      error_message = format(
        "Function %s has %d layers and Lambda takes %d (%s): make one layer of two, as one lambda-layer module takes dependencies and sources together, or move what is small into the function.",
        var.function_name, length(var.layers), local.layer_limit, join(", ", local.layer_names),
      )
    }

    precondition {
      condition = local.total_unzipped_size <= local.unzipped_limit
      error_message = format(
        "Function %s and its layers unzip to %d bytes and Lambda takes %d (%s): take fewer distributions (dependencies.groups, prune.distributions) or drop a layer; only a container image holds more.",
        var.function_name, local.total_unzipped_size, local.unzipped_limit,
        join(", ", formatlist("%s %d", concat(["the function"], local.layer_names), local.unzipped_sizes)),
      )
    }

    precondition {
      condition = length(local.layers_of_other_runtimes) == 0
      error_message = format(
        "Function %s runs on %s and its layer %s: add %s to the layer's compatible_runtimes, or take another runtime for one of them.",
        var.function_name, var.runtime, join(", its layer ", local.layers_of_other_runtimes), var.runtime,
      )
    }

    precondition {
      condition = length(local.layers_of_other_architectures) == 0
      error_message = format(
        "Function %s runs on %s and its layer %s: add %s to the layer's compatible_architectures, or take another architecture for one of them.",
        var.function_name, var.architecture, join(", its layer ", local.layers_of_other_architectures), var.architecture,
      )
    }

    precondition {
      condition = alltrue([for layer in var.layers : split(":", layer.arn)[3] == data.aws_region.this.id])
      error_message = format(
        "Function %s is in %s and a layer of it (%s) is not: Lambda takes layers of the function's region only, so publish that layer in %s too.",
        var.function_name, data.aws_region.this.id, join(", ", var.layers[*].arn), data.aws_region.this.id,
      )
    }

    precondition {
      # Lambda sets PYTHONPATH only where the function does not.
      condition = (
        length(var.layers) == 0
        || strcontains(lookup(var.environment, "PYTHONPATH", "/opt/python"), "/opt/python")
      )
      error_message = format(
        "Function %s sets PYTHONPATH without /opt/python, so Python would not look into its layers: leave PYTHONPATH out, or add :/opt/python to it.",
        var.function_name,
      )
    }

    precondition {
      condition = coalesce(local.package.s3_region, data.aws_region.this.id) == data.aws_region.this.id
      error_message = format(
        "Function %s: bucket %s is in %s and the function in %s, and Lambda takes archives from its own region only: give store a bucket in %s.",
        var.function_name, coalesce(local.package.s3_bucket, "?"), coalesce(local.package.s3_region, "?"),
        data.aws_region.this.id, data.aws_region.this.id,
      )
    }

    precondition {
      condition = contains(local.package.runtimes, var.runtime) && contains(local.package.architectures, var.architecture)
      error_message = format(
        "Function %s runs on %s on %s and its archive was built for %s on %s: build the archive again for that.",
        var.function_name, var.runtime, var.architecture,
        join(", ", local.package.runtimes), join(", ", local.package.architectures),
      )
    }

    precondition {
      condition     = local.handler != null
      error_message = format("Function %s: the archive does not tell its handler: set handler to module.callable.", var.function_name)
    }

    precondition {
      condition = var.role == null || (
        length(merge(var.permissions.policies, var.permissions.policy_arns)) == 0 && var.permissions.boundary == null
      )
      error_message = format("Function %s: permissions are for the role that is made here: give them to the role in role, or leave role out.", var.function_name)
    }
  }
}
