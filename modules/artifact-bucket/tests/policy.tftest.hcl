# Who may do what with the bucket.

mock_provider "aws" {
  source = "./tests/mocks/aws"
}

variables {
  bucket = "acme-artifacts"
}

run "refuses_plain_http_and_overwriting" {
  assert {
    condition     = toset(jsondecode(aws_s3_bucket_policy.this.policy).Statement[*].Sid) == toset(["DenyPlainHttp", "DenyOverwrite"])
    error_message = "The policy is ${aws_s3_bucket_policy.this.policy}"
  }

  assert {
    condition = local.statements.DenyPlainHttp == {
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::acme-artifacts", "arn:aws:s3:::acme-artifacts/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }
    error_message = "The policy is ${aws_s3_bucket_policy.this.policy}"
  }

  assert {
    condition = local.statements.DenyOverwrite == {
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:PutObject"
      Resource  = "arn:aws:s3:::acme-artifacts/*"
      Condition = {
        Null = { "s3:if-none-match" = "true" }
        Bool = { "s3:ObjectCreationOperation" = "true" }
      }
    }
    error_message = "The policy is ${aws_s3_bucket_policy.this.policy}"
  }
}

run "lets_archives_be_overwritten_when_asked_to" {
  variables {
    write_once = false
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[*].Sid == ["DenyPlainHttp"]
    error_message = "The policy is ${aws_s3_bucket_policy.this.policy}"
  }
}

run "lets_other_accounts_and_the_organization_read" {
  variables {
    readers = { account_ids = ["000011112222"], organization_id = "o-a1b2c3d4e5" }
  }

  assert {
    condition = (
      local.statements.AccountsRead.Principal.AWS == ["arn:aws:iam::000011112222:root"]
      && local.statements.AccountsRead.Action == ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]
      && !can(local.statements.AccountsRead.Condition)
    )
    error_message = "The policy is ${aws_s3_bucket_policy.this.policy}"
  }

  assert {
    condition = (
      local.statements.OrganizationRead.Condition == { StringEquals = { "aws:PrincipalOrgID" = "o-a1b2c3d4e5" } }
      && local.statements.OrganizationRead.Action == ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]
    )
    error_message = "The policy is ${aws_s3_bucket_policy.this.policy}"
  }
}
