provider "aws" {
  region = var.region
}

locals {
  target = { runtime = var.runtime, architecture = var.architecture }

  # What each function has of its own beside code: all the rest is in the layers.
  functions = {
    api        = { memory_size = 512, environment = { ORDERS_CURRENCY = "EUR" } }
    worker     = { memory_size = 1024, environment = {} }
    authorizer = { memory_size = 256, environment = { ORDERS_TOKEN = var.authorizer_token } }
  }
}

# The distributions that uv.lock names: published again only when the lock file changes what they are.
module "dependencies" {
  source = "../../modules/lambda-layer"

  layer_name   = "${var.name}-dependencies"
  runtime      = local.target.runtime
  architecture = local.target.architecture
  dependencies = { lock_file = "${path.root}/uv.lock" }
  store        = { bucket = var.bucket, prefix = "layers/" }
}

# The project's own package.
module "package" {
  source = "../../modules/lambda-layer"

  layer_name   = "${var.name}-package"
  runtime      = local.target.runtime
  architecture = local.target.architecture
  sources      = [{ path = "${path.root}/src/orders" }]
  store        = { bucket = var.bucket, prefix = "layers/" }
}

module "functions" {
  source   = "../../modules/lambda-function-with-layers"
  for_each = local.functions

  function_name = "${var.name}-${each.key}"
  handler       = "app.lambda_handler"
  runtime       = local.target.runtime
  architecture  = local.target.architecture
  memory_size   = each.value.memory_size
  environment   = each.value.environment
  sources       = [{ path = "${path.root}/functions/${each.key}" }]
  layers        = [module.dependencies.layer, module.package.layer] # in dependency order: a later one overrides
  store         = { bucket = var.bucket, prefix = "functions/" }
}
