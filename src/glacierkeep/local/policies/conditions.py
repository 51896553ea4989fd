"""Conditions of statements: read, and judged by what is known of a request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glacierkeep.local.policies.malformed import Malformed, members, quoted
from glacierkeep.local.policies.operators import OPERATORS, Operator
from glacierkeep.local.policies.patterns import fill, is_sound, without_variables

ARCHIVE_AGE = "glacier:archiveageindays"
RESOURCE_TAG = "glacier:resourcetag/"

_GLOBAL_KEY = re.compile(r"aws:[a-z]+(/.+)?")
_OPERATOR = re.compile(r"(?:(foranyvalue|forallvalues):)?([a-z]+?)(ifexists)?")


@dataclass(frozen=True, slots=True)
class Condition:
    """A key of the request (in lower case), and the *wanted* values of which one must do.

    *absent* tells whether the condition holds when the request has no such key.
    """

    operator: Operator
    key: str
    wanted: tuple[str, ...]
    absent: bool

    def holds(self, context: Mapping[str, str]) -> bool:
        """Whether it does for a request of which *context* is known: values by keys in lower case."""
        actual = context.get(self.key)
        if actual is None:
            return self.absent
        return any(self._does(each, actual, context) for each in self.wanted) != self.operator.negated

    def _does(self, wanted: str, actual: str, context: Mapping[str, str]) -> bool:
        filled = fill(wanted, context) if self.operator.variables else wanted
        return filled is not None and self.operator.test(filled, actual)


def read_conditions(value: Any, *, variables: bool) -> tuple[Condition, ...]:
    """The conditions of a statement's Condition element; Malformed if they are none."""
    if value == {}:
        return ()
    return tuple(
        _read(name, key, wanted, variables)
        for name, keys in members(value, "Condition").items()
        for key, wanted in members(keys, f"Condition {quoted(name)}").items()
    )


def _read(name: str, key: str, value: Any, variables: bool) -> Condition:
    found = _OPERATOR.fullmatch(name.lower())
    operator = OPERATORS.get(found[2]) if found else None
    if not found or operator is None or (found[2] == "null" and (found[1] or found[3])):
        raise Malformed(f"{quoted(name)} is no operator of conditions")
    if not _is_key(key.lower()):
        raise Malformed(f"{quoted(key)} is no condition key of this service")
    wanted = tuple(_wanted(operator, each, name, variables) for each in _listed(value))
    return Condition(operator, key.lower(), wanted, _absent(found, operator, wanted))


def _absent(found: re.Match[str], operator: Operator, wanted: tuple[str, ...]) -> bool:
    """Whether the condition holds when the request has no such key (IAM user guide, the same page)."""
    quantifier, name, if_exists = found.groups()
    if name == "null":
        return any(each.lower() == "true" for each in wanted)
    if if_exists or quantifier == "forallvalues":
        return True
    return operator.negated and quantifier is None


def _is_key(key: str) -> bool:
    is_tag = key.startswith(RESOURCE_TAG) and key != RESOURCE_TAG
    return is_tag or key == ARCHIVE_AGE or bool(_GLOBAL_KEY.fullmatch(key))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _wanted(operator: Operator, value: Any, name: str, variables: bool) -> str:
    """A value to compare with, as a string: JSON's own numbers and booleans may stand without quotes."""
    if not isinstance(value, str | int | float):
        raise Malformed(f"A value of {quoted(name)} is neither a string nor a number nor a boolean")
    wanted = str(value).lower() if isinstance(value, bool) else str(value)
    if operator.variables and not variables:
        wanted = without_variables(wanted)
    if not operator.possible(wanted) or (operator.variables and not is_sound(wanted)):
        raise Malformed(f"{quoted(wanted)} is no value for {quoted(name)}")
    return wanted
