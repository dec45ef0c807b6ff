# What the program answers for a layer whose archive is stored.
mock_data "external" {
  defaults = {
    result = {
      s3_bucket                = "acme-artifacts"
      s3_key                   = "layers/layer-0123456789abcdef.zip"
      s3_object_version        = "3sL4kqtJlcpXroDTDmJ"
      s3_region                = "eu-west-1"
      filename                 = ""
      source_code_hash         = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
      zip_size                 = "1048576"
      unzipped_size            = "4194304"
      manifest_key             = "layers/layer-0123456789abcdef.json"
      digest                   = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      packages                 = "[\"idna==3.10\", \"requests==2.32.5\"]"
      handler                  = ""
      description              = "0123456789abcdef: idna==3.10, requests==2.32.5"
      compatible_runtimes      = "[\"python3.13\"]"
      compatible_architectures = "[\"x86_64\"]"
      warnings                 = "[]"
    }
  }
}
