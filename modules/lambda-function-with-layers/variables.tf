variable "architecture" {
  description = "Instruction set the function runs on: `x86_64` or `arm64`."
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
    handler                  = optional(string, "")
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

variable "check_handler" {
  description = "Whether the handler must be in the function's own sources; `false` where a layer holds it."
  type        = bool
  default     = true
  nullable    = false
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

variable "dependencies" {
  description = "Lock file whose distributions go into the function's own archive, and what of it is wanted."
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
  description = "Description of the function; by default the start of its archive's digest and what that holds."
  type        = string
  default     = null

  validation {
    condition     = try(length(var.description) <= 256, true)
    error_message = "description must have at most 256 characters."
  }
}

variable "environment" {
  description = "Environment variables of the function."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "function_name" {
  description = "Name of the function."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.function_name))
    error_message = "function_name must be 1 to 64 letters, digits, hyphens or underscores, not '${var.function_name}'."
  }
}

variable "handler" {
  description = "Handler as `module.callable`; by default the one `lambda_handler` or `handler` at the top of the sources."
  type        = string
  default     = null

  validation {
    condition     = var.handler == null || can(regex("^[^\\s.]+([./][^\\s.]+)*\\.[A-Za-z_][A-Za-z0-9_]*$", var.handler))
    error_message = "handler must be module.callable such as app.lambda_handler, not '${coalesce(var.handler, "null")}'."
  }
}

variable "layers" {
  description = "Layers in dependency order, a later one over an earlier one: the output `layer` of a lambda-layer module, or `{ arn = … }` of any other."
  type = list(object({
    arn                      = string
    name                     = optional(string)
    compatible_architectures = optional(list(string), [])
    compatible_runtimes      = optional(list(string), [])
    unzipped_size            = optional(number) # bytes; where it is not told, it counts as nothing
    zip_size                 = optional(number)
    packages                 = optional(list(string), [])
    manifest                 = optional(object({ bucket = optional(string), key = string }))
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for layer in var.layers : can(regex("^arn:[^:]+:lambda:[^:]+:[^:]+:layer:[^:]+:[0-9]+$", layer.arn))])
    error_message = "layers: an arn must be that of a layer version, arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION; of a lambda-layer module take layer or arn, not layer_arn."
  }
}

variable "logs" {
  description = "Log group of the function."
  type = object({
    retention_in_days = optional(number, 30) # 0 keeps them for ever
    kms_key_arn       = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition = contains(
      [0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.logs.retention_in_days,
    )
    error_message = "logs.retention_in_days must be a number of days that CloudWatch has, such as 7, 30, 90 or 365, or 0 for ever, not ${var.logs.retention_in_days}."
  }
}

variable "memory_size" {
  description = "Memory in MB, which brings its share of CPU along."
  type        = number
  default     = 128
  nullable    = false

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240
    error_message = "memory_size must be 128 to 10240 MB, not ${var.memory_size}."
  }
}

variable "permissions" {
  description = "What the role that is made here may do beside writing its logs."
  type = object({
    policies    = optional(map(string), {}) # name → policy document as JSON
    policy_arns = optional(map(string), {}) # any name → ARN of a managed policy
    boundary    = optional(string)          # ARN of a permissions boundary
    path        = optional(string, "/")     # of the role
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for policy in values(var.permissions.policies) : can(jsondecode(policy))])
    error_message = "permissions.policies must be policy documents as JSON, as jsonencode() or data.aws_iam_policy_document makes them."
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

variable "publish" {
  description = "Whether each change publishes a version of the function."
  type        = bool
  default     = false
  nullable    = false
}

variable "role" {
  description = "A role that exists, as `{ arn = … }`; by default one is made that may write the function's logs and what `permissions` says."
  type        = object({ arn = string }) # an object, so that a plan knows whether there is one before it knows the ARN
  default     = null
}

variable "runtime" {
  description = "Lambda runtime of the function, such as `python3.13`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^python3\\.[0-9]+$", var.runtime))
    error_message = "runtime must be a Python runtime of Lambda such as python3.13, not '${var.runtime}'."
  }
}

variable "sources" {
  description = "Folders and files of the function's code."
  type = list(object({
    path    = string                     # a folder, whose contents go to the top of the archive, or a file
    prefix  = optional(string)           # folder in the archive that it goes to
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

variable "tags" {
  description = "Tags of the function, its role and its log group."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "timeout" {
  description = "Seconds after which a call is ended."
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = var.timeout >= 1 && var.timeout <= 900
    error_message = "timeout must be 1 to 900 seconds, not ${var.timeout}."
  }
}

variable "tracing_mode" {
  description = "X-Ray: `Active` traces calls by itself, `PassThrough` only those of a traced caller."
  type        = string
  default     = "PassThrough"
  nullable    = false

  validation {
    condition     = contains(["Active", "PassThrough"], var.tracing_mode)
    error_message = "tracing_mode must be Active or PassThrough, not '${var.tracing_mode}'."
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
