"""From embeddings to ranked drugs."""
