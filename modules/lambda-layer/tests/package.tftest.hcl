# What the program is asked for, and what becomes of its answer.

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
  store        = { bucket = "acme-artifacts", prefix = "layers/" }
}

run "asks_for_what_the_variables_say" {
  command = plan

  variables {
    architecture = "arm64"
    dependencies = { lock_file = "uv.lock", extras = ["s3"], groups = ["worker"], relock = "2026-01" }
    sources      = [{ path = "src/orders", exclude = ["fixtures/"] }]
    prune        = { keep = ["**/tests/data/"], distributions = ["boto3"], runtime_boto3 = true }
    provided_by = [
      { manifest = { bucket = "acme-artifacts", key = "layers/layer-1.json" } },
      { manifest = { key = ".layerwright/layer-2.json" } },
    ]
    checks  = { provided_libraries = ["libgomp.so.1"] }
    scripts = true
  }

  override_data {
    target = data.external.package
    values = {
      result = {
        s3_bucket = "acme-artifacts"
        s3_key    = "layers/layer-0123456789abcdef.zip"
      }
    }
  }

  assert {
    condition = jsondecode(data.external.package[0].query.spec) == {
      kind                     = "layer"
      name                     = "orders"
      runtime                  = "python3.13"
      architecture             = "arm64"
      compatible_runtimes      = []
      compatible_architectures = []
      dependencies = {
        lock_file         = abspath("uv.lock"), format = null, extras = ["s3"], groups = ["worker"], relock = "2026-01",
        build_from_source = [], package = ""
      }
      sources            = [{ path = abspath("src/orders"), prefix = null, include = [], exclude = ["fixtures/"] }]
      prune              = { defaults = true, keep = ["**/tests/data/"], drop = [], distributions = ["boto3"], with_dependencies = false, runtime_boto3 = true }
      check_elf          = true
      provided_libraries = ["libgomp.so.1"]
      provided_by        = ["s3://acme-artifacts/layers/layer-1.json", abspath(".layerwright/layer-2.json")]
      scripts            = true
      store = {
        bucket       = "acme-artifacts", prefix = "layers/", region = null, profile = null, role_arn = null,
        endpoint_url = null, kms_key_id = null, directory = null
      }
      upload_at = "plan"
    }
    error_message = "The spec is ${data.external.package[0].query.spec}"
  }
}

run "runs_the_program_beside_the_modules" {
  command = plan

  assert {
    condition = (
      slice(data.external.package[0].program, 0, 2) == tolist(["python3", "-I"])
      && endswith(data.external.package[0].program[2], "/../../python/bootstrap.py")
    )
    error_message = "The program is ${join(" ", data.external.package[0].program)}"
  }
}

run "runs_the_program_that_the_caller_names" {
  command = plan

  variables {
    program = ["layerwright-terraform"]
  }

  assert {
    condition     = data.external.package[0].program == tolist(["layerwright-terraform"])
    error_message = "The program is ${join(" ", data.external.package[0].program)}"
  }
}

run "keeps_archives_in_a_folder_where_there_is_no_bucket" {
  command = plan

  variables {
    store = null
  }

  override_data {
    target = data.external.package
    values = {
      result = {
        s3_bucket        = ""
        s3_key           = ""
        filename         = "layer-0123456789abcdef.zip"
        manifest_key     = "layer-0123456789abcdef.json"
        source_code_hash = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
      }
    }
  }

  assert {
    condition     = jsondecode(data.external.package[0].query.spec).store == { directory = abspath("${path.root}/.layerwright") }
    error_message = "The spec is ${data.external.package[0].query.spec}"
  }

  assert {
    condition = (
      aws_lambda_layer_version.this.filename == "${path.root}/.layerwright/layer-0123456789abcdef.zip"
      && aws_lambda_layer_version.this.s3_bucket == null
      && output.key == aws_lambda_layer_version.this.filename
      && output.layer.manifest == { bucket = null, key = "${path.root}/.layerwright/layer-0123456789abcdef.json" }
    )
    error_message = "The layer version does not name the file, or not as every machine would."
  }
}

run "needs_no_program_for_an_archive_that_is_given" {
  command = plan

  variables {
    store   = null
    program = ["no-such-program"]
    archive = {
      version           = 1 # of the program's output, and nothing that the module uses
      s3_bucket         = "acme-artifacts"
      s3_key            = "layers/layer-fedcba9876543210.zip"
      source_code_hash  = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
      unzipped_size     = 4096
      packages          = "[\"idna==3.10\"]"
      description       = "fedcba9876543210: idna==3.10"
      s3_object_version = "3sL4kqtJlcpXroDTDmJ"
    }
  }

  assert {
    condition     = length(data.external.package) == 0
    error_message = "A program would be run on a machine that may have none."
  }

  assert {
    condition = (
      aws_lambda_layer_version.this.s3_key == "layers/layer-fedcba9876543210.zip"
      && aws_lambda_layer_version.this.source_code_hash == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
      && aws_lambda_layer_version.this.s3_object_version == null
      && aws_lambda_layer_version.this.description == "fedcba9876543210: idna==3.10"
      && output.unzipped_size == 4096
      && output.packages == tolist(["idna==3.10"])
    )
    error_message = "The layer version is not that of the given archive."
  }
}

run "goes_by_the_object_version_where_no_hash_is_told" {
  command = plan

  variables {
    archive = {
      s3_bucket         = "acme-artifacts"
      s3_key            = "orders/latest.zip"
      s3_object_version = "3sL4kqtJlcpXroDTDmJ"
    }
  }

  assert {
    condition     = aws_lambda_layer_version.this.s3_object_version == "3sL4kqtJlcpXroDTDmJ"
    error_message = "A new object under the same key would never be published."
  }
}

run "an_object_from_before_versioning_has_no_version" {
  command = plan

  variables {
    archive = {
      s3_bucket         = "acme-artifacts"
      s3_key            = "orders/latest.zip"
      s3_object_version = "null"
    }
  }

  assert {
    condition     = aws_lambda_layer_version.this.s3_object_version == null
    error_message = "Turning the bucket's versioning on would publish every layer again."
  }
}

run "builds_nothing_in_the_apply_by_default" {
  command = plan

  assert {
    condition     = length(terraform_data.build) == 0
    error_message = "The archive would be built twice."
  }
}

run "builds_in_the_apply_when_asked_to" {
  variables {
    upload_at = "apply"
    program   = ["python3", "-c", "import json, os, sys; sys.exit(sys.argv[1:] != ['build'] or json.loads(os.environ['LAYERWRIGHT_SPEC'])['name'] != 'orders')"]
  }

  override_data {
    target = data.external.package
    values = {
      result = {
        s3_bucket        = "acme-artifacts"
        s3_key           = "layers/layer-0123456789abcdef.zip"
        source_code_hash = ""
        unzipped_size    = ""
        zip_size         = ""
      }
    }
  }

  assert {
    condition     = jsondecode(data.external.package[0].query.spec).upload_at == "apply"
    error_message = "The query would build the archive in the plan."
  }

  assert {
    condition     = terraform_data.build[0].triggers_replace[1] == "layers/layer-0123456789abcdef.zip"
    error_message = "Another archive would not be built."
  }

  assert {
    condition     = output.source_code_hash == null && output.unzipped_size == null && output.layer.zip_size == null
    error_message = "Something is said to be known of an archive that is not built yet."
  }
}
