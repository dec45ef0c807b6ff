# Of the id, which is not known before the bucket is there: a plan that knew the name already would look for archives in it.
locals {
  bucket = aws_s3_bucket.this.id
}

output "arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "bucket" {
  description = "Name of the bucket."
  value       = local.bucket
}

output "region" {
  description = "Region of the bucket."
  value       = aws_s3_bucket.this.region
}

output "store" {
  description = "What `store` of the other modules takes."
  value = {
    bucket = local.bucket
    prefix = var.prefix
    region = aws_s3_bucket.this.region
  }

  # Nothing is stored before it is encrypted, versioned and guarded.
  depends_on = [
    aws_s3_bucket_ownership_controls.this,
    aws_s3_bucket_policy.this,
    aws_s3_bucket_public_access_block.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
    aws_s3_bucket_versioning.this,
  ]
}
