value = "shared"
