"""Faults to order: rules of what is to go wrong, where they are kept, and how they are carried out."""
