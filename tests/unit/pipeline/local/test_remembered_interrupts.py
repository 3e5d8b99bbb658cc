"""Ctrl-C is heard at once, or before the next node where Python lost it."""

from __future__ import annotations

import signal
import threading

import pytest

from pipeline.local.interruption import remembered_interrupts


class Loud:
    """Its destructor gets the signal, where Python drops what is raised."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_is_raised_at_once():
    with remembered_interrupts(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_python_drops_is_raised_at_the_next_check():
    with remembered_interrupts() as check:
        check()
        loud = Loud()
        del loud
        with pytest.raises(KeyboardInterrupt):
            check()


def test_the_handler_before_is_put_back():
    before = signal.getsignal(signal.SIGINT)
    with remembered_interrupts():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_signals_are_left_alone():
    before = signal.getsignal(signal.SIGINT)
    inside = []

    def work():
        with remembered_interrupts() as check:
            check()
            inside.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert inside == [before]
