"""The 33 operations, a module for each family of them."""
