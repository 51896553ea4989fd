"""Addresses of vaults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.domain.vault import VaultAddress, VaultKind, looks_like_address, parse_address

vault_names = st.from_regex(r"[A-Za-z0-9_.-]{1,255}", fullmatch=True).filter(
    lambda name: name not in (".", "..")
)
regions = st.sampled_from(["us-east-1", "eu-central-1", "ap-southeast-3", "us-gov-west-1", "cn-north-1"])
addresses = st.one_of(
    st.builds(VaultAddress, st.just(VaultKind.LOCAL), vault_names),
    st.builds(VaultAddress, st.just(VaultKind.GLACIER), vault_names, regions),
    st.builds(
        VaultAddress,
        st.just(VaultKind.S3),
        st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True),
        prefix=st.text(max_size=20).map(lambda text: text.strip("/")),
    ),
)


@given(addresses)
def test_an_address_is_read_as_written(address: VaultAddress) -> None:
    """Every address written as text is read back the same."""
    assert parse_address(str(address)) == address
    assert looks_like_address(str(address))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("local:demo", VaultAddress(VaultKind.LOCAL, "demo")),
        ("glacier://eu-west-1/photos", VaultAddress(VaultKind.GLACIER, "photos", "eu-west-1")),
        ("s3://bucket", VaultAddress(VaultKind.S3, "bucket")),
        ("s3://bucket/", VaultAddress(VaultKind.S3, "bucket")),
        ("s3://bucket/a/b/", VaultAddress(VaultKind.S3, "bucket", prefix="a/b")),
    ],
)
def test_the_three_kinds(text: str, expected: VaultAddress) -> None:
    """Each kind of address is understood."""
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "photos", "local:", "local:.", "local:..", "local:a/b", "local:a b", "local:" + "a" * 256, "local:a\n",
        "glacier:", "glacier://", "glacier://eu-west-1", "glacier://eu-west-1/", "glacier:///photos",
        "glacier://eu-west-1/a/b", "glacier://EU-WEST-1/a", "glacier://eu-west-1\n/a", "glacier://a/b",
        "s3:", "s3://", "s3:///a", "s3://ab", "s3://Bucket", "s3://-bucket", "s3://" + "a" * 64,
        "https://example.org", "LOCAL:demo",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    """Anything else is refused with a sentence that says what is wrong."""
    with pytest.raises(ValueError, match=r"is not|is neither"):
        parse_address(text)


@given(st.text(max_size=40))
def test_parsing_fails_in_one_way(text: str) -> None:
    """Any text is an address or a ValueError."""
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("text", ["photos", "my-vault", "localhost", "glacier", "s3"])
def test_names_in_the_configuration_are_no_addresses(text: str) -> None:
    """A bare word means a vault of the configuration."""
    assert not looks_like_address(text)
