"""How bundles are filled."""

from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.domain.files import Entry, FileKind
from glacierkeep.domain.filling import MOST_MEMBERS, Filling, member_size
from glacierkeep.domain.manifest import Member, member_line

plain_names = st.text("abcdefghijklmnopqrstuvwxyz./-_ 0123456789", min_size=1, max_size=200).map(str.encode)
sizes = st.integers(0, 1 << 40)


def an_entry(size: int = 0, kind: FileKind = FileKind.FILE, target: bytes | None = None) -> Entry:
    """A path of which only the size and kind matter."""
    return Entry(b"a", kind, size, 0, 0o644, 1, 1, 1, 0, 0, target)


@given(plain_names, sizes)
def test_the_estimate_is_not_too_small(name: bytes, size: int) -> None:
    """A file is taken for at least its tar header, its padded content and its line in the manifest."""
    member = Member(name, FileKind.FILE, 1 << 40, size, -(1 << 60), 0o7777, bytes(16), bytes(32), bytes(32))
    padded = -(-size // 512) * 512

    assert member_size(name, an_entry(size)) >= 512 + padded + len(member_line(member))


@given(plain_names, plain_names)
def test_links_and_folders_have_no_content(name: bytes, target: bytes) -> None:
    """What has no content is estimated by its names alone."""
    link = an_entry(10**9, FileKind.SYMLINK, target)

    assert 1024 <= member_size(name, link) < 1024 + 4 * (len(name) + len(target) + 1024)


@given(st.lists(st.integers(0, 3000), max_size=60), st.integers(1, 20_000))
def test_a_bundle_ends_at_its_target(members: list[int], target: int) -> None:
    """A bundle holds at least one member, and more only as long as they stay within the target."""
    filling = Filling(target)

    for size in members:
        if not filling.has_room_for(b"a", an_entry(size)):
            assert filling.members
            filling.empty()
        filling.add(b"a", an_entry(size))
        assert filling.members == 1 or filling.size <= target


def test_a_bundle_has_a_largest_number_of_members() -> None:
    """However small the members, no more than so many go into one bundle."""
    filling = Filling(1 << 60, members=MOST_MEMBERS - 1)

    assert filling.has_room_for(b"a", an_entry())
    filling.add(b"a", an_entry())
    assert not filling.has_room_for(b"a", an_entry())
