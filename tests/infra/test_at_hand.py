"""What is at hand of persons' keys is bounded, and no cipher outlives its key there."""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.sealing.at_hand import AtHand

PERIOD = ("original", "shop", "site", "2026-11")


def holding(*numbers: int, keys: int = 9, ciphers: int = 9) -> AtHand:
    """Return what is at hand once each was sealed for, and an original of each."""
    at_hand = AtHand(keys, ciphers)
    for number in numbers:
        key = at_hand.key(number) or os.urandom(32)
        at_hand.hold({number: key})
        at_hand.hold_cipher(number, key, AESGCM(key))
        at_hand.hold_original(number, key, PERIOD, AESGCM(key))
    return at_hand


def those(at_hand: AtHand) -> tuple[list[int], list[int], list[int]]:
    """Return whose keys, ciphers and ciphers of originals are there."""
    return (
        [n for n in range(9) if at_hand.knows(n)],
        [n for n in range(9) if at_hand.cipher(n)],
        [n for n in range(9) if at_hand.original(n, PERIOD)],
    )


def test_a_cipher_is_there_as_long_as_its_key() -> None:
    assert those(holding(1, 2, 3)) == ([1, 2, 3], [1, 2, 3], [1, 2, 3])
    assert those(holding(1, 2, 3, keys=2)) == ([2, 3], [2, 3], [2, 3])


def test_the_latest_ciphers_are_there_the_others_are_made_again() -> None:
    assert those(holding(1, 2, 1, 3, ciphers=2)) == ([1, 2, 3], [1, 3], [1, 3])


def test_what_is_let_go_of_leaves_nothing() -> None:
    at_hand = holding(1, 2)
    at_hand.let_go([1, 5])
    assert those(at_hand) == ([2], [2], [2])


def test_originals_are_let_go_of_alone_and_are_of_one_period() -> None:
    at_hand = holding(1)
    assert at_hand.original(1, ("original", "shop", "site", "2026-12")) is None
    at_hand.let_go_of_originals()
    assert those(at_hand) == ([1], [1], [])


def test_a_cipher_of_a_key_that_was_let_go_of_meanwhile_is_not_kept() -> None:
    at_hand = AtHand(9, 9)
    slow = os.urandom(32)
    at_hand.hold({1: slow})
    at_hand.let_go([1])
    at_hand.hold({1: os.urandom(32)})
    at_hand.hold_cipher(1, slow, AESGCM(slow))
    at_hand.hold_original(1, slow, PERIOD, AESGCM(slow))
    assert those(at_hand) == ([1], [], [])


def test_that_somebody_had_no_key_does_not_undo_one_that_was_made_meanwhile() -> None:
    at_hand = holding(1)
    at_hand.hold({1: None, 2: None})
    assert those(at_hand) == ([1, 2], [1], [1])
    assert at_hand.key(1) is not None
