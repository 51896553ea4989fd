"""The service's dictionaries, right and wrong."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.domain.parts import ByteRange
from glacierkeep.domain.service import JobAction, JobState, Tier
from glacierkeep.errors import ServiceError
from glacierkeep.stores.glacier import replies

HASH = "9bc1b2a288b26af7257a36277ae3816a7d4f16e89c1e7e77d0a5c48bad62b360"
JOB = {
    "Action": "ArchiveRetrieval",
    "ArchiveId": "A",
    "ArchiveSHA256TreeHash": HASH,
    "ArchiveSizeInBytes": 3145728,
    "Completed": False,
    "CreationDate": "2012-05-15T17:21:39.339Z",
    "JobDescription": "mine",
    "JobId": "J",
    "RetrievalByteRange": "1048576-3145727",
    "SHA256TreeHash": HASH,
    "StatusCode": "InProgress",
    "StatusMessage": "Operation in progress.",
    "Tier": "Bulk",
    "VaultARN": "arn:aws:glacier:us-east-1:012345678901:vaults/examplevault",
}


def test_a_job():
    """Ranges become half-open, names become ours."""
    job = replies.to_job(JOB)
    assert (job.action, job.state, job.tier) == (JobAction.ARCHIVE, JobState.WORKING, Tier.BULK)
    assert (job.range, job.size) == (ByteRange(1048576, 3145728), 2097152)
    assert (job.tree_hash, job.description) == (bytes.fromhex(HASH), "mine")
    assert job.created_at == datetime(2012, 5, 15, 17, 21, 39, 339000, tzinfo=UTC)
    assert job.completed_at is None


def test_a_job_of_which_little_is_told():
    """What is null or missing is not known; a size of nothing is not told."""
    told = {"Action": "ArchiveRetrieval", "JobId": "J", "CreationDate": "2012-05-15T17:21:39Z"}
    job = replies.to_job({**told, "ArchiveSizeInBytes": 0, "Tier": "Overnight", "SHA256TreeHash": None})
    assert (job.size, job.range, job.tier, job.tree_hash, job.archive_id) == (None,) * 5
    assert (job.state, job.description, job.message) == (JobState.WORKING, "", "")


@pytest.mark.parametrize(
    ("asked", "filtered"),
    [
        (None, False),
        ({"EndDate": None, "Format": "JSON", "Limit": None, "Marker": None, "StartDate": None}, False),
        ({"Format": "JSON"}, False),
        ({"Limit": "10"}, True),
        ({"Marker": "m"}, True),
        ({"StartDate": "2012-03-20T17:03:43Z"}, True),
        ({"EndDate": "2012-03-20T17:03:43Z"}, True),
    ],
)
def test_a_filtered_inventory_is_told_from_a_full_one(asked, filtered):
    """Any limit, marker or date makes an inventory partial."""
    job = {**JOB, "Action": "InventoryRetrieval", "InventoryRetrievalParameters": asked}
    assert replies.to_job(job).filtered is filtered


def test_jobs_of_other_kinds():
    """A Select job is not gk's."""
    assert not replies.is_known_job({**JOB, "Action": "Select"})
    assert replies.is_known_job(JOB)


def test_a_vault_before_its_first_inventory():
    """Counts may be null or zero."""
    told = {"VaultName": "photos", "CreationDate": "2012-02-20T17:01:45.198Z"}
    state = replies.to_vault({**told, "NumberOfArchives": None, "SizeInBytes": 0})
    assert (state.archives, state.size, state.inventory_date) == (0, 0, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"JobId": None},
        {"JobId": 7},
        {"CreationDate": "yesterday"},
        {"CreationDate": "2012-13-15T17:21:39Z"},
        {"RetrievalByteRange": "5-4"},
        {"RetrievalByteRange": "bytes=0-4"},
        {"SHA256TreeHash": "short"},
        {"ArchiveSizeInBytes": -1, "RetrievalByteRange": None},
        {"Action": "Select"},
    ],
)
def test_a_job_that_makes_no_sense(wrong):
    """A field that cannot be believed is an error of the service's."""
    with pytest.raises(ServiceError):
        replies.to_job({**JOB, **wrong})


def test_a_content_range():
    """The place of an answer in the output."""
    assert replies.to_content_range("bytes 0-1023/8388608") == ByteRange(0, 1024)
    assert replies.to_content_range("bytes 7-7/*") == ByteRange(7, 8)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(JOB, ANYTHING)))
def test_whatever_the_service_says_of_a_job(told):
    """Any dictionary is a job or a ServiceError, never another error."""
    try:
        job = replies.to_job(told)
    except ServiceError:
        return
    assert job.job_id == told["JobId"]


@given(st.tuples(*[ANYTHING] * 5))
def test_whatever_an_inventory_says(fields):
    """Any entry is an archive or a ServiceError, never another error."""
    keys = ("ArchiveId", "ArchiveDescription", "CreationDate", "Size", "SHA256TreeHash")
    with pytest.raises(ServiceError):
        replies.to_listed(dict(zip(keys, fields, strict=True)))
