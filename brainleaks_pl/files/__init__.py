"""Files: written atomically, read without running code, named without surprises."""
