"""Held-out pairs against a ranking: folds, evaluation, verdicts."""
