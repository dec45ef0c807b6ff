# Copied from versions.tf at the root by tools/versions.py: change it there.
terraform {
  required_version = ">= 1.5" # check blocks

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.51" # code_sha256, what Lambda says of the archive it took
    }
    external = {
      source  = "hashicorp/external"
      version = ">= 2.3"
    }
  }
}
