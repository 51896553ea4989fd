"""Vaults, whatever keeps them."""

from datetime import UTC

import pytest

from glacierkeep.errors import Exit, ServiceError, VaultMissing


def test_a_vault_is_described(world):
    """A vault that was created has its name, and nothing in it."""
    state = world.store.describe_vault()
    assert (state.name, state.archives) == ("photos", 0)
    assert state.created_at.tzinfo is UTC


def test_a_vault_that_is_not_there(world):
    """A missing vault is an error of its own, with its own exit code."""
    with pytest.raises(VaultMissing) as caught:
        world.missing.describe_vault()
    assert caught.value.exit is Exit.NO_VAULT
    assert "gk vault create" in caught.value.hint


def test_an_empty_vault_can_be_deleted(world):
    """A vault that never had an archive goes, and is missing from then on."""
    world.store.delete_vault()
    with pytest.raises(VaultMissing):
        world.store.describe_vault()


def test_creating_a_vault_twice_is_no_error(whole_world, content_body):
    """The second creation changes nothing."""
    whole_world.store.upload_archive(content_body, "")
    whole_world.store.create_vault()
    job = whole_world.store.request_inventory("")
    with whole_world.store.read_inventory(job) as inventory:
        assert len(list(inventory)) == 1


def test_a_vault_with_archives_is_not_deleted(whole_world, content_body):
    """The service refuses, and the hint says when it will not."""
    whole_world.store.upload_archive(content_body, "")
    with pytest.raises(ServiceError) as caught:
        whole_world.store.delete_vault()
    assert "inventory" in caught.value.hint


def test_the_store_tells_the_services_time(local, service):
    """For a local vault, now is what its clock says, however far it was turned."""
    before = service.now()
    assert before <= local.store.now() <= service.now()
