"""What an audit measures: one file per measure, with what it computes and what it shows."""
