variable "bucket" {
  description = "Name of the bucket, unique in all of AWS."
  type        = string
  nullable    = false
}

variable "region" {
  description = "AWS region of the bucket: that of the functions."
  type        = string
  default     = "eu-west-1"
  nullable    = false
}
