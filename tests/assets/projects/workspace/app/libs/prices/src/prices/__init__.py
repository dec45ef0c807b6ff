value = "prices"
