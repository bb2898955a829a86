"""Money: an exact decimal with its currency."""

from decimal import Decimal
from typing import Final

from domain.shared.events import Value
from domain.shared.refusals import Refused

CURRENCIES: Final = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP
    BYN BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
    GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS
    KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
    MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF
    SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD
    TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905  # 150 quoted codes read worse
)
"""Codes of ISO 4217 in use."""

LARGEST: Final = Decimal(10) ** 12
"""No single amount of a shop is taken above this; what is larger is a mistake."""


class UnknownCurrency(Refused):
    """{currency} is not a currency of ISO 4217."""


class MixedCurrencies(Refused):
    """{left} and {right} cannot be added: sums never mix currencies."""


class Money(Value, frozen=True, kw_only=True):
    """An amount in one currency."""

    amount: Decimal
    currency: str

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(amount=self.amount - other.amount, currency=self.currency)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise MixedCurrencies(left=self.currency, right=other.currency)


def currency(code: str) -> str:
    """Return the code in capitals. Raises UnknownCurrency when ISO 4217 has none such."""
    upper = code.strip().upper()
    if upper not in CURRENCIES:
        raise UnknownCurrency(currency=code[:20])
    return upper
