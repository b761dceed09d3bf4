"""The heterogeneous graph transformer and its link scorer."""
