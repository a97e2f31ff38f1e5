"""The Trainer with one more verb: ``invert``."""

from __future__ import annotations

import warnings

from lightning.pytorch import Trainer

from brainleaks_pl.attacks.base import InversionModule


class InversionTrainer(Trainer):
    """Lightning's Trainer, which also runs attacks; takes the same arguments."""

    def invert(self, model: InversionModule) -> None:
        """Run an attack on every class, then score what it reconstructs.

        The trainer's limits and gradient clipping are meant for ``fit`` and do not bind the attack, which runs for its
        own number of steps; ``fast_dev_run`` still cuts it short.

        Args:
            model: the attack; it holds its target and, afterwards, its reconstructions.
        """
        self.fit_loop.epoch_progress.reset()  # a trainer can run one attack after another
        self.fit_loop.max_epochs = 1
        self.fit_loop.min_epochs = None
        self.fit_loop.epoch_loop.max_steps = -1
        self.fit_loop.epoch_loop.min_steps = None
        self.gradient_clip_val = None
        self.gradient_clip_algorithm = None
        self.accumulate_grad_batches = 1
        if not getattr(self, "fast_dev_run", False):
            self.limit_train_batches = 1.0
        self.log_every_n_steps = model.log_every
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*in eval mode at the start of training.*")  # the frozen target
            self.fit(model)
