"""What the package needs from the machine: files that are written atomically and read safely, and memory."""
