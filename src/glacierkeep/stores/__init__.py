"""The far side: one interface to a vault, and its implementations."""
