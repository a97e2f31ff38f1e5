"""What an attack comes to: judges, metrics, nulls, likeness, and the report that holds them."""
