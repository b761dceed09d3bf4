"""Mini graphs to train on."""
