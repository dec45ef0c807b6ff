# What the program is asked for, and what becomes of its answer.

mock_provider "aws" {
  source = "./tests/mocks/aws"
}

mock_provider "external" {
  source = "./tests/mocks/external"
}

variables {
  function_name = "orders"
  runtime       = "python3.13"
  sources       = [{ path = "functions/orders" }]
  store         = { bucket = "acme-artifacts", prefix = "functions/" }
}

run "asks_for_what_the_variables_say" {
  command = plan

  variables {
    architecture  = "arm64"
    handler       = "app.handler"
    check_handler = false
    dependencies  = { lock_file = "uv.lock", groups = ["worker"] }
    checks        = { elf = false }
    sources       = [{ path = "functions/orders", include = ["*.bin"] }]
    prune         = { defaults = false, drop = ["**/*.md"] }
  }

  override_data {
    target = data.external.package
    values = {
      result = {
        s3_bucket = "acme-artifacts"
        s3_key    = "functions/function-0123456789abcdef.zip"
      }
    }
  }

  assert {
    condition = jsondecode(data.external.package[0].query.spec) == {
      kind               = "function"
      name               = "orders"
      runtime            = "python3.13"
      architecture       = "arm64"
      handler            = "app.handler"
      check_handler      = false
      dependencies       = { lock_file = abspath("uv.lock"), format = null, extras = [], groups = ["worker"], relock = "", build_from_source = [], package = "" }
      sources            = [{ path = abspath("functions/orders"), prefix = null, include = ["*.bin"], exclude = [] }]
      prune              = { defaults = false, keep = [], drop = ["**/*.md"], distributions = [], with_dependencies = false, runtime_boto3 = false }
      check_elf          = false
      provided_libraries = []
      provided_by        = []
      store = {
        bucket       = "acme-artifacts", prefix = "functions/", region = null, profile = null, role_arn = null,
        endpoint_url = null, kms_key_id = null, directory = null
      }
      upload_at = "plan"
    }
    error_message = "The spec is ${data.external.package[0].query.spec}"
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
        filename         = "function-0123456789abcdef.zip"
        source_code_hash = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
        handler          = "app.lambda_handler"
      }
    }
  }

  assert {
    condition     = jsondecode(data.external.package[0].query.spec).store == { directory = abspath("${path.root}/.layerwright") }
    error_message = "The spec is ${data.external.package[0].query.spec}"
  }

  assert {
    condition = (
      aws_lambda_function.this.filename == "${path.root}/.layerwright/function-0123456789abcdef.zip"
      && aws_lambda_function.this.s3_bucket == null
      && output.key == aws_lambda_function.this.filename
    )
    error_message = "The function does not name the file, or not as every machine would."
  }
}

run "needs_no_program_for_an_archive_that_is_given" {
  command = plan

  variables {
    program = ["no-such-program"]
    archive = {
      version          = 1 # of the program's output, and nothing that the module uses
      s3_bucket        = "acme-artifacts"
      s3_key           = "functions/function-fedcba9876543210.zip"
      source_code_hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
      handler          = "web.handler"
    }
  }

  assert {
    condition     = length(data.external.package) == 0
    error_message = "A program would be run on a machine that may have none."
  }

  assert {
    condition = (
      aws_lambda_function.this.s3_key == "functions/function-fedcba9876543210.zip"
      && aws_lambda_function.this.source_code_hash == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
      && aws_lambda_function.this.handler == "web.handler"
    )
    error_message = "The function is not that of the given archive."
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
    program   = ["python3", "-c", "import json, os, sys; sys.exit(sys.argv[1:] != ['build'] or json.loads(os.environ['LAYERWRIGHT_SPEC'])['kind'] != 'function')"]
  }

  assert {
    condition     = jsondecode(data.external.package[0].query.spec).upload_at == "apply"
    error_message = "The query would build the archive in the plan."
  }

  assert {
    condition     = terraform_data.build[0].triggers_replace[1] == "functions/function-0123456789abcdef.zip"
    error_message = "Another archive would not be built."
  }
}
