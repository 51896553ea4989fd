"""The operators of conditions (IAM user guide, "Condition operators"): what each compares, and how."""

import operator
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from glacierkeep.local.policies.patterns import arn_matches, is_arn, matches

Test = Callable[[str, str], bool]

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2}))?)?"
)
# Fewer digits could be a year, which is a date too.
_SECONDS_SINCE_1970 = re.compile(r"[0-9]{5,12}")
_YEAR_AND_MONTH = len("2026-03")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Operator:
    """How values of a condition are compared with that of the request.

    *test* is given the wanted and the actual value; *possible* tells whether a value can be wanted at all. When
    *negated* the condition is that no test succeeds. *variables* tells whether wanted values may have some.
    """

    test: Test
    possible: Callable[[str], bool]
    negated: bool = False
    variables: bool = False


def _anything(_: str) -> bool:
    return True


def _is_bool(text: str) -> bool:
    return text.lower() in ("true", "false")


def _same_but_for_case(wanted: str, actual: str) -> bool:
    return wanted.lower() == actual.lower()


def _says_there_is_one(wanted: str, _: str) -> bool:
    return wanted.lower() == "false"


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _moment(text: str) -> int | None:
    """Microseconds since 1970 UTC."""
    if _SECONDS_SINCE_1970.fullmatch(text):
        return int(text) * 1_000_000
    if not _DATE.fullmatch(text):
        return None
    with suppress(ValueError):
        date = datetime.fromisoformat(text + "-01" if len(text) == _YEAR_AND_MONTH else text)
        return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)
    return None


def _network(text: str) -> IPv4Network | IPv6Network | None:
    _, slash, length = text.partition("/")
    if slash and not (length.isascii() and length.isdigit()):
        return None
    with suppress(ValueError):
        return ip_network(text, strict=False)
    return None


def _in_network(wanted: str, actual: str) -> bool:
    network = _network(wanted)
    with suppress(ValueError):
        return network is not None and ip_address(actual) in network
    return False


def _ordered(read: Callable[[str], Any], relation: Callable[[Any, Any], bool]) -> Test:
    """The test whether the actual value stands in that relation to the wanted one; not if either cannot be read."""

    def test(wanted: str, actual: str) -> bool:
        one, other = read(actual), read(wanted)
        return one is not None and other is not None and relation(one, other)

    return test


def _both(name: str, opposite: str, test: Test, possible: Callable[[str], bool]) -> dict[str, Operator]:
    """An operator on texts and its opposite."""
    return {
        name: Operator(test, possible, variables=True),
        opposite: Operator(test, possible, negated=True, variables=True),
    }


def _ordering(family: str, read: Callable[[str], Any]) -> dict[str, Operator]:
    """The six operators on values that have an order."""

    def possible(text: str) -> bool:
        return read(text) is not None

    return {
        family + "equals": Operator(_ordered(read, operator.eq), possible),
        family + "notequals": Operator(_ordered(read, operator.eq), possible, negated=True),
        family + "lessthan": Operator(_ordered(read, operator.lt), possible),
        family + "lessthanequals": Operator(_ordered(read, operator.le), possible),
        family + "greaterthan": Operator(_ordered(read, operator.gt), possible),
        family + "greaterthanequals": Operator(_ordered(read, operator.ge), possible),
    }


OPERATORS = {
    **_both("stringequals", "stringnotequals", operator.eq, _anything),
    **_both("stringequalsignorecase", "stringnotequalsignorecase", _same_but_for_case, _anything),
    **_both("stringlike", "stringnotlike", matches, _anything),
    **_both("arnequals", "arnnotequals", arn_matches, is_arn),
    **_both("arnlike", "arnnotlike", arn_matches, is_arn),
    **_ordering("numeric", _number),
    **_ordering("date", _moment),
    "bool": Operator(_same_but_for_case, _is_bool),
    "ipaddress": Operator(_in_network, lambda text: _network(text) is not None),
    "notipaddress": Operator(_in_network, lambda text: _network(text) is not None, negated=True),
    "null": Operator(_says_there_is_one, _is_bool),
}
"""By their names in lower case."""
