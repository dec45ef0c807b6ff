mock_data "aws_region" {
  defaults = {
    id = "eu-west-1"
  }
}

mock_resource "aws_lambda_layer_version" {
  defaults = {
    arn         = "arn:aws:lambda:eu-west-1:123456789012:layer:orders:7"
    layer_arn   = "arn:aws:lambda:eu-west-1:123456789012:layer:orders"
    code_sha256 = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
    version     = "7"
  }
}
