"""Signals end a command in order, with one exit status and one message; a second one, or a stuck command, at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from lightning.pytorch.utilities.exceptions import SIGTERMException

from brainleaks_pl.cli import main as entry
from brainleaks_pl.cli.signals import INTERRUPTED, Interruption, raising

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}
BOTH = pytest.mark.parametrize("number", STATUS, ids=lambda number: number.name)
DEAF = """
import sys, time
from brainleaks_pl.cli import signals

signals.GRACE = float(sys.argv[1])
with signals.raising():
    words = "ready"
    while True:
        try:
            print(words, flush=True)
            time.sleep(60)
        except BaseException:
            words = "heard"
"""


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(5)


def refused(monkeypatch: pytest.MonkeyPatch, work: object) -> int | str | None:
    monkeypatch.setattr(entry, "_run", work)
    with pytest.raises(SystemExit) as stopped:
        entry.main([])
    return stopped.value.code


@BOTH
def test_the_exit_status_says_which_signal(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    assert refused(monkeypatch, lambda _: send(number)) == STATUS[signal.Signals(number)]
    assert capsys.readouterr().err == f"brainleaks: {INTERRUPTED}\n"
    assert signal.getsignal(number) is before


@BOTH
def test_an_error_that_other_code_made_of_it_is_an_interruption_still(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def importing(_: object) -> None:
        try:
            send(number)
        except BaseException:
            raise ImportError("something is missing") from None

    assert refused(monkeypatch, importing) == STATUS[signal.Signals(number)]
    assert capsys.readouterr().err == f"brainleaks: {INTERRUPTED}\n"


@BOTH
def test_leaving_after_it_was_swallowed_is_an_interruption_still(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leaving(_: object) -> None:
        with suppress(BaseException):
            send(number)
        raise SIGTERMException  # as Lightning's loops do

    assert refused(monkeypatch, leaving) == STATUS[signal.Signals(number)]
    assert capsys.readouterr().err == f"brainleaks: {INTERRUPTED}\n"


def test_it_is_no_exception_that_an_audit_would_take_for_a_failed_cell() -> None:
    assert not issubclass(Interruption, Exception)
    assert not issubclass(Interruption, KeyboardInterrupt)  # of which Lightning makes exit status 1


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with raising(owns_process=False) as received:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
        assert received.status == 0
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_thread_is_left_alone() -> None:
    before, found = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with raising():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [before]


@BOTH
@pytest.mark.parametrize(("grace", "signals"), [(0.3, 1), (60, 2)], ids=["stuck", "second signal"])
def test_a_command_that_does_not_end_is_ended(number: int, grace: float, signals: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF, str(grace)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    for _ in range(signals):
        process.send_signal(number)
        if signals > 1 and _ == 0:
            assert process.stdout.readline() == "heard\n"
    _, said = process.communicate(timeout=60)
    assert process.returncode == STATUS[signal.Signals(number)]
    assert said == f"brainleaks: {INTERRUPTED}\n"


def test_the_package_is_imported_when_it_is_used() -> None:
    code = "import sys, brainleaks_pl.cli.main; print([m for m in ('torch', 'lightning', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_a_terminal_that_lacks_a_character_still_gets_the_rest() -> None:
    code = "import brainleaks_pl.cli.main as m; m._run = lambda _: print('0.5\\xb10.1'); m.main()"
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=ascii_only)
    assert done.stdout == b"0.5?0.1\n"


def test_an_error_of_a_handler_that_comes_first_is_an_interruption_still() -> None:
    code = """
import os, signal, time
import brainleaks_pl.cli.main as m

def work(_):
    signal.signal(signal.SIGTERM, lambda *_: 1 / 0)  # as Lightning's does, where a peer has gone
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)

m._run = work
m.main()
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (143, f"brainleaks: {INTERRUPTED}\n")


@BOTH
def test_a_signal_that_other_code_swallowed_still_decides_the_exit_status(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(_: object) -> None:
        with suppress(BaseException):  # as a callback from C does
            send(number)

    assert refused(monkeypatch, work) == STATUS[signal.Signals(number)]


def test_with_debug_an_error_shows_its_traceback_and_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BRAINLEAKS_DEBUG", "1")
    assert refused(monkeypatch, lambda _: [][0]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.splitlines()[-1].startswith("brainleaks: error: IndexError: list index out of range")
