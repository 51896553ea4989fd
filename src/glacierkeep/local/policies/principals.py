"""Principals of statements: whom a statement is about."""

import re
from dataclasses import dataclass
from typing import Any

from glacierkeep.local.policies.malformed import Malformed, members, quoted, texts
from glacierkeep.local.wire.identity import ACCOUNT, Caller

OTHER_KINDS = ("Service", "Federated", "CanonicalUser")
"""Kinds of principals that never send requests here."""

_NAME = r"[A-Za-z0-9_+=,.@/-]+"
_ARN = re.compile(
    r"arn:aws(?:-cn|-us-gov)?:"
    rf"(?:iam::([0-9]{{12}}):(?:(root)|(?:user|role)/{_NAME})"
    rf"|sts::[0-9]{{12}}:(?:assumed-role|federated-user)/{_NAME})"
)


@dataclass(frozen=True, slots=True)
class Principals:
    """Everyone, or whole accounts and principals by their ARNs; an account's own ARN is among *arns* too."""

    everyone: bool = False
    accounts: frozenset[str] = frozenset()
    arns: frozenset[str] = frozenset()

    def include(self, caller: Caller) -> bool:
        """Whether *caller* is named, or its account is."""
        return self.everyone or caller.account in self.accounts or caller.arn in self.arns

    def spare(self, caller: Caller) -> bool:
        """Whether a NotPrincipal spares *caller*: only if its account is named as well (IAM user guide)."""
        return self.everyone or (caller.account in self.accounts and caller.arn in self.arns)


def read_principals(value: Any, element: str) -> Principals:
    """Those of a Principal or NotPrincipal element; Malformed if there are none."""
    if value == "*":
        return Principals(everyone=True)
    kinds = members(value, element)
    for kind in kinds:
        if kind != "AWS" and kind not in OTHER_KINDS:
            raise Malformed(f"{quoted(kind)} is no kind of principal")
    named = {kind: texts(names, f"{element} {kind}") for kind, names in kinds.items()}
    return _principals(named.get("AWS", ()))


def _principals(names: tuple[str, ...]) -> Principals:
    accounts, arns = set(), set()
    for name in names:
        found = _ARN.fullmatch(name)
        if found and not found[2]:
            arns.add(name)
        elif found or ACCOUNT.fullmatch(name):
            accounts.add(found[1] if found else name)
        elif name != "*":
            raise Malformed(f"{quoted(name)} is no principal")
    roots = {Caller.of(account, "").arn for account in accounts}
    return Principals("*" in names, frozenset(accounts), frozenset(arns | roots))
