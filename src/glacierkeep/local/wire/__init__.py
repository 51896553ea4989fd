"""Requests and responses: what they hold, how the service spells things, who signed."""
