"""The entry point of the command line: error messages, and the exit status after an interruption."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
import traceback
import warnings
from contextlib import suppress
from typing import NoReturn

from brainleaks_pl.cli.overview import VERSION, check_command, overview
from brainleaks_pl.cli.signals import INTERRUPTED, Interruption, raising

_VERBOSE = ("-v", "--verbose")
_LISTENING = 0.1  # seconds in which a signal is heard that another error is due to


def main(args: list[str] | None = None) -> None:
    """Run the command line; an error is one line on standard error, with exit status 2.

    Whatever is wrong, nothing that was finished before is lost. Ctrl-C ends it with 130 and SIGTERM with 143, at any
    time; a second one ends it at once. With ``BRAINLEAKS_DEBUG`` set in the environment errors show their traceback as
    well.

    Args:
        args: arguments in place of the process's own.
    """
    if args is None:
        threading.excepthook = _say_once
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal that lacks a character still gets the rest
    with raising(owns_process=args is None) as received:
        try:
            _run(sys.argv[1:] if args is None else args)
            if received.status:  # other code has swallowed it
                raise Interruption
        except (Interruption, KeyboardInterrupt):
            _interrupted(received.status or 130, args is None)
        except SystemExit:  # where something swallowed the interruption, Lightning still ends on SIGTERM, with success
            if received.status:
                _interrupted(received.status, args is None)
            raise
        except Exception as error:
            time.sleep(_LISTENING if args is None else 0.0)
            if received.status:  # imports have made of it that something is missing, or a peer that it has gone
                _interrupted(received.status, args is None)
            if os.environ.get("BRAINLEAKS_DEBUG"):
                traceback.print_exc()
            from brainleaks_pl.engine.errors import full_message

            _say(f"error: {full_message(error)}")
            sys.exit(2)


def _run(args: list[str]) -> None:
    verbose = any(argument in _VERBOSE for argument in args)
    args = [argument for argument in args if argument not in _VERBOSE]
    if args[:1] in (["-h"], ["--help"], ["--version"]):
        print(VERSION if args[0] == "--version" else overview())
        return
    check_command(args)
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning 2.6 on newer torch: nothing a user can do
    os.environ.setdefault("JSONARGPARSE_DEPRECATION_WARNINGS", "off")  # Lightning's calls, likewise
    from brainleaks_pl.cli.commands import run  # takes seconds, in which people press Ctrl-C

    run(args, verbose=verbose)


def _say_once(failed: threading.ExceptHookArgs) -> None:
    """Leave errors of files to the main thread, which a logger's thread tells of its own: the disk is full, say."""
    if not issubclass(failed.exc_type, OSError):
        threading.__excepthook__(failed)


def _say(words: str) -> None:
    print(f"brainleaks: {words}", file=sys.stderr, flush=True)


def _interrupted(status: int, owns_process: bool) -> NoReturn:
    """End the command; where the process is its own, at once: threads that are stuck could keep it from ending."""
    _say(INTERRUPTED)
    if owns_process:
        with suppress(OSError, ValueError):  # nobody listens any more
            sys.stdout.flush()
        os._exit(status)
    sys.exit(status)
