"""Which topic is told of a vault's finished jobs, and of which kind of them."""

from glacierkeep.local.answers import vaults
from glacierkeep.local.answers.calls import Call
from glacierkeep.local.answers.orders import check_topic
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.documents import read_fields, text, texts
from glacierkeep.local.wire.messages import Response
from glacierkeep.local.wire.spelling import empty_response, json_response

ARCHIVE_RETRIEVED = "ArchiveRetrievalCompleted"
INVENTORY_RETRIEVED = "InventoryRetrievalCompleted"
EVENTS = (ARCHIVE_RETRIEVED, INVENTORY_RETRIEVED)


def set_vault_notifications(call: Call) -> Response:
    """SetVaultNotifications: takes the place of what was set before."""
    topic, events = _configuration(call)
    with call.state.writing() as db:
        vault = vaults.require(call, db)
        db.execute(
            "INSERT OR REPLACE INTO notifications (vault, topic, events) VALUES (?, ?, ?)",
            (vault["vault"], topic, " ".join(events)),
        )
    return empty_response(204)


def get_vault_notifications(call: Call) -> Response:
    """GetVaultNotifications: 404 when none are set."""
    with call.state.reading() as db:
        vault = vaults.require(call, db)
        row = db.execute("SELECT * FROM notifications WHERE vault = ?", (vault["vault"],)).fetchone()
    if row is None:
        raise refusals.notifications_not_found(call.arn(vault["name"]))
    return json_response(200, {"Events": row["events"].split(), "SNSTopic": row["topic"]})


def delete_vault_notifications(call: Call) -> Response:
    """DeleteVaultNotifications: no error when none are set."""
    with call.state.writing() as db:
        vault = vaults.require(call, db)
        db.execute("DELETE FROM notifications WHERE vault = ?", (vault["vault"],))
    return empty_response(204)


def _configuration(call: Call) -> tuple[str, list[str]]:
    fields = read_fields(call.request.body, "vaultNotificationConfig")
    topic, events = text(fields, "SNSTopic"), texts(fields, "Events")
    if not topic:
        raise refusals.missing("SNSTopic")
    if not events:
        raise refusals.missing("Events")
    check_topic(call, topic)
    for event in events:
        if event not in EVENTS:
            raise refusals.invalid_parameter("Events", event)
    return topic, list(dict.fromkeys(events))
