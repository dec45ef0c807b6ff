# The bucket that every environment's archives go to: made once, before the stacks that build layers.
provider "aws" {
  region = var.region
}

module "artifacts" {
  source = "../../modules/artifact-bucket"

  bucket = var.bucket
}
