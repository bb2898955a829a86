"""Names and addresses as they are compared, and as those see them who may not read them."""

import re
from typing import Final

import phonenumbers

from domain.customer.events import Person

HIDDEN: Final = "•••"

_NOT_DIGITS: Final = re.compile(r"\D+")
_PLUS: Final = ("+", "\uff0b")
_SHORT: Final = 8
"""A number shorter than this shows two digits, a longer one four."""


def full_name(person: Person) -> str | None:
    """Return the name to greet with; a company's or a user's name for want of a person's."""
    parts = " ".join(part for part in (person.first_name, person.last_name) if part)
    return person.name or parts or person.company or person.username or None


def email(address: str) -> str | None:
    """Return an e-mail address as it is compared: trimmed, in small letters; None if empty."""
    return address.strip().lower() or None


def phone(number: str, country: str | None = None) -> str | None:
    """Return a phone number as it is compared: the digits of its E.164 form, where that is known.

    `country`: ISO 3166 code of the country that a number without prefix belongs to; without
    it such a number is its digits as written. None when there are no digits.
    """
    parsed = _parsed(number, country)
    if parsed is not None:
        return f"{parsed.country_code}{phonenumbers.national_significant_number(parsed)}"
    return _digits(number) or None


def phones(number: str, region: str) -> tuple[str, ...]:
    """Return every form under which a number that is asked for may have been kept.

    Shops write numbers with and without a prefix; one without belongs to `region`.
    """
    forms = [phone(number), _digits(number)]
    parsed = _parsed(number, region)
    if parsed is not None:
        forms.append(phone(number, region))
        if parsed.country_code == phonenumbers.country_code_for_region(region):
            national = phonenumbers.PhoneNumberFormat.NATIONAL
            forms.append(_digits(phonenumbers.format_number(parsed, national)))
            forms.append(phonenumbers.national_significant_number(parsed))
    return tuple(dict.fromkeys(form for form in forms if form))


def mask_name(name: str) -> str | None:
    """Return the first letter of each word: `A••• L•••`."""
    return " ".join(word[0] + HIDDEN for word in name.split()) or None


def mask_email(address: str) -> str | None:
    """Return the first letters and the last part of the domain: `a•••@e•••.com`."""
    normal = email(address)
    if normal is None:
        return None
    local, at, domain = normal.rpartition("@")
    if not at or not local or not domain:
        return normal[0] + HIDDEN
    *_, last = domain.rpartition(".")
    end = f".{last}" if last != domain else ""
    return f"{local[0]}{HIDDEN}@{domain[0]}{HIDDEN}{end}"


def mask_phone(number: str) -> str | None:
    """Return the last digits: `•••0123`."""
    digits = _digits(number)
    if not digits:
        return None
    return HIDDEN + digits[-2 if len(digits) < _SHORT else -4 :]


def _digits(number: str) -> str:
    return _NOT_DIGITS.sub("", number)


def _parsed(number: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    region = country.strip().upper() if country else None
    if region not in phonenumbers.SUPPORTED_REGIONS:
        region = None
    if region is None and not number.lstrip().startswith(_PLUS):
        return None
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    return parsed if phonenumbers.is_possible_number(parsed) else None
