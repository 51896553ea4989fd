"""Requests that nobody would send: each is answered, none is the service's own trouble, none leaves the folder."""

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacierkeep.local import Headers, LocalGlacier, Request
from glacierkeep.local.routes import ROUTES
from support.clock import TurnedClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


HOSTILE = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                "-",
                "..",
                "%2e%2e",
                "%2E%2E%2F",
                "../../etc/passwd",
                "a\x00b",
                "%00",
                "%",
                "%zz",
                "%ff",
                "%C3%A4",
            ),
            *(
                "0",
                "-1",
                "1e9",
                "9" * 30,
                "٣",
                "x" * 2000,
                "{}",
                "bytes 0-0/*",
                "bytes 1-0/*",
                "'; DROP TABLE vaults",
            ),
            *(
                "photos",
                "000000000000",
                "111122223333",
                "true",
                "Succeeded",
                "0-1048575",
                "bytes=0-",
                "2012-06-01",
            ),
            *(
                "2012-06-01T00:00:00Z",
                "\ud800",
                "🐍",
                "1048576",
                "0" * 64,
                "throttle",
                "arn:aws:sns:us-east-1:1:x",
            ),
        ]
    ),
    st.text(max_size=30),
)
HEADERS = [
    *("Authorization", "Content-Length", "Content-Range", "Content-Type", "Date", "Expect", "Host", "Range"),
    *("x-amz-archive-description", "x-amz-archive-size", "x-amz-content-sha256", "x-amz-date"),
    *("x-amz-glacier-version", "x-amz-part-size", "x-amz-security-token", "x-amz-sha256-tree-hash"),
]
MEMBERS = [
    *(
        "Type",
        "ArchiveId",
        "RetrievalByteRange",
        "Format",
        "Tier",
        "Description",
        "SNSTopic",
        "StartDate",
        "EndDate",
    ),
    *(
        "InventoryRetrievalParameters",
        "Limit",
        "Marker",
        "Tags",
        "TagKeys",
        "Events",
        "Policy",
        "Rules",
        "Strategy",
    ),
    *("BytesPerHour", "Version", "Statement", "Effect", "Principal", "Action", "Resource", "Condition"),
]
VALUES = [
    "archive-retrieval",
    "inventory-retrieval",
    "select",
    "BytesPerHour",
    "FreeTier",
    "Deny",
    "glacier:*",
    "*",
]
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True), st.sampled_from(VALUES), HOSTILE
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(MEMBERS) | HOSTILE, inner, max_size=6),
    ),
    max_leaves=12,
)
BODIES = st.one_of(
    st.binary(max_size=200),
    DOCUMENTS.map(lambda document: json.dumps(document).encode()),
    DOCUMENTS.map(lambda document: json.dumps({"Policy": json.dumps(document), "Tags": document}).encode()),
    st.sampled_from(
        [b"[" * 100_000, b'{"Type":' * 20_000, b"null", b"\xff\xfe", b'{"Type": "archive-retrieval"']
    ),
)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGlacier]:
    """A service with a vault and something in it, in a folder beside which nothing else lies."""
    service = LocalGlacier(tmp_path_factory.mktemp("fuzz") / "inside" / "glacier", clock=TurnedClock(NOON))
    told = {"x-amz-glacier-version": "2012-06-01"}
    service(Request("PUT", "/-/vaults/photos", "", Headers(told.items())))
    yield service
    service.close()


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Something like one of the 33 operations, with hostile words in it; or nothing of the kind."""
    route = draw(st.sampled_from(ROUTES))
    path = re.sub(r"\(\?P<(\w+)>\[\^/\]\*\)", lambda found: segment(draw, found[1]), route.pattern.pattern)
    query = draw(
        st.dictionaries(st.sampled_from(["limit", "marker", "operation", "completed"]) | HOSTILE, HOSTILE)
    )
    if route.query:
        query.setdefault(*route.query)
    body = draw(BODIES)
    given_headers = draw(st.dictionaries(st.sampled_from(HEADERS), HOSTILE, max_size=6))
    wanted = {"x-amz-glacier-version": "2012-06-01", "Content-Length": str(len(body)), **given_headers}
    return Request(
        draw(st.sampled_from([route.method] * 8 + ["GET", "BREW", ""])),
        draw(st.sampled_from([path] * 8 + [path + "/", "//" + path, draw(HOSTILE)])),
        "&".join(f"{name}={value}" for name, value in query.items()),
        Headers((name, value.encode("utf-8", "surrogatepass")) for name, value in wanted.items()),
        BytesIO(body),
    )


def segment(draw: st.DrawFn, name: str) -> str:
    usual = {"account": "-", "vault": "photos"}.get(name, "A" * 92)
    return str(draw(st.sampled_from([usual] * 6) | HOSTILE))


def around(folder: Path) -> list[str]:
    """Everything that lies beside and above the service's folder."""
    top = folder.parent.parent
    return [path for path, _, _ in os.walk(top) if not Path(path).is_relative_to(folder)]


@settings(
    max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(request=requests())
def test_nothing_sent_is_the_services_trouble(attacked: LocalGlacier, request: Request) -> None:
    """Any request is answered below 500, with the service's error body if refused; nothing outside changes."""
    beside = around(attacked.folder)
    response = attacked(request)
    body = b"".join(response.stream())
    assert response.status < 500, body
    assert len(body) == response.length == int(response.headers["Content-Length"])
    if response.status >= 400:
        error: dict[str, Any] = json.loads(body)
        assert set(error) == {"code", "message", "type"}
        assert error["type"] == "Client"
    assert around(attacked.folder) == beside
    assert {each.name for each in attacked.folder.iterdir()} <= {
        *("state.db", "state.db-journal", "incoming", "000000000000", "111122223333")
    }
