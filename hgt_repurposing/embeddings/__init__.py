"""Node embeddings and what is wrong with them."""
