"""Names of an attack's random streams: drawing from one never changes what another gives.

A unit's numbers depend on the seed, the stream, the step, its class and its restart. Two streams may have the same
number where no attack draws from both.
"""

from __future__ import annotations

from typing import Final

DRAWS: Final = 0
"""What an attack draws first of all: v1's updates, v2's population, the directions of attacks without gradients."""
FLIPS: Final = 1
"""The random flips where every gradient is zero."""
QUERIED_SPIKES: Final = 1
"""The spikes of the inputs that attacks without gradients send."""
FIRST_SPIKES: Final = 2
"""v1's first spikes, where it does not start from silence."""
SHIFTS: Final = 2
"""The shifts of images."""
NOISE: Final = 3
"""The noise added to images."""
ENCODED_SPIKES: Final = 4
"""v3's encoded draws of its images."""
ENCODER: Final = 5
"""The constants of v3's encoder that are not known for certain."""
FIRST_IMAGES: Final = 6
"""How the first images of later restarts differ from that of the first, and the first latents of a prior."""
TURNS: Final = 7
"""How v3 turns and scales its images."""
STARTS: Final = 8
"""The first pictures of a prior that an attack chooses its starts from."""
