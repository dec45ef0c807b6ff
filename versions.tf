# What callers must have, said once: `python tools/versions.py` copies it into the modules.
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
