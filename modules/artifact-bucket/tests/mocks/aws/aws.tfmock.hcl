mock_data "aws_partition" {
  defaults = {
    partition = "aws"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = {
    arn    = "arn:aws:s3:::acme-artifacts"
    id     = "acme-artifacts"
    region = "eu-west-1"
  }
}
