"""Inventories in JSON and CSV, as the service writes them and as it should not."""

import json
import tracemalloc
from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.errors import ServiceError, ServiceUnreachable
from glacierkeep.stores.glacier.inventory import GlacierInventory
from glacierkeep.stores.glacier.output import GlacierOutput

ARN = "arn:aws:glacier:us-east-1:012345678901:vaults/photos"
HASH = "9bc1b2a288b26af7257a36277ae3816a7d4f16e89c1e7e77d0a5c48bad62b360"
DATE = "2013-11-06T02:51:29Z"
HEADER = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"
DESCRIPTIONS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60)


def entry(**more):
    told = {"ArchiveId": "-abc_1", "ArchiveDescription": "", "CreationDate": "2012-08-23T19:11:42Z"}
    return {**told, "Size": 25000000, "SHA256TreeHash": HASH, **more}


def document(*entries, **more):
    whole = {"VaultARN": ARN, "InventoryDate": DATE, "ArchiveList": list(entries), **more}
    return json.dumps(whole, separators=(",", ":")).encode()


def inventory(content, announced=None):
    output = GlacierOutput(BytesIO(content), 0, len(content) if announced is None else announced, None)
    return GlacierInventory(output, "photos")


def quoted(description):
    """As the service quotes: a quote gets a backslash, a backslash gets nothing."""
    inside = description.replace('"', '\\"')
    return f'"{inside}"' if '"' in description or "," in description else description


def test_json():
    """Every archive is listed, and the date of the inventory is known with the first."""
    reading = inventory(document(entry(), entry(ArchiveId="two", ArchiveDescription="d")))
    listing = iter(reading)
    first = next(listing)
    assert reading.date == datetime(2013, 11, 6, 2, 51, 29, tzinfo=UTC)
    assert (first.archive_id, first.size, first.tree_hash) == ("-abc_1", 25000000, bytes.fromhex(HASH))
    assert first.created_at == datetime(2012, 8, 23, 19, 11, 42, tzinfo=UTC)
    assert [each.description for each in listing] == ["d"]


def test_json_with_fractions_of_seconds():
    """Dates may have milliseconds, as in the service's examples and in imitations."""
    stamp = "2026-11-22T10:00:00.250Z"
    (only,) = inventory(document(entry(CreationDate=stamp)))
    assert only.created_at.microsecond == 250_000


def test_keys_in_another_order():
    """The date may come after the list."""
    whole = json.dumps({"ArchiveList": [entry()], "InventoryDate": DATE, "VaultARN": ARN}).encode()
    reading = inventory(whole)
    assert len(list(reading)) == 1
    assert reading.date is not None


def test_an_empty_inventory():
    """A list of nothing is an inventory, with its date."""
    reading = inventory(document())
    assert list(reading) == []
    assert reading.date is not None


@given(st.lists(st.text(max_size=60), max_size=20))
def test_json_with_any_descriptions(descriptions):
    """Whatever other tools wrote comes out, and is text that can be stored."""
    content = document(*[entry(ArchiveDescription=each) for each in descriptions])
    found = [each.description for each in inventory(content)]
    assert found == descriptions


def test_half_of_a_pair():
    """An escape that stands for no character does not make text that cannot be stored."""
    content = document(entry()).replace(b'"ArchiveDescription":""', b'"ArchiveDescription":"\\ud800"')
    (only,) = inventory(content)
    only.description.encode("utf-8")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"404 Not Found",
        b"<html></html>",
        b'{"ArchiveList": {}}',
        b'{"ArchiveList": [7]}',
        b'{"ArchiveList": [{}]}',
        document(entry())[:-1],
        document(entry())[:-20],
        document(entry()) + b"{}",
        document(entry(Size=-1)),
        document(entry(Size="1")),
        document(entry(Size=True)),
        document(entry(Size=1.5)),
        document(entry(SHA256TreeHash=HASH[1:])),
        document(entry(ArchiveId="../x")),
        document(entry(ArchiveId="")),
        document(entry(CreationDate="2012-02-31T00:00:00Z")),
        document(entry(), VaultARN=ARN + "2"),
        document(entry(), InventoryDate="never"),
        HEADER.encode() + b"\nnonsense\n",
        HEADER.encode() + b"\n" + b"x" * 300_000,
        b"Size," + HEADER.encode() + b"\n",
    ],
)
def test_what_is_no_inventory(content):
    """Nothing but a whole inventory of this vault is taken for one, least of all for an empty one."""
    with pytest.raises(ServiceError):
        list(inventory(content))


def test_an_inventory_that_breaks_off():
    """A connection that ends early is not the end of the list."""
    lines = f"{HEADER}\nabc,,2012-08-23T19:11:42Z,1,{HASH}\n".encode()
    with pytest.raises(ServiceUnreachable):
        list(inventory(lines, announced=len(lines) + 10))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@given(descriptions=st.lists(DESCRIPTIONS, max_size=10))
def test_csv(end, descriptions):
    """Quotes, commas and backslashes come out as they were put in; no date is told."""
    lines = [HEADER] + [f"abc,{quoted(text)},2012-08-23T19:11:42Z,7,{HASH}" for text in descriptions]
    reading = inventory((end.join(lines) + end).encode())
    assert [each.description for each in reading] == descriptions
    assert reading.date is None


@pytest.mark.parametrize(
    ("raw", "meant"),
    [(r'"\""', '"'), (r'"\"', "\\"), (r'"\\""', r"\""), (r'"a\b"', r"a\b"), (r'","', ","), ("", "")],
)
def test_csv_as_it_was_captured(raw, meant):
    """The pairs that were seen from the real service."""
    line = f'"abc",{raw},"2012-08-23T19:11:42Z",7,{HASH}'
    (only,) = inventory(f"{HEADER}\n{line}".encode())
    assert only.description == meant


def test_a_big_inventory_takes_little_memory():
    """What is held does not grow with the number of archives."""
    content = document(*[entry(ArchiveId=f"a{number}") for number in range(6_000)])
    tracemalloc.start()
    try:
        assert sum(1 for _ in inventory(content)) == 6_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(content)
