value = "flat"
