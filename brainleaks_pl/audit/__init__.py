"""The audit: what a set of targets gives away, measured under one protocol."""
