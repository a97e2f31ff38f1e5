"""Ctrl-C and SIGTERM: the first ends a command in order, a second one at once."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

GRACE = 10.0
"""Seconds that a command has to end in order."""

INTERRUPTED = "interrupted; what was finished before is intact."
"""What people read then."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Received:
    """What a command was told.

    Args:
        status: exit status of the first signal that arrived, 128 and its number; 0 while none has.
    """

    status: int = 0


class Interruption(BaseException):
    """The command was told to stop. Not a KeyboardInterrupt, of which Lightning makes an exit status of its own."""


@contextmanager
def raising(owns_process: bool = True) -> Iterator[Received]:
    """Raise :class:`Interruption` where a signal arrives inside the block.

    Where the process is the command's own, a thread watches as well: should the command not end within :data:`GRACE`
    seconds, because it is stuck or the exception was swallowed, or should a second signal come, the process ends at
    once. No more is lost than by the power going off: finished files stay whole. A signal that is ignored, as in the
    background of a shell, stays ignored.

    Args:
        owns_process: whether the process does nothing else.

    Yields:
        What arrived: other code may have made another error of the exception.
    """
    received, raised = Received(), False
    if threading.current_thread() is not threading.main_thread():  # where signals never arrive
        yield received
        return
    process = os.getpid()

    def handle(signum: int, frame: FrameType | None) -> None:
        nonlocal raised
        if os.getpid() != process:  # a worker that loads data: its parent tells it to end
            raise KeyboardInterrupt
        received.status = received.status or 128 + signum
        if not raised or not owns_process:  # a second one is the watching thread's
            raised = True
            raise Interruption

    before = {signum: signal.getsignal(signum) for signum in _SIGNALS}
    heard = [signum for signum, handler in before.items() if handler is not signal.SIG_IGN]
    if owns_process:
        _watch(received)
    for signum in heard:
        signal.signal(signum, handle)
    try:
        yield received
    finally:
        for signum in heard:
            signal.signal(signum, before[signum])


def _watch(received: Received) -> None:
    """Start the thread that ends the process; the interpreter wakes it even while other code is stuck."""
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
    threading.Thread(target=_end_in_time, args=(ear, mouth, received), name="signals", daemon=True).start()


def _end_in_time(ear: socket.socket, mouth: socket.socket, received: Received) -> None:
    """Wait for a signal, then for the grace to pass or for a second signal, and end the process.

    Args:
        ear: where the interpreter's wake-up calls are read, a byte per signal.
        mouth: where it writes them, kept open.
        received: told at once: Lightning's handlers, which come before ours, may raise an error of their own.
    """
    status = 0
    while True:
        try:
            signum = ear.recv(1)[0]
        except TimeoutError:
            break
        if signum in _SIGNALS:
            if status:
                break
            status = received.status = 128 + signum
            ear.settimeout(GRACE)
    os.write(2, f"brainleaks: {INTERRUPTED}\n".encode())
    os._exit(status)
