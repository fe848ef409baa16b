"""Counts survive batches, resets, and several processes."""

import torch

from piste.metrics.tally import Tally


def test_counts_add_up_in_their_own_shapes():
    tally = Tally(one=(1,), table=(2, 3), number=())
    for _ in range(2):
        tally.update(one=torch.tensor([4]), table=torch.ones(2, 3, dtype=torch.int64), number=torch.tensor(5))
    totals = tally.totals()
    assert totals["one"].tolist() == [8]
    assert totals["table"].tolist() == [[2, 2, 2], [2, 2, 2]]
    assert int(totals["number"]) == 10


def test_what_was_read_does_not_grow():
    tally = Tally(number=())
    tally.update(number=torch.tensor(1))
    before = tally.totals()["number"]
    tally.update(number=torch.tensor(1))
    assert (int(before), int(tally.totals()["number"])) == (1, 2)


def test_processes_are_summed():
    tally = Tally(one=(1,), pair=(2,))
    tally.update(one=torch.tensor([3]), pair=torch.tensor([1, 2]))
    # two processes that counted the same
    tally.sync(dist_sync_fn=lambda state, group: [state, state], distributed_available=lambda: True)
    assert tally.pair.tolist() == [2, 4]
    tally.unsync()
    assert tally.totals()["pair"].tolist() == [1, 2]
