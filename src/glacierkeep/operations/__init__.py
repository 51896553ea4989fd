"""What gk does: one verb, one module, one public function. Collaborators are handed over by name."""
