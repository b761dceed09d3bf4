"""Arrays in, numbers out: metrics and floors."""
