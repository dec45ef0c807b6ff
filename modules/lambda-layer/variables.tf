variable "architecture" {
  description = "Instruction set the layer is built for: `x86_64` or `arm64`."
  type        = string
  default     = "x86_64"
  nullable    = false

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be x86_64 or arm64, not '${var.architecture}'."
  }
}

variable "archive" {
  description = "A stored archive, as `layerwright build --format json` prints it; then no program is run."
  type = object({
    s3_bucket                = optional(string, "")
    s3_key                   = optional(string, "")
    s3_object_version        = optional(string, "")
    s3_region                = optional(string, "")
    filename                 = optional(string, "") # in .layerwright under the root module
    source_code_hash         = optional(string, "")
    zip_size                 = optional(string, "")
    unzipped_size            = optional(string, "")
    manifest_key             = optional(string, "")
    digest                   = optional(string, "")
    packages                 = optional(string, "")
    description              = optional(string, "")
    compatible_runtimes      = optional(string, "")
    compatible_architectures = optional(string, "")
    warnings                 = optional(string, "")
  })
  default = null

  validation {
    condition = try(
      (var.archive.s3_bucket != "" && var.archive.s3_key != "") != (var.archive.filename != ""),
      var.archive == null,
    )
    error_message = "archive must have s3_bucket and s3_key, or else filename."
  }
}

variable "checks" {
  description = "Checks of the archive that can be left out where something is known to be right all the same."
  type = object({
    elf                = optional(bool, true)       # every compiled file loads on the runtime
    provided_libraries = optional(list(string), []) # shared libraries that another layer brings in lib/: libgomp.so.1
  })
  default  = {}
  nullable = false
}

variable "compatible_architectures" {
  description = "Further architectures that the same archive must serve."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.compatible_architectures : contains(["x86_64", "arm64"], name)])
    error_message = "compatible_architectures must be x86_64 or arm64, not '${join("', '", var.compatible_architectures)}'."
  }
}

variable "compatible_runtimes" {
  description = "Further runtimes that the same archive must serve, such as `python3.12`."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.compatible_runtimes : can(regex("^python3\\.[0-9]+$", name))])
    error_message = "compatible_runtimes must be Python runtimes of Lambda such as python3.12, not '${join("', '", var.compatible_runtimes)}'."
  }
}

variable "dependencies" {
  description = "Lock file whose distributions the layer holds, and what of it is wanted."
  type = object({
    lock_file = string                     # uv.lock, pylock.toml, poetry.lock, pdm.lock, Pipfile.lock, requirements.txt or pyproject.toml
    format    = optional(string)           # how to read it where its name does not say, such as requirements
    package   = optional(string, "")       # member of a uv workspace, in place of the project at its root
    extras    = optional(list(string), []) # of the project
    groups    = optional(list(string), []) # dependency groups beside the project's own dependencies
    relock    = optional(string, "")       # any text: another one resolves unlocked requirements anew
    # distributions that are built from their sdist, or ":all:" that have no wheel that fits; third-party code runs then
    build_from_source = optional(list(string), [])
  })
  default = null

  validation {
    condition     = try(contains(["pylock", "uv", "poetry", "pdm", "pipfile", "requirements", "pyproject"], coalesce(var.dependencies.format)), true)
    error_message = "dependencies.format must be pylock, uv, poetry, pdm, pipfile, requirements or pyproject, or left out where the file's name tells."
  }
}

variable "description" {
  description = "Description of the layer version; by default the start of its digest and what it holds."
  type        = string
  default     = null

  validation {
    condition     = try(length(var.description) <= 256, true)
    error_message = "description must have at most 256 characters."
  }
}

variable "layer_name" {
  description = "Name of the layer."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,140}$", var.layer_name))
    error_message = "layer_name must be 1 to 140 letters, digits, hyphens or underscores, not '${var.layer_name}'."
  }
}

variable "license_info" {
  description = "License of the contents: an SPDX identifier, a URL or the text."
  type        = string
  default     = null

  validation {
    condition     = try(length(var.license_info) <= 512, true)
    error_message = "license_info must have at most 512 characters."
  }
}

variable "program" {
  description = "Command that answers the query; by default `python3` with the program beside the modules."
  type        = list(string)
  default     = null

  validation {
    condition     = try(length(var.program) > 0, true)
    error_message = "program must be a command with its arguments, such as [\"py\", \"-3\", \"-I\", \"C:/layerwright/python/bootstrap.py\"]."
  }
}

variable "provided_by" {
  description = "Layers that the function has too, as the module lambda-layer puts them out: what they hold is left out here."
  type = list(object({
    manifest = object({
      bucket = optional(string) # none where the manifest is a file
      key    = string
    })
  }))
  default  = []
  nullable = false
}

variable "prune" {
  description = "What of the distributions is left out of the archive."
  type = object({
    defaults      = optional(bool, true)       # tests, type stubs, headers and the like
    keep          = optional(list(string), []) # gitignore patterns of paths, as import sees them, that stay all the same
    drop          = optional(list(string), []) # gitignore patterns of further paths that go
    distributions = optional(list(string), []) # names of distributions that are left out whole
    # whether what only these need goes with them; uv.lock tells it
    with_dependencies = optional(bool, false)
    # whether boto3, botocore, s3transfer and jmespath are left out, as the runtime has its own
    runtime_boto3 = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "runtime" {
  description = "Lambda runtime the layer is built for, such as `python3.13`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^python3\\.[0-9]+$", var.runtime))
    error_message = "runtime must be a Python runtime of Lambda such as python3.13, not '${var.runtime}'."
  }
}

variable "scripts" {
  description = "Whether console scripts are kept; a layer's `bin/` is on the function's PATH."
  type        = bool
  default     = false
  nullable    = false
}

variable "skip_destroy" {
  description = "Whether replaced and destroyed versions stay in Lambda, where functions of other stacks and rollbacks look for them."
  type        = bool
  default     = true
  nullable    = false
}

variable "sources" {
  description = "Folders and files of one's own that the layer holds."
  type = list(object({
    path    = string                     # an import package, which keeps its name, a folder of packages, or a file
    prefix  = optional(string)           # folder of python/ in the archive that it goes to
    include = optional(list(string), []) # gitignore patterns of what to take back that is ignored by default
    exclude = optional(list(string), []) # gitignore patterns of what to leave out
  }))
  default  = []
  nullable = false
}

variable "store" {
  description = "Bucket that keeps the archives; by default they are files in `.layerwright` under the root module."
  type = object({
    bucket       = string
    prefix       = optional(string, "") # what keys begin with, such as layers/
    region       = optional(string)     # the rest where the credentials of the environment are not those to use
    profile      = optional(string)
    role_arn     = optional(string) # assumed by the program, which does not see the provider's assume_role
    endpoint_url = optional(string)
    kms_key_id   = optional(string)
  })
  default = null

  validation {
    condition     = var.store == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.store.bucket))
    error_message = "store.bucket must be the name of a bucket such as acme-artifacts, without s3:// or a path."
  }

  validation {
    condition     = var.store == null || !try(startswith(var.store.prefix, "/"), false)
    error_message = "store.prefix must not begin with a slash: write layers/, not /layers/."
  }
}

variable "upload_at" {
  description = "When a missing archive is built and stored: in the `plan`, in the `apply`, or `never` here but by a command beforehand."
  type        = string
  default     = "plan"
  nullable    = false

  validation {
    condition     = contains(["plan", "apply", "never"], var.upload_at)
    error_message = "upload_at must be plan, apply or never, not '${var.upload_at}'."
  }
}
