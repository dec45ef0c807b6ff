# What is wrong with the layers as far as a plan can know it, each problem with the name of the layer.

locals {
  layer_limit    = 5
  unzipped_limit = 262144000 # bytes of the function and its layers together

  layer_names = [for i, layer in var.layers : coalesce(layer.name, "layers[${i}]")]

  # Whoever does not tell a size counts as nothing: better a plan that AWS refuses later than one refused here that fits.
  unzipped_sizes = concat(
    [coalesce(local.package.unzipped_size, 0)],
    [for layer in var.layers : coalesce(layer.unzipped_size, 0)],
  )
  total_unzipped_size = sum(local.unzipped_sizes)

  # A layer that does not tell what it is for may be for everything.
  layers_of_other_runtimes = [
    for i, layer in var.layers : "${local.layer_names[i]} is for ${join(" and ", layer.compatible_runtimes)}"
    if length(layer.compatible_runtimes) > 0 && !contains(layer.compatible_runtimes, var.runtime)
  ]
  layers_of_other_architectures = [
    for i, layer in var.layers : "${local.layer_names[i]} is for ${join(" and ", layer.compatible_architectures)}"
    if length(layer.compatible_architectures) > 0 && !contains(layer.compatible_architectures, var.architecture)
  ]
}
