"""What the tables work out of the recorded figures, against figures worked out by hand."""

from benchmarks.speed import tables

EPOCHS = [{"seconds": 10.0}, {"seconds": 4.0}, {"seconds": 5.0}]


def test_seconds_to_the_pushed_model():
    pusher = {"name": "Pusher", "started": 40.0, "seconds": 2.5}
    assert tables.seconds_to_pushed({"components": [pusher]}) == 42.5


def test_an_epoch_is_the_median_one_without_the_first():
    assert tables.epoch_seconds(EPOCHS) == 4.5
    assert tables.epoch_seconds(EPOCHS[:1]) == 10.0


def test_epochs_of_the_example_that_were_not_run_count_as_the_median_one():
    taken = {"read": 1.0, "adapt": 2.0, "train": 19.5, "evaluate": 0.5, "export": 100.0}
    example = {"seconds": taken, "epochs": EPOCHS}
    assert tables.example_seconds(example) == 23.0 + 17 * 4.5
