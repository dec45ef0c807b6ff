output "bucket" {
  description = "Name of the bucket, for `store = { bucket = … }`."
  value       = module.artifacts.bucket
}
