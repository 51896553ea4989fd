"""Identities at hand: opened when the first sealed thing is, and not before."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from glacierkeep.errors import GlacierkeepError, NoIdentity
from glacierkeep.keys.identity import Identity, NotIdentity, is_protected, read_identities, unprotected
from glacierkeep.keys.sources import Source

_NO_MATCH = "No matching keys found"
"""What pyrage says of a wrong key, and also of a header whose line for our key is damaged: one cannot be told from the
other. It has other sentences for all other damage, and for damage after the header."""


class DamagedSeal(ValueError):
    """What was to be opened is no age file, or a damaged one."""


@dataclass(frozen=True, slots=True)
class Held:
    """An identity at hand: its public key, None if only the passphrase would tell; where it lies; whether it is
    protected by a passphrase."""

    public: str | None
    place: str
    protected: bool


@dataclass(slots=True)
class _Locked:
    """A protected source whose passphrase was not asked for yet."""

    source: Source
    content: bytes


class Identities:
    """The identities of *sources*. Nothing is read or run before they are first needed, and *ask* is called with a
    question for a passphrase only when no identity without one fits. Safe to share between threads."""

    def __init__(self, sources: Sequence[Source], *, ask: Callable[[str], str]) -> None:
        self._sources = sources
        self._ask = ask
        self._lock = threading.RLock()
        self._loaded = False
        self._ready: list[tuple[Source, Identity]] = []
        self._unlocked: set[str] = set()
        self._locked: list[_Locked] = []
        self._troubles: list[str] = []

    def open(self, sealed: bytes) -> bytes:
        """What *sealed*, an age file, holds. Raises NoIdentity if no identity fits or none is there, and DamagedSeal;
        a header damaged in the lines for our keys looks like one for other keys, and is NoIdentity too."""
        import pyrage

        for some in self._batches():
            try:
                plain: bytes = pyrage.decrypt(sealed, [identity.key for identity in some])
            except pyrage.DecryptError as error:
                if str(error) != _NO_MATCH:
                    raise DamagedSeal(f"does not open: {error}".splitlines()[0]) from error
            else:
                return plain
        raise self._none_fits()

    @property
    def publics(self) -> tuple[Held, ...]:
        """What is at hand. Reads the sources, and asks for no passphrase."""
        with self._lock:
            self._load()
            ready = [
                Held(identity.public, source.place, source.place in self._unlocked)
                for source, identity in self._ready
            ]
            return (*ready, *(Held(one.source.public(), one.source.place, True) for one in self._locked))

    @property
    def troubles(self) -> tuple[str, ...]:
        """What could not be read so far: a sentence each."""
        return tuple(self._troubles)

    def _batches(self) -> Iterator[list[Identity]]:
        """The identities that need no passphrase, then those of one protected source after the other."""
        with self._lock:
            self._load()
            known = [identity for _, identity in self._ready]
        if known:
            yield known
        while True:
            with self._lock:
                more = [identity for _, identity in self._ready if identity not in known]
                more = more or self._unlock_next()
                known += more
                left = bool(self._locked)
            if more:
                yield more
            elif not left:
                return

    def _load(self) -> None:
        if self._loaded:
            return
        for source in self._sources:
            try:
                content = source.read()
                if content and is_protected(content):
                    self._locked.append(_Locked(source, content))
                elif content:
                    self._ready += [(source, identity) for identity in read_identities(content)]
            except NotIdentity as error:
                self._troubles.append(f"{source.place} {error}")
        self._loaded = True

    def _unlock_next(self) -> list[Identity]:
        """The identities of the next protected source; none if that fails, which is not tried again."""
        if not self._locked:
            return []
        one = self._locked.pop(0)
        place = one.source.place
        try:
            found = read_identities(unprotected(one.content, self._ask(f"passphrase of {place}")))
        except (NotIdentity, NoIdentity) as error:
            hint = f" ({error.hint})" if isinstance(error, GlacierkeepError) and error.hint else ""
            self._troubles.append(f"{place}: {error}{hint}")
            return []
        self._unlocked.add(place)
        self._ready += [(one.source, identity) for identity in found]
        return found

    def _none_fits(self) -> NoIdentity:
        said = "; ".join(self._troubles)
        if self._ready:
            return NoIdentity(
                "none of the identities at hand opens it",
                hint=said or "gk key list shows which are at hand; keys.identity_files names more",
            )
        return NoIdentity(
            "no identity is at hand to open it",
            hint=said or "keys.identity_files names the files that hold them",
        )
