"""Checks of a network before anything is concluded from an attack on it."""

from brainleaks_pl.targets.checks.findings import CheckReport, Checks, FailedCheckError, Finding
from brainleaks_pl.targets.checks.measure import Measurement, measure
from brainleaks_pl.targets.checks.run import run_checks

__all__ = ["CheckReport", "Checks", "FailedCheckError", "Finding", "Measurement", "measure", "run_checks"]
