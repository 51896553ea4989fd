"""Which operation a method and path mean: the 33 operations of the API."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from glacierkeep.local.answers import (
    access_policies,
    archives,
    capacity,
    jobs,
    locks,
    notifications,
    outputs,
    parts,
    retrieval_policies,
    tags,
    uploads,
    vaults,
)
from glacierkeep.local.answers.calls import Operation
from glacierkeep.local.wire import refusals
from glacierkeep.local.wire.messages import Request


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. *query* must be in the request's."""

    name: str
    method: str
    pattern: re.Pattern[str]
    answer: Operation
    query: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A route with the request's path and query, decoded."""

    route: Route
    path: dict[str, str]
    query: dict[str, str]


def _route(name: str, rule: str, answer: Operation, query: tuple[str, str] | None = None) -> Route:
    method, template = rule.split(" ")
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]*)", template)
    return Route(name, method, re.compile(pattern), answer, query)


_VAULTS = "/{account}/vaults"
_VAULT = _VAULTS + "/{vault}"

ROUTES = (
    _route("ListVaults", f"GET {_VAULTS}", vaults.list_vaults),
    _route("CreateVault", f"PUT {_VAULT}", vaults.create_vault),
    _route("DescribeVault", f"GET {_VAULT}", vaults.describe_vault),
    _route("DeleteVault", f"DELETE {_VAULT}", vaults.delete_vault),
    _route("UploadArchive", f"POST {_VAULT}/archives", archives.upload_archive),
    _route("DeleteArchive", f"DELETE {_VAULT}/archives/{{archive}}", archives.delete_archive),
    _route("InitiateMultipartUpload", f"POST {_VAULT}/multipart-uploads", uploads.initiate_multipart_upload),
    _route("ListMultipartUploads", f"GET {_VAULT}/multipart-uploads", uploads.list_multipart_uploads),
    _route("UploadMultipartPart", f"PUT {_VAULT}/multipart-uploads/{{upload}}", parts.upload_multipart_part),
    _route("ListParts", f"GET {_VAULT}/multipart-uploads/{{upload}}", parts.list_parts),
    _route(
        "CompleteMultipartUpload",
        f"POST {_VAULT}/multipart-uploads/{{upload}}",
        uploads.complete_multipart_upload,
    ),
    _route(
        "AbortMultipartUpload",
        f"DELETE {_VAULT}/multipart-uploads/{{upload}}",
        uploads.abort_multipart_upload,
    ),
    _route("InitiateJob", f"POST {_VAULT}/jobs", jobs.initiate_job),
    _route("ListJobs", f"GET {_VAULT}/jobs", jobs.list_jobs),
    _route("DescribeJob", f"GET {_VAULT}/jobs/{{job}}", jobs.describe_job),
    _route("GetJobOutput", f"GET {_VAULT}/jobs/{{job}}/output", outputs.get_job_output),
    _route(
        "SetVaultNotifications",
        f"PUT {_VAULT}/notification-configuration",
        notifications.set_vault_notifications,
    ),
    _route(
        "GetVaultNotifications",
        f"GET {_VAULT}/notification-configuration",
        notifications.get_vault_notifications,
    ),
    _route(
        "DeleteVaultNotifications",
        f"DELETE {_VAULT}/notification-configuration",
        notifications.delete_vault_notifications,
    ),
    _route("AddTagsToVault", f"POST {_VAULT}/tags", tags.add_tags_to_vault, ("operation", "add")),
    _route(
        "RemoveTagsFromVault", f"POST {_VAULT}/tags", tags.remove_tags_from_vault, ("operation", "remove")
    ),
    _route("ListTagsForVault", f"GET {_VAULT}/tags", tags.list_tags_for_vault),
    _route("SetVaultAccessPolicy", f"PUT {_VAULT}/access-policy", access_policies.set_vault_access_policy),
    _route("GetVaultAccessPolicy", f"GET {_VAULT}/access-policy", access_policies.get_vault_access_policy),
    _route(
        "DeleteVaultAccessPolicy",
        f"DELETE {_VAULT}/access-policy",
        access_policies.delete_vault_access_policy,
    ),
    _route("InitiateVaultLock", f"POST {_VAULT}/lock-policy", locks.initiate_vault_lock),
    _route("GetVaultLock", f"GET {_VAULT}/lock-policy", locks.get_vault_lock),
    _route("AbortVaultLock", f"DELETE {_VAULT}/lock-policy", locks.abort_vault_lock),
    _route("CompleteVaultLock", f"POST {_VAULT}/lock-policy/{{lock}}", locks.complete_vault_lock),
    _route(
        "GetDataRetrievalPolicy",
        "GET /{account}/policies/data-retrieval",
        retrieval_policies.get_retrieval_policy,
    ),
    _route(
        "SetDataRetrievalPolicy",
        "PUT /{account}/policies/data-retrieval",
        retrieval_policies.set_retrieval_policy,
    ),
    _route(
        "ListProvisionedCapacity",
        "GET /{account}/provisioned-capacity",
        capacity.list_provisioned_capacity,
    ),
    _route(
        "PurchaseProvisionedCapacity",
        "POST /{account}/provisioned-capacity",
        capacity.purchase_provisioned_capacity,
    ),
)


def find_route(request: Request) -> Match:
    """The operation a request means, or the refusal."""
    if not (request.path.isascii() and request.query.isascii()):
        raise refusals.unknown_operation(request.method, ascii(request.path))
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    for route in ROUTES:
        found = route.pattern.fullmatch(request.path) if route.method == request.method else None
        if found and (route.query is None or query.get(route.query[0]) == route.query[1]):
            return Match(route, {name: unquote(text) for name, text in found.groupdict().items()}, query)
    raise refusals.unknown_operation(request.method, request.path)
