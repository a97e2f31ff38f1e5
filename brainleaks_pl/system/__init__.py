"""What the package asks of the machine: files that are written whole and read safely, and memory."""
