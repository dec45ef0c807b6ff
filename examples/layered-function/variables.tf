variable "architecture" {
  description = "Instruction set of layers and functions: `x86_64` or `arm64`; the lock file holds wheels for both."
  type        = string
  default     = "x86_64"
  nullable    = false
}

variable "authorizer_token" {
  description = "Bearer token that the authorizer lets in; nobody where it is empty."
  type        = string
  default     = ""
  nullable    = false
  sensitive   = true
}

variable "bucket" {
  description = "Bucket that keeps the archives; the module artifact-bucket makes a good one."
  type        = string
  nullable    = false
}

variable "name" {
  description = "What the names of layers and functions begin with."
  type        = string
  default     = "orders"
  nullable    = false
}

variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "eu-west-1"
  nullable    = false
}

variable "runtime" {
  description = "Python runtime of layers and functions."
  type        = string
  default     = "python3.13"
  nullable    = false
}
