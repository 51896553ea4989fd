"""age keys: recipients that archives are sealed to, identities that open them, and sheets that keep them."""
