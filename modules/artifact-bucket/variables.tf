variable "bucket" {
  description = "Name of the bucket."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "bucket must be 3 to 63 lower-case letters, digits, hyphens or dots, not '${var.bucket}'."
  }
}

variable "deleted_days" {
  description = "Days after which deleted archives are gone for good; by default never."
  type        = number
  default     = null

  validation {
    condition     = try(var.deleted_days >= 1, true)
    error_message = "deleted_days must be at least 1, or null to keep deleted archives."
  }
}

variable "force_destroy" {
  description = "Whether the bucket is destroyed with everything in it."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts the archives; by default S3's own keys do."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[^:]+:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key: accounts and regions other than the bucket's do not know its alias."
  }
}

variable "prefix" {
  description = "What the keys of the output `store` begin with."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = !startswith(var.prefix, "/")
    error_message = "prefix must not begin with a slash: write layers/, not /layers/."
  }
}

variable "readers" {
  description = "Who else may read the archives, so that their functions can be made of them."
  type = object({
    account_ids     = optional(list(string), [])
    organization_id = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for id in var.readers.account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "readers.account_ids must be accounts of 12 digits, in quotes so that leading zeros stay."
  }

  validation {
    condition     = var.readers.organization_id == null || can(regex("^o-[a-z0-9]{10,32}$", var.readers.organization_id))
    error_message = "readers.organization_id must be an organization such as o-a1b2c3d4e5."
  }
}

variable "tags" {
  description = "Tags of the bucket."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "write_once" {
  description = "Whether S3 refuses to overwrite an archive; copying into the bucket is refused with it."
  type        = bool
  default     = true
  nullable    = false
}
