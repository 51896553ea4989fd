"""Results and events for people and for programs."""
