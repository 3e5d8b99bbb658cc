"""What the speed benchmark works out of its figures, against figures worked out by hand."""

import pytest

from benchmarks.speed import derived, page
from benchmarks.speed.epochs import read_epochs
from benchmarks.speed.observe import Observation

EPOCHS = [
    {"seconds": 10.0, "val_lrap": 0.5, "val_loss": 0.3},
    {"seconds": 4.0, "val_lrap": 0.7, "val_loss": 0.2},
    {"seconds": 5.0, "val_lrap": 0.7, "val_loss": 0.4},
]
RUN = {
    "components": [
        {"name": "CsvExampleGen", "started": 12.0, "seconds": 3.0},
        {"name": "Pusher", "started": 40.0, "seconds": 2.5},
    ]
}


def test_a_run():
    assert derived.seconds_to_first_component(RUN) == 12.0
    assert derived.seconds_to_pushed(RUN) == 42.5


def test_epochs():
    assert derived.epoch_seconds(EPOCHS) == 4.5
    assert derived.epoch_seconds(EPOCHS[:1]) == 10.0
    # Of equal ones the first.
    assert derived.best_epoch(EPOCHS, "val_lrap", max) == 2
    assert derived.best_epoch(EPOCHS, "val_loss", min) == 2
    assert derived.seconds_until(EPOCHS, 2) == 14.0
    assert derived.seconds_after(EPOCHS, 2) == 5.0


def test_the_example_with_epochs_that_were_not_run():
    taken = {"read": 1.0, "adapt": 2.0, "train": 19.5, "evaluate": 0.5, "export": 100.0}
    example = {"seconds": taken, "epochs": EPOCHS}
    assert derived.example_seconds(example, 3) == 23.0
    # The median epoch after the first one takes 4.5 s.
    assert derived.example_seconds(example, 20) == 23.0 + 17 * 4.5


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent(power):
    papers = [10, 20, 40, 100]
    assert derived.exponent(papers, [7 * n**power for n in papers]) == pytest.approx(power)


def test_the_exponent_of_too_little():
    assert derived.exponent([10], [1.0]) is None
    assert derived.exponent([10, 20], [0.0, 1.0]) is None


def test_bytes_per_paper():
    # By hand: means 2 and 400; (-1 * -100 + 0 * -100 + 1 * 200) / 2.
    assert derived.bytes_per_paper([1, 2, 3], [300, 300, 600]) == pytest.approx(150)
    assert derived.bytes_per_paper([1], [300]) is None


def test_the_peak_within_intervals():
    seen = Observation(0.0, 5.0, ((1.0, 10), (2.0, 50), (3.0, 20), (4.0, 30)), "")
    assert seen.peak_bytes == 50
    assert seen.peak_within([(0.5, 1.5), (2.5, 3.5)]) == 20
    assert seen.peak_within([(1.1, 1.9)]) == 0


def test_the_epochs_of_a_file(tmp_path):
    file = tmp_path / "epochs.jsonl"
    file.write_text('{"epoch": 1, "step": 3, "seconds": 1}\n{"epoch": 1, "seconds": 10.0}\n')
    ended = file.stat().st_mtime
    found = read_epochs(file, trainer_started=ended - 25)
    assert found.lines == [{"epoch": 1, "seconds": 10.0}]
    assert found.first_began == pytest.approx(15)


def test_the_page_keeps_the_rest(tmp_path):
    file = tmp_path / "page.md"
    file.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
    page.write_page(file, {})
    written = file.read_text()
    assert written.startswith(f"before\n{page.BEGIN}\n")
    assert written.endswith(f"\n{page.END}\nafter\n")
    assert "old" not in written


def test_a_page_without_markers(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("nothing")
    with pytest.raises(ValueError, match="speed"):
        page.write_page(file, {})
