output "functions" {
  description = "Each function's ARN, handler, and the key and sizes in bytes of its code."
  value = { for name, function in module.functions : name => {
    arn           = function.arn
    handler       = function.handler
    key           = function.key
    unzipped_size = function.unzipped_size
    zip_size      = function.zip_size
  } }
}

output "layers" {
  description = "Each layer's ARN, key and sizes in bytes, in the order in which the functions have them."
  value = [for layer in [module.dependencies, module.package] : {
    arn           = layer.arn
    key           = layer.key
    packages      = layer.packages
    unzipped_size = layer.unzipped_size
    zip_size      = layer.zip_size
  }]
}
