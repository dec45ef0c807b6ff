"""Parts that several tests are made of."""
