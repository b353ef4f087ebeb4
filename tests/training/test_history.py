"""A history is what was measured, and survives as JSON."""

import json

from glassnet.training import Epoch, History


def epoch(number: int, loss: list[float], validation_loss: list[float] | None = None) -> Epoch:
    return Epoch(number, loss, validation_loss, [-a for a in loss], [0.1] * len(loss), 0.5 * number)


def history() -> History:
    return History([epoch(1, [1.0, 3.0], [2.0, 4.0]), epoch(2, [0.5, 1.5], [1.0, 5.0])], "patience", [2, 1])


def test_it_survives_as_json():
    again = History.from_dict(json.loads(json.dumps(history().to_dict())))
    assert again == history()
    assert History.from_dict(History().to_dict()) == History()


def test_what_is_written_is_not_shared():
    written = history().to_dict()
    kept = json.dumps(written)
    History.from_dict(written).epochs.append(epoch(3, [0.0, 0.0]))
    assert json.dumps(written) == kept


def test_losses_are_means_over_the_networks():
    assert history().loss == [2.0, 1.0]
    assert history().validation_loss == [3.0, 3.0]
    assert History([epoch(1, [1.0])]).validation_loss == []


def test_the_best_epoch_is_the_one_that_was_kept():
    assert history().best == epoch(2, [0.5, 1.5], [1.0, 5.0])
    assert History([epoch(1, [1.0])], best_epoch=[0]).best is None
    assert History().best is None


def test_it_can_be_walked_through():
    assert len(history()) == 2
    assert [e.epoch for e in history()] == [1, 2]
