"""What the drill of a lost Kafka calls disorder in a slot of the topic of facts."""

import pytest

from tests.drills.kafka_lost import Told, disorder


def fact(position: int, previous: int) -> Told:
    return position, previous, True


def watermark(position: int, previous: int) -> Told:
    return position, previous, False


ORDERLY = {
    "facts, each after the one before": [fact(1, 0), fact(4, 1), fact(5, 4)],
    "a watermark between them": [fact(1, 0), watermark(3, 1), fact(4, 3)],
    "told anew by a relay that comes back": [fact(1, 0), fact(4, 1), fact(1, 0), fact(4, 1)],
    "the end of it told anew, and on": [fact(1, 0), fact(2, 1), fact(4, 2), fact(4, 2), fact(5, 4)],
    "a watermark that another slot did not take": [fact(1, 0), watermark(3, 1), fact(4, 1)],
    "a new broker, filled again": [fact(4, 1), fact(5, 4), fact(1, 0), fact(4, 1), fact(5, 4)],
}
OUT_OF_ORDER = {
    "a fact is skipped": [fact(1, 0), fact(5, 4)],
    "a fact does not name the one before": [fact(1, 0), fact(4, 1), fact(5, 1)],
    "a fact behind a later one": [fact(1, 0), fact(5, 1), fact(4, 1)],
    "a fact behind a watermark that said there was none": [
        fact(1, 0),
        watermark(5, 1),
        fact(4, 1),
    ],
}


@pytest.mark.parametrize("slot", ORDERLY.values(), ids=ORDERLY)
def test_it_is_in_order(slot: list[Told]) -> None:
    assert disorder(slot) == 0


@pytest.mark.parametrize("slot", OUT_OF_ORDER.values(), ids=OUT_OF_ORDER)
def test_it_is_out_of_order(slot: list[Told]) -> None:
    assert disorder(slot) == 1
