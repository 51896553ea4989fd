"""What must hold of a vault's records before an upload sends anything to it."""

from glacierkeep.catalog import Catalog
from glacierkeep.domain.records import Vault
from glacierkeep.domain.vault import VaultAddress
from glacierkeep.errors import Exit, GlacierkeepError


class NotSealed(GlacierkeepError):
    """A vault's archives are sealed, and what is sent next would not be, without anybody having said so."""

    code = "not-sealed"


class RebuildUnderWay(GlacierkeepError):
    """The records of the vault are on their way back."""

    exit = Exit.WAITING
    code = "rebuild-under-way"


def require_no_rebuild(vault: Vault, *, catalog: Catalog) -> None:
    """Raises RebuildUnderWay while lost records are fetched: an upload would send again what they tell of."""
    with catalog.read() as records:
        if records.rebuilds.open(vault.vault_id):
            raise RebuildUnderWay(
                f"the records of {vault.address} are being rebuilt; nothing was sent",
                hint="gk poll goes on with it; gk catalog rebuild --cancel gives it up",
            )


def require_nothing_sealed(address: VaultAddress, *, catalog: Catalog) -> None:
    """Raises NotSealed if archives of the vault are sealed: recipients that got lost must not let names out."""
    with catalog.read() as records:
        vault = records.vaults.get(str(address))
        if vault is not None and records.archives.any_sealed(vault.vault_id):
            raise NotSealed(
                f"archives in {address} are encrypted, and no recipients are configured for it here: what is sent now"
                " would not be; nothing was sent",
                hint="gk key add names the recipients; recipients = [] in the vault's settings says that it is meant",
            )
