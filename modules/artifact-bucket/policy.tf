data "aws_partition" "this" {}

locals {
  everything = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]

  # Listing is reading too: without it a missing archive looks like a forbidden one.
  reading = ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]

  statements = {
    DenyPlainHttp = {
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = local.everything
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }

    # The parts of a multipart upload cannot carry the header; its completion can:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    DenyOverwrite = !var.write_once ? null : {
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:PutObject"
      Resource  = "${aws_s3_bucket.this.arn}/*"
      Condition = {
        Null = { "s3:if-none-match" = "true" }
        Bool = { "s3:ObjectCreationOperation" = "true" }
      }
    }

    AccountsRead = length(var.readers.account_ids) == 0 ? null : {
      Effect    = "Allow"
      Principal = { AWS = [for id in var.readers.account_ids : "arn:${data.aws_partition.this.partition}:iam::${id}:root"] }
      Action    = local.reading
      Resource  = local.everything
    }

    OrganizationRead = var.readers.organization_id == null ? null : {
      Effect    = "Allow"
      Principal = "*"
      Action    = local.reading
      Resource  = local.everything
      Condition = { StringEquals = { "aws:PrincipalOrgID" = var.readers.organization_id } }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for sid, statement in local.statements : merge({ Sid = sid }, statement) if statement != null]
  })

  # S3 takes one change of who may reach a bucket at a time (OperationAborted).
  depends_on = [aws_s3_bucket_public_access_block.this]
}
