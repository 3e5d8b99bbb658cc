"""Memory and time of a command, seen from outside."""

import sys
import time
from pathlib import Path

import pytest

from benchmarks.speed.observe import CommandError, Observation, observe

MEGABYTE = 10**6
# Long enough to be sampled more than once.
HOLD = "import time; held = b'x' * 300_000_000; time.sleep(1)"
START = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {!r}])"


def is_running(pid):
    """Whether there is more of a process than its number, which waits to be read."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def test_memory_of_children_counts():
    waiting = START.format(HOLD) + "; child.wait()"
    assert observe([sys.executable, "-c", waiting]).peak_bytes > 300 * MEGABYTE
    alone = observe([sys.executable, "-c", "print('done')"])
    assert alone.peak_bytes < 100 * MEGABYTE
    assert alone.printed == "done\n"


def test_memory_of_a_child_counts_when_its_parent_has_ended():
    between = START.format(HOLD.replace("sleep(1)", "sleep(60)")) + "; import time; time.sleep(0.3)"
    # The child is ended with the command.
    waiting = START.format(between) + "; child.wait(); import time; print(time.time()); "
    seen = observe([sys.executable, "-c", waiting + "time.sleep(3)"])
    after = [size for at, size in seen.samples if at > float(seen.printed)]
    assert max(after) > 300 * MEGABYTE


def test_what_a_command_leaves_running_is_ended():
    script = START.format("import time; time.sleep(60)") + "\nprint(child.pid)"
    left = int(observe([sys.executable, "-c", script]).printed)
    deadline = time.monotonic() + 10
    while is_running(left):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_command_that_fails_tells_its_last_lines():
    script = "import sys; print('told'); print('why', file=sys.stderr); sys.exit(3)"
    with pytest.raises(CommandError, match=r"ended with 3:\ntold\nwhy"):
        observe([sys.executable, "-c", script])


def test_the_peak_within_intervals():
    seen = Observation(0.0, 5.0, ((1.0, 10), (2.0, 50), (3.0, 20), (4.0, 30)), "")
    assert seen.peak_bytes == 50
    assert seen.peak_within([(0.5, 1.5), (2.5, 3.5)]) == 20
    assert seen.peak_within([(1.1, 1.9)]) == 0
