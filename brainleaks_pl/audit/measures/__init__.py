"""What an audit measures: one file a measure, which holds what it computes and what it shows."""
