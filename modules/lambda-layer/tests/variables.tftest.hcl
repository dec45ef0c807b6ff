# What each variable takes and refuses.

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
}

run "accepts_values_at_the_edge_of_every_rule" {
  command = plan

  variables {
    layer_name               = join("", [for i in range(140) : "a"])
    architecture             = "arm64"
    compatible_architectures = ["x86_64"]
    compatible_runtimes      = ["python3.9", "python3.12"]
    dependencies             = { lock_file = "requirements-prod.lock", format = "requirements" }
    description              = join("", [for i in range(256) : "d"])
    license_info             = join("", [for i in range(512) : "l"])
    program                  = ["layerwright"]
    store                    = { bucket = "a-1.b", prefix = "team/layers/" }
    upload_at                = "never"
    archive                  = { filename = "layer-0123456789abcdef.zip" }
  }

  assert {
    condition     = aws_lambda_layer_version.this.filename == "${path.root}/.layerwright/layer-0123456789abcdef.zip"
    error_message = "The values are accepted and then not used."
  }
}

run "refuses_values_beyond_every_rule" {
  command = plan

  variables {
    architecture             = "aarch64"                                      # an architecture of a wheel tag
    archive                  = { s3_bucket = "acme-artifacts" }               # an archive that is nowhere
    compatible_architectures = ["arm64", "aarch64"]                           # a further architecture of a wheel tag
    compatible_runtimes      = ["3.12"]                                       # a further runtime without python
    dependencies             = { lock_file = "conda.lock", format = "conda" } # a format of lock file that is not known
    description              = join("", [for i in range(257) : "d"])          # a description that lambda would refuse
    layer_name               = "orders dependencies"                          # a layer name with a space
    license_info             = join("", [for i in range(513) : "l"])          # license info that lambda would refuse
    program                  = []                                             # an empty program
    runtime                  = "nodejs22.x"                                   # a runtime without python
    store                    = { bucket = "s3://acme-artifacts" }             # the url of a bucket
    upload_at                = "always"                                       # a time of upload that does not exist
  }

  expect_failures = [
    var.architecture,
    var.archive,
    var.compatible_architectures,
    var.compatible_runtimes,
    var.dependencies,
    var.description,
    var.layer_name,
    var.license_info,
    var.program,
    var.runtime,
    var.store,
    var.upload_at,
  ]
}

run "refuses_values_beyond_the_other_end_of_a_rule" {
  command = plan

  variables {
    archive    = { s3_bucket = "acme-artifacts", s3_key = "orders.zip", filename = "orders.zip" } # an archive that is in two places
    layer_name = join("", [for i in range(141) : "a"])                                            # a layer name that is too long
    store      = { bucket = "acme-artifacts", prefix = "/layers/" }                               # a prefix that begins with a slash
  }

  expect_failures = [
    var.archive,
    var.layer_name,
    var.store,
  ]
}
