"""brainleaks_pl: what does a trained spiking network give away of its training data?

Model-inversion attacks on spiking and non-spiking networks (BrainLeaks, arXiv 2402.00906) on PyTorch Lightning. The
public names are listed in ``__init__.pyi``; each is imported when it is first used.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
