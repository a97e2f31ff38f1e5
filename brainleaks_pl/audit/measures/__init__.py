"""What an audit measures: one file per measure, which holds what it computes and what it shows."""
