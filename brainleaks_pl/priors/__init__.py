"""Priors: what natural pictures look like, learned from public data, so that attacks search only among these."""

from brainleaks_pl.priors.base import Prior
from brainleaks_pl.priors.guided_denoising import GuidedDenoising
from brainleaks_pl.priors.natural_spectrum import NaturalSpectrum
from brainleaks_pl.priors.pen_stroke import PenStroke
from brainleaks_pl.priors.plug_and_play import PlugAndPlay
from brainleaks_pl.priors.principal_components import PrincipalComponents
from brainleaks_pl.priors.vae import VAE

__all__ = ["VAE", "GuidedDenoising", "NaturalSpectrum", "PenStroke", "PlugAndPlay", "PrincipalComponents", "Prior"]
