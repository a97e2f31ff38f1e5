"""Membership inference: was this sample in the training set? Shadow networks, scores, curves and their intervals."""
