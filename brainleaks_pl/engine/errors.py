"""Errors as people read them."""

from __future__ import annotations


def plain_message(error: BaseException) -> str:
    """Return what went wrong, without the layers that the parser of nested classes wraps round it."""
    wrapped = "Does not validate against any of the Union subtypes"
    while str(error).startswith(wrapped) and error.__cause__ is not None:
        error = error.__cause__
    message = str(error)
    if not message.startswith(wrapped):
        return message
    reasons = [line.strip().removeprefix("- ") for line in message.splitlines() if line.strip().startswith("- ")]
    return next((reason for reason in reasons if not reason.startswith("Expected a")), message)
