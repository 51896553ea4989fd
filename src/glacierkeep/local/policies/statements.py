"""Statements and policies, and what they decide about a request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from glacierkeep.local.policies.conditions import Condition
from glacierkeep.local.policies.patterns import arn_matches, fill, matches
from glacierkeep.local.policies.principals import Principals
from glacierkeep.local.wire.identity import Caller


class Effect(StrEnum):
    """What a statement does to the requests it is about."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as policies see it: *action* like ``glacier:DeleteArchive`` on the vault with the ARN *resource*.

    *context* has the values of condition keys, by their names in lower case.
    """

    action: str
    resource: str
    caller: Caller
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """One rule. *principals*, *actions* (in lower case) and *resources* are those it is about; or, where the
    element was NotPrincipal, NotAction or NotResource, those it is not about.
    """

    effect: Effect
    principals: Principals
    not_principals: bool
    actions: tuple[str, ...]
    not_actions: bool
    resources: tuple[str, ...]
    not_resources: bool
    conditions: tuple[Condition, ...]

    def applies(self, asked: Asked) -> bool:
        """Whether it is about that request, and all its conditions hold."""
        return (
            self._is_about(asked.caller)
            and self._has_action(asked.action.lower())
            and self._has_resource(asked)
            and all(condition.holds(asked.context) for condition in self.conditions)
        )

    def _is_about(self, caller: Caller) -> bool:
        return not self.principals.spare(caller) if self.not_principals else self.principals.include(caller)

    def _has_action(self, action: str) -> bool:
        return any(matches(each, action) for each in self.actions) != self.not_actions

    def _has_resource(self, asked: Asked) -> bool:
        return any(_is_resource(each, asked) for each in self.resources) != self.not_resources


@dataclass(frozen=True, slots=True)
class Policy:
    """The statements of one document."""

    statements: tuple[Statement, ...]


def decide(policies: Iterable[Policy], asked: Asked) -> Effect | None:
    """What the policies say together: a denial counts more than any permission; None when they say nothing."""
    effects = {each.effect for policy in policies for each in policy.statements if each.applies(asked)}
    return Effect.DENY if Effect.DENY in effects else Effect.ALLOW if effects else None


def _is_resource(pattern: str, asked: Asked) -> bool:
    filled = fill(pattern, asked.context)
    return filled is not None and (filled == "*" or arn_matches(filled, asked.resource))
