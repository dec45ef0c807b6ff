# From the lock file and the sources to an archive in the store; the only file that knows Python exists.

locals {
  # Relative, so that it reads the same on every machine: another filename deploys the function anew.
  directory = "${path.root}/.layerwright"
  program   = var.program != null ? var.program : ["python3", "-I", "${path.module}/../../python/bootstrap.py"]

  spec = jsonencode({
    kind         = "function"
    name         = var.function_name
    runtime      = var.runtime
    architecture = var.architecture
    dependencies = (
      var.dependencies == null ? null : merge(var.dependencies, { lock_file = abspath(var.dependencies.lock_file) })
    )
    sources       = [for source in var.sources : merge(source, { path = abspath(source.path) })]
    prune         = var.prune
    handler       = var.handler
    check_handler = var.check_handler
    store         = merge({ directory = var.store == null ? abspath(local.directory) : null }, var.store)
    upload_at     = var.upload_at

    check_elf          = var.checks.elf
    provided_libraries = var.checks.provided_libraries
    provided_by = [
      for layer in var.provided_by :
      layer.manifest.bucket == null ? abspath(layer.manifest.key) : "s3://${layer.manifest.bucket}/${layer.manifest.key}"
    ]
  })

  # Both ways in speak the program's language: texts, of which an empty one says nothing.
  result = var.archive == null ? data.external.package[0].result : tomap(var.archive)
  told   = { for name, value in local.result : name => value if value != "" }

  package = {
    s3_bucket = try(local.told.s3_bucket, null)
    s3_key    = try(local.told.s3_key, null)
    s3_region = try(local.told.s3_region, null)
    # An object written before its bucket was versioned has the version "null".
    s3_object_version = try(local.told.s3_object_version == "null" ? null : local.told.s3_object_version, null)
    filename          = try("${local.directory}/${local.told.filename}", null)
    source_code_hash  = try(local.told.source_code_hash, null)
    zip_size          = try(tonumber(local.told.zip_size), null)
    unzipped_size     = try(tonumber(local.told.unzipped_size), null)
    digest            = try(local.told.digest, null)
    description       = try(local.told.description, null)
    handler           = try(local.told.handler, null)
    packages          = try(tolist(jsondecode(local.told.packages)), [])
    warnings          = try(tolist(jsondecode(local.told.warnings)), [])
    # What it was built for, where that is told.
    runtimes      = try(jsondecode(local.told.compatible_runtimes), [var.runtime])
    architectures = try(jsondecode(local.told.compatible_architectures), [var.architecture])
  }
}

data "external" "package" {
  count = var.archive == null ? 1 : 0

  program = local.program
  query   = { spec = local.spec }
}

# With upload_at = "apply" the query above only names the archive, and this makes it.
resource "terraform_data" "build" {
  count = var.archive == null && var.upload_at == "apply" ? 1 : 0

  triggers_replace = [local.package.s3_bucket, local.package.s3_key, local.package.filename]

  provisioner "local-exec" {
    interpreter = local.program
    command     = "build"
    environment = { LAYERWRIGHT_SPEC = local.spec }
  }
}

# A warning must reach whoever reads the plan and may not fail it.
check "warnings" {
  assert {
    condition     = length(local.package.warnings) == 0
    error_message = "Function ${var.function_name}: ${join("; ", local.package.warnings)}"
  }
}
