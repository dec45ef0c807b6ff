data "aws_region" "this" {}

locals {
  architectures = distinct(concat([var.architecture], var.compatible_architectures))
  runtimes      = distinct(concat([var.runtime], var.compatible_runtimes))

  unzipped_limit = 262144000 # bytes of a function and its layers together
}

resource "aws_lambda_layer_version" "this" {
  layer_name               = var.layer_name
  description              = var.description != null ? var.description : local.package.description
  license_info             = var.license_info
  compatible_architectures = local.architectures
  compatible_runtimes      = local.runtimes
  skip_destroy             = var.skip_destroy

  s3_bucket = local.package.s3_bucket
  s3_key    = local.package.s3_key
  filename  = local.package.filename

  # Every argument here publishes a new version when it changes. The contents decide that alone: through the key, which
  # the program derives from them, and the hash. The object's version would do it again for an object that was deleted and
  # built anew with the same bytes, so it is used only where nobody told a hash.
  source_code_hash  = local.package.source_code_hash
  s3_object_version = local.package.source_code_hash == null ? local.package.s3_object_version : null

  depends_on = [terraform_data.build]

  lifecycle {
    # Functions move to the new version before the old one goes.
    create_before_destroy = true

    precondition {
      condition = coalesce(local.package.s3_region, data.aws_region.this.id) == data.aws_region.this.id
      error_message = format(
        "Layer %s: bucket %s is in %s and the layer in %s, and Lambda takes archives from its own region only: give store a bucket in %s.",
        var.layer_name, coalesce(local.package.s3_bucket, "?"), coalesce(local.package.s3_region, "?"),
        data.aws_region.this.id, data.aws_region.this.id,
      )
    }

    precondition {
      condition = coalesce(local.package.unzipped_size, 0) <= local.unzipped_limit
      error_message = format(
        "Layer %s unzips to %d bytes and Lambda takes %d: take fewer distributions (dependencies.groups, prune.distributions); only a container image holds more.",
        var.layer_name, coalesce(local.package.unzipped_size, 0), local.unzipped_limit,
      )
    }

    precondition {
      condition = length(setsubtract(local.runtimes, local.package.runtimes)) == 0
      error_message = format(
        "Layer %s is for %s and its archive was built for %s: build the archive again for all of them.",
        var.layer_name, join(", ", local.runtimes), join(", ", local.package.runtimes),
      )
    }

    precondition {
      condition = length(setsubtract(local.architectures, local.package.architectures)) == 0
      error_message = format(
        "Layer %s is for %s and its archive was built for %s: build the archive again for all of them.",
        var.layer_name, join(", ", local.architectures), join(", ", local.package.architectures),
      )
    }

    postcondition {
      condition = coalesce(local.package.source_code_hash, self.code_sha256) == self.code_sha256
      error_message = format(
        "Layer %s: Lambda published an archive with SHA-256 %s, not the planned %s: somebody replaced the object after the plan. Plan again, and see who may write to the bucket.",
        var.layer_name, self.code_sha256, coalesce(local.package.source_code_hash, "?"),
      )
    }
  }
}
