# What the program answers for a function whose archive is stored.
mock_data "external" {
  defaults = {
    result = {
      s3_bucket                = "acme-artifacts"
      s3_key                   = "functions/function-0123456789abcdef.zip"
      s3_object_version        = "3sL4kqtJlcpXroDTDmJ"
      s3_region                = "eu-west-1"
      filename                 = ""
      source_code_hash         = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
      zip_size                 = "1024"
      unzipped_size            = "4096"
      manifest_key             = "functions/function-0123456789abcdef.json"
      digest                   = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      packages                 = "[\"idna==3.10\"]"
      handler                  = "app.lambda_handler"
      description              = "0123456789abcdef: idna==3.10 and own sources"
      compatible_runtimes      = "[\"python3.13\"]"
      compatible_architectures = "[\"x86_64\"]"
      warnings                 = "[]"
    }
  }
}
