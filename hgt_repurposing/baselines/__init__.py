"""Simple rules that a model must beat."""
