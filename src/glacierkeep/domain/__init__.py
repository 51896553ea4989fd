"""Rules and values. Standard library only; no clock, no disk, no network."""
