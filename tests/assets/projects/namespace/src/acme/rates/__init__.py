value = "rates"
