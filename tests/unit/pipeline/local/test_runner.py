"""Ctrl-C that Python or a library lost."""

from __future__ import annotations

import signal
import threading

import pytest

from pipeline.local.runner import track_interrupts


class Loud:
    """Its destructor gets the signal, where Python drops what is raised."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_is_raised_at_once():
    with track_interrupts(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_python_drops_is_raised_at_the_next_check():
    with track_interrupts() as check:
        check()
        loud = Loud()
        del loud
        with pytest.raises(KeyboardInterrupt):
            check()


def wrapped_interrupt():
    """Does as Beam does."""
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt as error:
        raise RuntimeError("KeyboardInterrupt [while running a stage]") from error


def test_an_interrupt_that_a_library_wraps_is_raised_all_the_same():
    with pytest.raises(KeyboardInterrupt), track_interrupts():
        wrapped_interrupt()


def test_other_errors_stay_as_they_are():
    with pytest.raises(ValueError, match="bad"), track_interrupts():
        raise ValueError("bad")


def test_the_handler_before_is_put_back():
    before = signal.getsignal(signal.SIGINT)
    with track_interrupts():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_signals_are_left_alone():
    before = signal.getsignal(signal.SIGINT)
    inside = []

    def work():
        with track_interrupts() as check:
            check()
            inside.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert inside == [before]
