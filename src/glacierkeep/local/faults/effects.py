"""Ordered faults, carried out around an operation."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from io import BytesIO

from glacierkeep.clock import Clock
from glacierkeep.local.answers import jobrows
from glacierkeep.local.answers.calls import Call, Operation
from glacierkeep.local.faults.bodies import CorruptBody, CutBody, SlowBody
from glacierkeep.local.faults.orders import Chosen, Orders, OwnOrders
from glacierkeep.local.faults.rules import Kind, Rule
from glacierkeep.local.store.clearing import sweep
from glacierkeep.local.store.state import State
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.documents import read_document, read_fields
from glacierkeep.local.wire.messages import ConnectionLost, Response
from glacierkeep.local.wire.refusals import Refusal

HEADER = "x-gk-fault"
"""In a request: a rule for it alone. In an answer: the kind of the fault that made it what it is."""

_REFUSALS: Mapping[Kind, Callable[[], Refusal]] = {
    Kind.THROTTLE: refusals.throttled,
    Kind.ERROR_500: partial(refusals.overloaded, 500),
    Kind.ERROR_503: partial(refusals.overloaded, 503),
    Kind.TIMEOUT: refusals.timed_out,
    Kind.EXPIRED_TOKEN: refusals.expired_token,
    Kind.NO_LONGER_SUPPORTED: refusals.no_longer_supported,
    Kind.INSUFFICIENT_CAPACITY: refusals.short_of_capacity,
    Kind.POLICY_ENFORCED: refusals.policy_enforced,
}


class Faults:
    """What goes wrong by order.

    A rule in the request's header comes first, then those that only this instance has, then those in the store.
    """

    def __init__(self, state: State, clock: Clock, own: OwnOrders) -> None:
        self.orders = Orders(state)
        self._own = own
        self._clock = clock

    def answer(self, call: Call, operation: Operation) -> Response:
        """What *operation* answers, unless something else was ordered. Raises ConnectionLost, and as *operation* does.

        A fault that finds nothing to take effect on, such as an empty answer, does not count.
        """
        if call.operation == "InitiateJob":
            # Kept, so that its tier can be looked at before the operation reads it.
            body = BytesIO(read_document(call.request.body))
            call = replace(call, request=replace(call.request, body=body))
        chosen = self._choose(call)
        if chosen is None:
            return operation(call)
        response, changed = self._carry_out(chosen.rule, call, operation)
        if not changed:
            chosen.take_back()
            return response
        if chosen.rule.kind is Kind.RESET_AFTER:
            response.close()
            raise ConnectionLost
        response.headers[HEADER] = chosen.rule.kind.value
        return response

    def _choose(self, call: Call) -> Chosen | None:
        concerns = partial(_concerns, call)
        line = call.request.headers.get(HEADER)
        chosen = _of_header(line).choose(concerns) if line is not None else None
        return chosen or self._own.choose(concerns) or self.orders.choose(concerns)

    def _carry_out(self, rule: Rule, call: Call, operation: Operation) -> tuple[Response, bool]:
        """The answer, and whether the rule had to do with it."""
        if rule.kind in _REFUSALS:
            return _REFUSALS[rule.kind]().response(), True
        if rule.kind is Kind.RESET_BEFORE:
            raise ConnectionLost
        if rule.kind is Kind.EXPIRE_JOBS:
            return _expire_job(call)
        if rule.kind is Kind.CORRUPT_UPLOAD:
            return _corrupt_upload(rule, call, operation)
        response = _attempt(call, operation)
        return (response, False) if response.status >= 300 else self._change(rule, response)

    def _change(self, rule: Rule, response: Response) -> tuple[Response, bool]:
        match rule.kind:
            case Kind.SLOW if response.length:
                return replace(response, body=SlowBody(response.body, rule.amount, self._clock)), True
            case Kind.TRUNCATE if rule.amount < response.length:
                return replace(response, body=CutBody(response.body, rule.amount)), True
            case Kind.CORRUPT if rule.amount < response.length:
                return replace(response, body=CorruptBody(response.body, rule.amount)), True
        return response, rule.kind is Kind.RESET_AFTER


def _of_header(line: str) -> OwnOrders:
    try:
        return OwnOrders([line])
    except ValueError as error:
        raise refusals.invalid_parameter(HEADER, error) from None


def _concerns(call: Call, rule: Rule) -> bool:
    return rule.concerns(call.operation) and (
        rule.kind is not Kind.INSUFFICIENT_CAPACITY or _wants_expedited(call)
    )


def _wants_expedited(call: Call) -> bool:
    assert isinstance(call.request.body, BytesIO)
    try:
        fields = read_fields(BytesIO(call.request.body.getvalue()), "Job Parameters")
    except Refusal:
        return False
    return fields.get("Tier") == "Expedited"


def _attempt(call: Call, operation: Operation) -> Response:
    try:
        return operation(call)
    except Refusal as refusal:
        return refusal.response()


def _expire_job(call: Call) -> tuple[Response, bool]:
    try:
        with call.state.writing() as db:
            job = jobrows.find_row(call, db)
            db.execute("UPDATE jobs SET expires = 0 WHERE job = ?", (job["job"],))
    except Refusal as refusal:
        return refusal.response(), False
    sweep(call.state, call.pieces)
    return refusals.job_not_found(job["id"]).response(), True


def _corrupt_upload(rule: Rule, call: Call, operation: Operation) -> tuple[Response, bool]:
    body = CorruptBody(call.request.body, rule.amount)
    response = _attempt(replace(call, request=replace(call.request, body=body)), operation)
    return response, body.changed
