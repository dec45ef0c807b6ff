# What each variable takes and refuses.

mock_provider "aws" {
  source = "./tests/mocks/aws"
}

variables {
  bucket = "acme-artifacts"
}

run "accepts_values_at_the_edge_of_every_rule" {
  command = plan

  variables {
    bucket       = "a-1"
    deleted_days = 1
    kms_key_arn  = "arn:aws-cn:kms:cn-north-1:123456789012:alias/artifacts"
    prefix       = "team/layers/"
    readers      = { account_ids = ["000011112222"], organization_id = "o-0123456789" }
  }

  assert {
    condition     = aws_s3_bucket.this.bucket == "a-1"
    error_message = "The values are accepted and then not used."
  }
}

run "refuses_values_beyond_every_rule" {
  command = plan

  variables {
    bucket       = "s3://acme-artifacts"        # the url of a bucket
    deleted_days = 0                            # to forget at once
    kms_key_arn  = "alias/artifacts"            # the alias of a key
    prefix       = "/layers/"                   # a prefix that begins with a slash
    readers      = { account_ids = [11112222] } # an account that lost its zeros
  }

  expect_failures = [
    var.bucket,
    var.deleted_days,
    var.kms_key_arn,
    var.prefix,
    var.readers,
  ]
}

run "refuses_values_beyond_the_other_end_of_a_rule" {
  command = plan

  variables {
    bucket  = join("", [for i in range(64) : "a"])     # a name that is too long
    readers = { organization_id = "ou-ab12-cdefghij" } # an organizational unit
  }

  expect_failures = [
    var.bucket,
    var.readers,
  ]
}
