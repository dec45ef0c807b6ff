output "arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "digest" {
  description = "Digest of all that decides the function's own archive, 64 hex digits."
  value       = local.package.digest
}

output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "handler" {
  description = "Handler, given or found."
  value       = local.handler
}

output "invoke_arn" {
  description = "ARN by which API Gateway calls the function."
  value       = aws_lambda_function.this.invoke_arn
}

output "key" {
  description = "S3 key of the function's own archive, or its path under the root module where there is no bucket."
  value       = coalesce(local.package.s3_key, local.package.filename)
}

output "layers" {
  description = "ARNs of the function's layers, in order."
  value       = aws_lambda_function.this.layers
}

output "log_group_name" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "packages" {
  description = "Distributions in the function's own archive, as `name==version`."
  value       = local.package.packages
}

output "qualified_arn" {
  description = "ARN of the function with the version that is published last."
  value       = aws_lambda_function.this.qualified_arn
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = local.role_arn
}

output "role_name" {
  description = "Name of the role that is made here; null where `role` is given."
  value       = one(aws_iam_role.this[*].name)
}

output "source_code_hash" {
  description = "SHA-256 of the function's own archive as planned, in base64; null where it is not built before the apply."
  value       = local.package.source_code_hash
}

output "total_unzipped_size" {
  description = "Bytes of the files of the function and of those layers that tell their size."
  value       = local.total_unzipped_size
}

output "unzipped_size" {
  description = "Bytes of the files in the function's own archive; null where it is not built before the apply."
  value       = local.package.unzipped_size
}

output "version" {
  description = "Version that is published last; `$LATEST` without `publish`."
  value       = aws_lambda_function.this.version
}

output "warnings" {
  description = "What the program warned of."
  value       = local.package.warnings
}

output "zip_size" {
  description = "Bytes of the function's own archive; null where it is not built before the apply."
  value       = local.package.zip_size
}
