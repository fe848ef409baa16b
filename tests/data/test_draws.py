"""What samples are drawn from: the seed, the epoch and the index, in whichever process."""

import random

from piste.data.draws import Draws


def numbers(draws: Draws) -> list[float]:
    return [draws.of(index).random() for index in range(3)]


def test_each_seed_epoch_and_index_draws_its_own_and_always_the_same() -> None:
    seen = []
    for seed in (0, 1):
        draws = Draws(seed)
        for epoch in (0, 1, 2):
            draws.set_epoch(epoch)
            seen += numbers(draws)
    assert len(set(seen)) == 18
    again = Draws(1)
    again.set_epoch(2)
    assert numbers(again) == seen[-3:]


def test_the_process_keeps_its_own_random_state() -> None:
    random.seed(5)
    before = random.getstate()
    numbers(Draws(0))
    assert random.getstate() == before
