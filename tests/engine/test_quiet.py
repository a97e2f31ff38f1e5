"""What Lightning says while nobody listens to it."""

import logging
import warnings

import pytest

from brainleaks_pl.engine.quiet import quiet_lightning


@pytest.mark.parametrize("warnings_too", [False, True])
def test_lightnings_warnings_are_held_back_where_asked_and_ours_never(warnings_too: bool) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quiet_lightning(warnings_too=warnings_too):
            assert logging.getLogger("lightning.fabric").isEnabledFor(logging.WARNING) != warnings_too
            for module in ("lightning.pytorch.loops", "brainleaks_pl.audit"):
                warnings.warn_explicit(module, UserWarning, "there.py", 1, module=module)
    said = [str(own.message) for own in caught]
    assert said == ([] if warnings_too else ["lightning.pytorch.loops"]) + ["brainleaks_pl.audit"]
