"""All records, around one transaction."""

from collections.abc import Callable

from sqlalchemy import Connection

from glacierkeep.catalog.archives import Archives
from glacierkeep.catalog.copies import Copies
from glacierkeep.catalog.events import Events
from glacierkeep.catalog.findings import Findings
from glacierkeep.catalog.identity import Identity
from glacierkeep.catalog.inventories import Inventories
from glacierkeep.catalog.jobs import Jobs
from glacierkeep.catalog.leases import Leases
from glacierkeep.catalog.ledger import Ledger
from glacierkeep.catalog.rebuilds import Rebuilds
from glacierkeep.catalog.retrievals import Retrievals
from glacierkeep.catalog.roots import Roots
from glacierkeep.catalog.runs import Runs
from glacierkeep.catalog.statistics import Statistics
from glacierkeep.catalog.tree import Tree
from glacierkeep.catalog.uploads import Uploads
from glacierkeep.catalog.vaults import Vaults
from glacierkeep.catalog.versions import Versions
from glacierkeep.catalog.volumes import VolumeSets
from glacierkeep.clock import Clock


class Records:
    """What `Catalog.read` and `Catalog.write` give out; of no use once that ended."""

    def __init__(
        self, connection: Connection, clock: Clock, machine: str, random: Callable[[int], bytes]
    ) -> None:
        self.identity = Identity(connection)
        self.vaults = Vaults(connection, clock)
        self.archives = Archives(connection, clock)
        self.roots = Roots(connection)
        self.runs = Runs(connection, clock)
        self.tree = Tree(connection)
        self.versions = Versions(connection, clock)
        self.uploads = Uploads(connection, clock)
        self.volume_sets = VolumeSets(connection, clock)
        self.jobs = Jobs(connection, clock)
        self.retrievals = Retrievals(connection, clock)
        self.inventories = Inventories(connection, clock)
        self.copies = Copies(connection, clock)
        self.rebuilds = Rebuilds(connection, clock)
        self.findings = Findings(connection, clock)
        self.ledger = Ledger(connection, clock)
        self.events = Events(connection, clock)
        self.leases = Leases(connection, clock, machine, random)
        self.statistics = Statistics(connection)
