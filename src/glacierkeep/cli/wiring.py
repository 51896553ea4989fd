"""The only builder of things: what a command needs, made when it is first asked for.

A command file looks like this; options of `options.py` are in `wiring.options`, others are parameters:

    @click.command("upload", epilog=epilog("gk upload ~/Photos", exits=(Exit.DONE, Exit.FAILED)))
    @click.argument("paths", nargs=-1, required=True, type=params.PathName())
    @options.vault
    @options.dry_run
    @options.everywhere
    @options.with_wiring
    def command(wiring: Wiring, paths: tuple[bytes, ...]) -> None:
        \"\"\"Archive files, folders or standard input.\"\"\"
        from glacierkeep.operations.upload import upload

        chosen = wiring.vault()
        wiring.warn_local(chosen)
        outcome = upload(paths, store=wiring.store(chosen), catalog=wiring.catalog, tell=wiring.listener, ...)
        wiring.report(outcome, "stored 3 files")
        wiring.leave(outcome.exit)
"""

import functools
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from glacierkeep.cli import terminal
from glacierkeep.cli.choosing import (
    FALLBACK,
    ChosenVault,
    choose,
    choose_address,
    choose_default,
    named_by_environment,
    none_named,
)
from glacierkeep.cli.render.words import safe
from glacierkeep.cli.said import Said
from glacierkeep.cli.signals import Stop
from glacierkeep.clock import Clock, SystemClock
from glacierkeep.config.keys import Key
from glacierkeep.config.load import Loaded, load
from glacierkeep.config.machine import machine_id
from glacierkeep.config.paths import Homes, find_homes, make_private
from glacierkeep.config.settings import Settings
from glacierkeep.domain.vault import VaultAddress, VaultKind, parse_address
from glacierkeep.errors import Exit, GlacierkeepError, OverBudget, most_serious
from glacierkeep.events import Noted

if TYPE_CHECKING:
    from glacierkeep.bundle.opening import Unseal
    from glacierkeep.catalog.catalog import Catalog
    from glacierkeep.cli.limits import Limits
    from glacierkeep.cli.render.listener import Telling
    from glacierkeep.cli.render.tables import Column
    from glacierkeep.keys.identities import Identities
    from glacierkeep.keys.recipients import Recipients
    from glacierkeep.local.service import LocalGlacier
    from glacierkeep.operations.arrivals import Fetching
    from glacierkeep.stores.store import Store

R = TypeVar("R")

_LIMITS = ("limit_upload", "limit_download", "max_transfer", "max_duration")
"""Options that stand for keys of [transfer]."""

_STOPPED_ANYWAY = (Exit.DONE, Exit.FAILED, Exit.PARTLY, Exit.WAITING)
"""Codes that give way to 130 and 143, or to 3, when a command was broken off."""

_IN_ORDER = (Exit.DONE, Exit.PARTLY, Exit.WAITING, Exit.FINDINGS)
"""Codes after which a vault that was named has proved itself."""


class Wiring:
    """What one run of one command needs; a context manager that closes what it opened."""

    def __init__(self, options: Said, *, stop: Stop | None = None) -> None:
        self.options = options
        self.clock: Clock = SystemClock()
        self._stop = stop or Stop()
        self._open: list[Callable[[], None]] = []
        self._adopt: str | None = None
        self._stores: dict[VaultAddress, Store] = {}
        self._created: set[VaultAddress] = set()

    def __enter__(self) -> "Wiring":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if isinstance(error, click.exceptions.Exit) and error.exit_code in _IN_ORDER:
                self._adopt_default()
            if isinstance(error, GlacierkeepError) and error.exit is Exit.INTERRUPTED:
                if self._stop.limited:
                    raise self.limits.error() from error
                error.exit = self._stop.code
        finally:
            while self._open:
                self._open.pop()()

    # What is wanted, and where things are

    @functools.cached_property
    def homes(self) -> Homes:
        """Where things live; the folders need not exist."""
        return find_homes(os.environ)

    @functools.cached_property
    def loaded(self) -> Loaded:
        """The settings with the origin of each. Raises ConfigError."""
        return self._load()

    def _load(self) -> Loaded:
        said = self.options
        named: dict[Key, tuple[str, str]] = {
            ("transfer", name): ("--" + name.replace("_", "-"), word)
            for name in _LIMITS
            if (word := getattr(said, name)) is not None
        }
        if said.vault:
            named[("default_vault",)] = ("--vault", said.vault)
        return load(self.homes.config_file, environment=os.environ, options=named, profile=said.profile)

    @property
    def settings(self) -> Settings:
        """What is wanted. Raises ConfigError."""
        return self.loaded.settings

    @functools.cached_property
    def machine(self) -> str:
        """This machine's id."""
        return machine_id(self.homes.machine)

    @functools.cached_property
    def host(self) -> str:
        """This machine's name."""
        import socket

        return socket.gethostname()

    def staging(self) -> Path:
        """The folder for archives being made, there."""
        return make_private(self.homes.staging)

    def own_places(self) -> frozenset[tuple[int, int]]:
        """Device and inode of what gk writes to while it reads: the catalog, the local Glacier, staging and logs."""
        from glacierkeep.cli.building import own_places

        return own_places(self.settings, self.homes)

    def now(self) -> datetime:
        """The real time."""
        return self.clock.now()

    @property
    def stop(self) -> Stop:
        """Says True once a person has asked to stop. Asking for it makes the first Ctrl-C gentle."""
        return self._stop.arm()

    @functools.cached_property
    def limits(self) -> "Limits":
        """How fast bytes may flow, how many, and for how long."""
        from glacierkeep.cli.limits import Limits

        def note(sentence: str) -> None:
            self.note("limits-unchanged", sentence)

        file, load = self.homes.config_file, lambda: self._load().settings
        return Limits(file, load, clock=self.clock, stop=self._stop, note=note)

    # Collaborators

    @functools.cached_property
    def catalog(self) -> "Catalog":
        """The records, made at first use. Raises CatalogUnusable or CatalogOutdated."""
        from glacierkeep.catalog.catalog import Catalog
        from glacierkeep.cli.building import catalog_path

        path = catalog_path(self.settings, self.homes)
        catalog = Catalog.open(path, clock=self.clock, machine=self.machine)
        self._open.append(catalog.close)
        return catalog

    def recipients(self, chosen: ChosenVault) -> "Recipients | None":
        """The public keys that the vault's archives are sealed to; None if they are not. Raises ConfigError."""
        from glacierkeep.cli.unlocking import recipients_of

        return recipients_of(chosen)

    @functools.cached_property
    def identities(self) -> "Identities":
        """What opens sealed archives; nothing is read, run or asked before it is needed."""
        from glacierkeep.cli.unlocking import sources_of
        from glacierkeep.keys.identities import Identities

        return Identities(sources_of(self.settings.keys), ask=self.passphrase)

    @property
    def unseal(self) -> "Unseal | None":
        """What opens sealed archives; None if no identity is configured here at all."""
        from glacierkeep.cli.unlocking import sources_of

        return self.identities.open if sources_of(self.settings.keys) else None

    def passphrase(self, question: str) -> str:
        """The passphrase that *question* names: keys.passphrase_command's, or a person's. Raises NoIdentity."""
        from glacierkeep.cli.unlocking import ask_passphrase

        self.listener.close()
        return ask_passphrase(self.settings.keys, question)

    def store(self, chosen: ChosenVault, *, create: bool = True) -> "Store":
        """The vault to talk to, with patience; one for each address, which remembers what it learned.

        A `local:` one is made if it is not there, unless *create* is False.
        """
        from glacierkeep.cli.building import patience_of, patient_store

        if chosen.address not in self._stores:
            patience = patience_of(self.options.retry_for, self.settings)
            patient = patient_store(
                self._plain_store(chosen), patience, self.clock, self.listener, self._stop
            )
            self._stores[chosen.address] = patient
        store = self._stores[chosen.address]
        if create and chosen.address.kind is VaultKind.LOCAL and chosen.address not in self._created:
            store.create_vault()
            self._created.add(chosen.address)
        return store

    def _plain_store(self, chosen: ChosenVault) -> "Store":
        from glacierkeep.cli.building import glacier_store, local_store

        if chosen.address.kind is not VaultKind.LOCAL:
            return glacier_store(chosen, self.clock)
        return local_store(chosen, self.local_service(realistic=chosen.settings.realistic))

    def fetching(self, jobs: int | None) -> "Fetching":
        """How what is ready is brought, by *jobs* requests at once or as many as are configured."""
        from glacierkeep.cli.building import patience_of
        from glacierkeep.operations.arrivals import Fetching

        patience = patience_of(self.options.retry_for, self.settings)
        return Fetching(jobs or self.settings.retrieve.jobs, self.limits.down, patience)

    def local_service(self, **wanted: Any) -> "LocalGlacier":
        """The local Glacier of this machine; *wanted* is what its class takes, before what is configured.

        Raises UsageError, ConfigError or LocalUnusable.
        """
        from glacierkeep.cli.building import open_local

        service = open_local(self.homes.local, self.clock, self.loaded, wanted)
        self._open.append(service.close)
        return service

    @functools.cached_property
    def listener(self) -> "Telling":
        """Who is told what happens: bars at a terminal, lines on standard error, or JSON Lines."""
        from glacierkeep.cli.render import listener

        said = self.options
        if said.json:
            telling = listener.for_machines(said.progress_interval, self.clock)
        elif terminal.err_is_terminal():
            color = terminal.in_color(said.color, terminal=True)
            telling = listener.for_terminal(quiet=said.quiet, verbose=said.verbose, color=color)
        else:
            telling = listener.for_log(
                quiet=said.quiet, verbose=said.verbose, interval=said.progress_interval, clock=self.clock
            )
        self._open.append(telling.close)
        return telling

    # Which vault

    def vault(self, named: str | None = None) -> ChosenVault:
        """The vault of *named*, -V, GK_VAULT or default_vault; at a terminal else `local:default`. Raises NoVault."""
        named = named or self.options.vault
        if named:
            chosen = choose(named, self.settings)
            self._adopt_later(chosen.nickname or str(chosen.address))
            return chosen
        return choose_default(self.loaded) or self._fallback()

    def named_vault(self) -> ChosenVault | None:
        """The vault of -V or GK_VAULT; None where neither is said and all vaults are meant."""
        if self.options.vault or named_by_environment(self.loaded):
            return self.vault()
        return None

    def vault_at(self, address: str) -> ChosenVault:
        """The vault at an *address* the catalog knows, with its settings."""
        return choose_address(parse_address(address), self.settings)

    def warn_local(self, chosen: ChosenVault) -> None:
        """Say, before writing to a `local:` vault, that this is no copy elsewhere."""
        if chosen.address.kind is VaultKind.LOCAL:
            self.note("local-vault", f"{chosen.address} is a folder on this machine: nothing leaves it")

    def _fallback(self) -> ChosenVault:
        if not terminal.someone_there():
            raise none_named()
        self.note("default-vault", f"no vault is named: using {FALLBACK}")
        return choose(FALLBACK, self.settings)

    def _adopt_later(self, name: str) -> None:
        """Let *name* be the default vault once the command has succeeded, if there is none."""
        said = self.options
        if self.loaded.file_default is None and said.profile is None and not said.dry_run:
            self._adopt = self._adopt or name

    def _adopt_default(self) -> None:
        if self._adopt is None:
            return
        from glacierkeep.config.edit import set_first_default

        try:
            adopted = set_first_default(self.homes.config_file, self._adopt)
        except (OSError, GlacierkeepError) as error:
            self.note("no-default-vault", f"{self._adopt} could not be made the default vault: {error}")
            return
        if adopted:
            self.note("default-vault", f"{self._adopt} is the default vault from now on")

    # Saying things

    def show(self, record: Any, text: str | Callable[[Any], str] | None = None) -> None:
        """Print the answer: *record* as a JSON line, or *text* for people."""
        if self.options.json:
            from glacierkeep.cli.render.machine import line_of

            sys.stdout.write(line_of(record) + "\n")
        elif text is not None:
            self.listener.close()
            said = text if isinstance(text, str) else text(record)
            click.echo("\n".join(safe(line) for line in said.split("\n")))

    def report(self, record: Any, text: str | Callable[[Any], str]) -> None:
        """Print the outcome of a deed: as `show`, but for people only where one is watching, or with -v."""
        watched = terminal.someone_watching() and not self.options.quiet
        try:
            self.show(record, text if watched or self.options.verbose else None)
        except BrokenPipeError:
            # The deed is done; its exit code matters more than the sentence.
            return

    def table(self, records: Iterable[R], columns: "Sequence[Column[R]]", *, empty: str = "") -> None:
        """Print *records*: a JSON line each, or a table for people; *empty* if there are none."""
        if self.options.json:
            for record in records:
                self.show(record)
            return
        from glacierkeep.cli.render.tables import print_table

        at_terminal = terminal.out_is_terminal()
        color = terminal.in_color(self.options.color, terminal=at_terminal)
        print_table(records, columns, terminal=at_terminal, color=color, empty=empty)

    def note(self, code: str, sentence: str) -> None:
        """Say what a person should know; nothing is wrong."""
        self.listener(Noted(code, sentence))

    # Asking and leaving

    def ask(self, question: str) -> None:
        """Return if what cannot be undone may be done: --yes, or a yes at the terminal. Raises NeedsYes."""
        if not self.options.yes:
            self.listener.close()
            terminal.ask(question)

    def consent(self, chosen: ChosenVault, what: str) -> None:
        """Return if *what*, which costs money unless the vault is local, may be done. Raises NeedsYes, or OverBudget
        where a budget is set: it cannot be obeyed while prices are not known."""
        if chosen.address.kind is not VaultKind.LOCAL:
            if self.settings.budget.month is not None:
                raise OverBudget(
                    f"{what} in {chosen.address} costs an amount that is not known, and a monthly budget is set",
                    hint="prices come in a later release; until then, remove budget.month to go on at your own risk",
                )
            self.ask(f"{what} in {chosen.address} costs an amount that is not known. Go on?")

    def leave(self, *codes: Exit) -> NoReturn:
        """End the command with the most serious of *codes*."""
        code = most_serious(list(codes))
        if self._stop.limited:
            if code in _STOPPED_ANYWAY:
                raise self.limits.error()
            self.note("limit-reached", str(self.limits.error()))
        if self._stop.heeded and code in _STOPPED_ANYWAY:
            code = self._stop.code
        raise click.exceptions.Exit(int(code))
