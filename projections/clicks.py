"""The verdict on a click: a person, or a machine that looks through messages before a person does.

A click is judged by its own evidence alone, so that it can be judged again when the rule changes.
Mail gateways follow every link within moments of delivery, from data centres, hidden links too.
"""

from typing import Final

from domain.message.events import AddressClass, Evidence

TOO_QUICK_MS: Final = 2000
"""A person needs longer than this, from delivery, to see a message and choose a link."""


def is_person(evidence: Evidence) -> bool:
    """Tell whether a person clicked.

    Not one who followed a link that people cannot see, came from a data centre, or came quicker
    than TOO_QUICK_MS after delivery. What is not known speaks for the person.
    """
    if evidence.honeypot or evidence.address_class is AddressClass.DATACENTER:
        return False
    return evidence.delay_ms is None or evidence.delay_ms >= TOO_QUICK_MS
