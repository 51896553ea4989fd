"""One pass of `gk upload` over one root: what it works on, and with what."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from glacierkeep.bundle.storing import Coding
from glacierkeep.catalog import Catalog
from glacierkeep.domain.forms import Sizes
from glacierkeep.domain.records import Root, Vault
from glacierkeep.events import Listener
from glacierkeep.operations.failures import Failures
from glacierkeep.operations.intents import Intents
from glacierkeep.operations.roots import Scope
from glacierkeep.operations.scan import Looking
from glacierkeep.operations.shipping import Shipping


@dataclass(frozen=True, slots=True)
class Run:
    """A pass that is written down under *run_id*; the lease on its root is held."""

    scope: Scope
    root: Root
    run_id: int
    vault: Vault
    looking: Looking
    sizes: Sizes
    coding: Coding
    catalog: Catalog
    staging: Path
    tell: Listener
    stop: Callable[[], bool]
    shipping: Shipping
    failures: Failures

    @property
    def intents(self) -> Intents:
        """Where it is written down what is about to be sent."""
        return Intents(self.root, self.run_id, self.vault, self.sizes.part, self.catalog)
