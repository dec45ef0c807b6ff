output "arn" {
  description = "ARN of the layer version, for the `layers` of any function."
  value       = aws_lambda_layer_version.this.arn
}

output "code_sha256" {
  description = "SHA-256 of the archive that Lambda published, in base64."
  value       = aws_lambda_layer_version.this.code_sha256
}

output "digest" {
  description = "Digest of all that decides the archive, 64 hex digits."
  value       = local.package.digest
}

output "key" {
  description = "S3 key of the archive, or its path under the root module where there is no bucket."
  value       = coalesce(local.package.s3_key, local.package.filename)
}

output "layer" {
  description = "What `layers` of the module lambda-function-with-layers takes, so that it can check the layer."
  value = {
    arn                      = aws_lambda_layer_version.this.arn
    name                     = var.layer_name
    compatible_architectures = local.architectures
    compatible_runtimes      = local.runtimes
    unzipped_size            = local.package.unzipped_size
    zip_size                 = local.package.zip_size
    packages                 = local.package.packages
    manifest                 = local.package.manifest
  }
}

output "layer_arn" {
  description = "ARN of the layer without a version."
  value       = aws_lambda_layer_version.this.layer_arn
}

output "packages" {
  description = "Distributions in the layer, as `name==version`."
  value       = local.package.packages
}

output "source_code_hash" {
  description = "SHA-256 of the archive as planned, in base64; null where it is not built before the apply."
  value       = local.package.source_code_hash
}

output "unzipped_size" {
  description = "Bytes of the files in the layer; null where it is not built before the apply."
  value       = local.package.unzipped_size
}

output "version" {
  description = "Number of the layer version."
  value       = aws_lambda_layer_version.this.version
}

output "warnings" {
  description = "What the program warned of."
  value       = local.package.warnings
}

output "zip_size" {
  description = "Bytes of the archive; null where it is not built before the apply."
  value       = local.package.zip_size
}
