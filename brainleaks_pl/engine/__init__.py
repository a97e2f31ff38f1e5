"""Running things: the trainer, training of networks, progress of attacks, files and checkpoints."""
