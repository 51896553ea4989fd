"""Which catalog this is, and which of its copies goes on."""

from sqlalchemy import Connection, exists, select

from glacierkeep.catalog.schema import archives, catalog


class Identity:
    """The catalog's id, its generation, and the machine it belongs to."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def id(self) -> str:
        """Eight characters, made at creation."""
        return self.get("id") or ""

    @property
    def machine(self) -> str:
        """The machine whose copy continues: where the catalog was made, or that adopted it last."""
        return self.get("machine") or ""

    @property
    def generation(self) -> int:
        """How many catalog archives were begun, over all vaults."""
        return int(self.get("generation") or 0)

    def next_generation(self) -> int:
        """Count up and return the new generation."""
        following = self.generation + 1
        self.set("generation", str(following))
        return following

    def is_unused(self) -> bool:
        """Whether nothing is kept yet that bears this catalog's id. Catalog archives, of any catalog, do not count."""
        kept = exists().where(archives.c.kind != "catalog")
        return not self._connection.execute(select(kept)).scalar_one()

    def take_over(self, id: str) -> None:
        """This is from now on the catalog *id*, whose records are being read back."""
        self.set("id", id)

    def reach(self, generation: int) -> None:
        """Go on counting from *generation*, if it is higher."""
        self.set("generation", str(max(self.generation, generation)))

    def adopt(self, machine: str) -> None:
        """From now on this copy, on *machine*, is the one that continues."""
        self.set("machine", machine)

    def get(self, key: str) -> str | None:
        """A value by its key, or None."""
        return self._connection.execute(select(catalog.c.value).where(catalog.c.key == key)).scalar()

    def set(self, key: str, value: str) -> None:
        """Set the value of *key*."""
        self._connection.execute(catalog.delete().where(catalog.c.key == key))
        self._connection.execute(catalog.insert(), {"key": key, "value": value})
