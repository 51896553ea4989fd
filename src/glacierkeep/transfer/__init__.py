"""Moving bytes: read once, hashed on the way, sent or received in parts, continued where they broke off."""
