"""The access policy of a vault: who else may use it, and what nobody may (developer guide, vault-access-policy)."""

from glacierkeep.local.answers import vaults
from glacierkeep.local.answers.calls import Call
from glacierkeep.local.answers.permissions import ACCESS
from glacierkeep.local.policies.reading import read_policy
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.documents import read_fields, text
from glacierkeep.local.wire.messages import Response
from glacierkeep.local.wire.spelling import empty_response, json_response


def set_vault_access_policy(call: Call) -> Response:
    """SetVaultAccessPolicy: takes the place of what was set before."""
    policy = policy_sent(call, ACCESS)
    with call.state.writing() as db:
        vault = vaults.require(call, db)
        db.execute(
            "INSERT OR REPLACE INTO access_policies (vault, policy) VALUES (?, ?)", (vault["vault"], policy)
        )
    return empty_response(204)


def get_vault_access_policy(call: Call) -> Response:
    """GetVaultAccessPolicy: the text that was sent; 404 when none is set."""
    with call.state.reading() as db:
        vault = vaults.require(call, db)
        row = db.execute("SELECT policy FROM access_policies WHERE vault = ?", (vault["vault"],)).fetchone()
    if row is None:
        raise refusals.policy_not_found(ACCESS, call.arn(vault["name"]))
    return json_response(200, {"Policy": row["policy"]})


def delete_vault_access_policy(call: Call) -> Response:
    """DeleteVaultAccessPolicy: no error when none is set."""
    with call.state.writing() as db:
        vault = vaults.require(call, db)
        db.execute("DELETE FROM access_policies WHERE vault = ?", (vault["vault"],))
    return empty_response(204)


def policy_sent(call: Call, kind: str) -> str:
    """The text of the policy in the body, which is a policy; or the refusal."""
    policy = text(read_fields(call.request.body, "Policy"), "Policy")
    if not policy:
        raise refusals.missing("Policy")
    read_policy(kind, policy)
    return policy
