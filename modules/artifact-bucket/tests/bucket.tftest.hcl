# What keeps archives safe, and what others learn of the bucket.

mock_provider "aws" {
  source = "./tests/mocks/aws"
}

variables {
  bucket = "acme-artifacts"
}

run "keeps_what_is_overwritten_or_deleted" {
  command = plan

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "A deleted archive could not be brought back."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "terraform destroy would take every archive along."
  }
}

run "never_expires_an_archive" {
  command = plan

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this.rule) == 1
    error_message = "There is a rule that nobody asked for."
  }

  assert {
    condition = (
      aws_s3_bucket_lifecycle_configuration.this.rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 7
      && length(aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration) == 0
      && length(aws_s3_bucket_lifecycle_configuration.this.rule[0].noncurrent_version_expiration) == 0
    )
    error_message = "Saved plans and rollbacks would look for archives that have expired."
  }
}

run "lets_deleted_archives_go_when_asked_to" {
  command = plan

  variables {
    deleted_days  = 30
    force_destroy = true
  }

  assert {
    condition = (
      aws_s3_bucket_lifecycle_configuration.this.rule[1].noncurrent_version_expiration[0].noncurrent_days == 30
      && aws_s3_bucket.this.force_destroy
    )
    error_message = "Deleted archives stay for ever."
  }
}

run "encrypts_with_the_keys_of_s3" {
  command = plan

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Archives are not encrypted with S3's keys."
  }
}

run "encrypts_with_a_key_of_ones_own" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).bucket_key_enabled
    error_message = "Each read of an archive would be a call to KMS."
  }

  assert {
    condition = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default) == {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    }
    error_message = "Archives are not encrypted with the given key."
  }
}

run "is_closed_to_the_public" {
  command = plan

  assert {
    condition = (
      aws_s3_bucket_public_access_block.this.block_public_acls
      && aws_s3_bucket_public_access_block.this.block_public_policy
      && aws_s3_bucket_public_access_block.this.ignore_public_acls
      && aws_s3_bucket_public_access_block.this.restrict_public_buckets
      && aws_s3_bucket_ownership_controls.this.rule[0].object_ownership == "BucketOwnerEnforced"
    )
    error_message = "An ACL or a policy could open the bucket."
  }
}

run "tags_the_bucket" {
  command = plan

  variables {
    tags = { team = "orders" }
  }

  assert {
    condition     = aws_s3_bucket.this.tags == tomap({ team = "orders" })
    error_message = "The bucket's tags are lost."
  }
}

run "gives_the_other_modules_their_store" {
  variables {
    prefix = "layers/"
  }

  assert {
    condition     = output.store == { bucket = "acme-artifacts", prefix = "layers/", region = "eu-west-1" }
    error_message = "The other modules could not take the output store."
  }

  assert {
    condition = (
      output.bucket == "acme-artifacts" && output.region == "eu-west-1" && output.arn == "arn:aws:s3:::acme-artifacts"
    )
    error_message = "The outputs do not name the bucket."
  }
}
