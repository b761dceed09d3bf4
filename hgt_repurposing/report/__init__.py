"""The HTML report, its plots and the terminal summary."""
