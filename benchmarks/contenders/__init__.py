"""The contenders: the product, its peers, and the limits of its components."""
