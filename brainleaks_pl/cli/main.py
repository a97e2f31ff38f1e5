"""The entry of the command line: what people read when something goes wrong, or when they stop it."""

from __future__ import annotations

import os
import sys
import warnings

from brainleaks_pl.cli.signals import INTERRUPTED, Interruption, raising


def main(args: list[str] | None = None) -> None:
    """Run the command line; an error is one line on standard error, with exit status 2.

    Whatever is wrong, nothing that was finished before is lost. Ctrl-C ends it with 130 and SIGTERM with 143, at any
    time; a second one ends it at once. With ``BRAINLEAKS_DEBUG`` set in the environment errors keep their traceback.

    Args:
        args: arguments in place of the process's own.
    """
    with raising(owns_process=args is None):
        try:
            _run(sys.argv[1:] if args is None else args)
        except (Interruption, KeyboardInterrupt) as interruption:
            _say(INTERRUPTED)
            status = interruption.status if isinstance(interruption, Interruption) else 130
            if args is None:
                _leave(status)
            sys.exit(status)
        except Exception as error:
            if os.environ.get("BRAINLEAKS_DEBUG"):
                raise
            from brainleaks_pl.engine.errors import plain_message

            _say(f"error: {plain_message(error)}")
            sys.exit(2)


def _run(args: list[str]) -> None:
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning 2.6 on newer torch: nothing a user can do
    os.environ.setdefault("JSONARGPARSE_DEPRECATION_WARNINGS", "off")  # Lightning's calls, likewise
    from brainleaks_pl.cli.commands import run  # takes seconds, in which people press Ctrl-C

    run(args)


def _say(words: str) -> None:
    print(f"brainleaks: {words}", file=sys.stderr, flush=True)


def _leave(status: int) -> None:
    """End the process now: threads that are stuck, such as a logger's, could keep it from ending."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
