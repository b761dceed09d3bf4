"""Link prediction training."""
