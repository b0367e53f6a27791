"""Who takes part: the product, its peers, and the limits of what they stand on."""
