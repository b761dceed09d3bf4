"""Evaluation of rankings on held-out pairs: folds, results, verdicts."""
