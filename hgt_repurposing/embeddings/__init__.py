"""Node embeddings and their validation."""
