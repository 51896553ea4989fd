import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pyrage
import pytest

from glacierkeep.errors import Exit, NoIdentity
from glacierkeep.keys.identities import DamagedSeal, Held, Identities
from glacierkeep.keys.recipients import Recipients
from glacierkeep.keys.sources import CommandOutput, IdentityFile, InKeyring, Source, readable_by_others
from support.keys import KINDS, MemoryRing, Pair, age_at_terminal, age_seals, keyring_of, make_pair


def nobody(question: str) -> str:
    raise AssertionError(f"asked for {question}")


def of(*sources: Source | Path, ask: Callable[[str], str] = nobody) -> Identities:
    return Identities([IdentityFile(one) if isinstance(one, Path) else one for one in sources], ask=ask)


@pytest.mark.parametrize("armored", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_we_open_what_age_sealed(pairs: dict[str, Pair], kind: str, armored: bool) -> None:
    """What `age -r` seals to a key of any kind, its identity opens; it tells its public key, too."""
    sealed = age_seals(b"picture" * 20000, pairs[kind].public, armored=armored)
    identities = of(pairs[kind].file)
    assert identities.open(sealed) == b"picture" * 20000
    plain = Recipients.parse([pairs[kind].public]).texts[0]
    assert identities.publics == (Held(plain, str(pairs[kind].file), False),)


def test_several_keys_and_comments_in_a_file(tmp_path: Path) -> None:
    """An identity file may hold comments, blank lines and several keys, and each of them opens."""
    one, two = (make_pair(tmp_path, "age", name) for name in ("one", "two"))
    both = tmp_path / "both"
    both.write_text(f"# mine\n\n{one.secret}\r\n   # other\n {two.secret} \n")
    for pair in (one, two):
        assert of(both).open(age_seals(b"x", pair.public)) == b"x"


def test_an_old_rsa_key_file(tmp_path: Path) -> None:
    """An RSA key in the older PEM form opens, too; its public key cannot be told from it."""
    words = ["ssh-keygen", "-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f", tmp_path / "old"]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    identities = of(tmp_path / "old")
    assert identities.open(age_seals(b"x", tmp_path.joinpath("old.pub").read_text())) == b"x"
    assert identities.publics[0].public is None


def test_nothing_is_read_or_run_before_it_is_needed(tmp_path: Path, pairs: dict[str, Pair]) -> None:
    """Identities that open nothing read no file and run no command; those that do run it once."""
    mark = tmp_path / "ran"
    identities = of(CommandOutput(f"echo x >> '{mark}'; cat '{pairs['age'].file}'"))
    assert not mark.exists()
    sealed = age_seals(b"x", pairs["age"].public)
    assert [identities.open(sealed) for _ in range(3)] == [b"x"] * 3
    assert mark.read_text() == "x\n"


def test_a_command_that_fails_is_told(pairs: dict[str, Pair]) -> None:
    """A command that fails gives no identity, and the error says so without what it printed."""
    with pytest.raises(NoIdentity) as caught:
        of(CommandOutput(f"cat '{pairs['age'].file}'; exit 3")).open(age_seals(b"x", pairs["age"].public))
    assert "keys.identity_command ended with exit code 3" in str(caught.value.hint)
    assert "AGE-SECRET" not in f"{caught.value} {caught.value.hint}"


def test_a_command_that_prints_without_end_is_stopped(pairs: dict[str, Pair]) -> None:
    """What no identity file could hold is not read to its end, which may never come."""
    with pytest.raises(NoIdentity) as caught:
        of(CommandOutput("yes")).open(age_seals(b"x", pairs["age"].public))
    assert "keys.identity_command printed too much" in str(caught.value.hint)


def test_a_command_that_hangs_ends_with_us(tmp_path: Path, pairs: dict[str, Pair]) -> None:
    """Whoever breaks gk off while a command hangs does not wait for it, and it does not stay behind."""
    told = tmp_path / "pid"
    command = CommandOutput(f"echo $$ > '{told}'; while :; do kill -INT $PPID; done")
    with pytest.raises(Interrupted), interrupted():
        of(command).open(age_seals(b"x", pairs["age"].public))
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)


class Interrupted(KeyboardInterrupt):
    """What a signal raises, as gk has it."""


@contextmanager
def interrupted() -> Iterator[None]:
    """SIGINT raises Interrupted meanwhile, once the output of a command is waited for."""

    def receive(number: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_code.co_name == "_read":
            raise Interrupted

    before = signal.signal(signal.SIGINT, receive)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_command_has_nothing_to_read(pairs: dict[str, Pair]) -> None:
    """A command never eats what gk was given on standard input."""
    command = CommandOutput(f"test -z \"$(cat)\" && cat '{pairs['age'].file}'")
    assert of(command).open(age_seals(b"x", pairs["age"].public)) == b"x"


def test_the_keyring(pairs: dict[str, Pair]) -> None:
    """What lies in the keyring under the service glacierkeep opens."""
    ring = MemoryRing()
    ring.kept["glacierkeep", "identities"] = pairs["age"].file.read_text()
    with keyring_of(ring):
        identities = of(InKeyring())
        assert identities.open(age_seals(b"x", pairs["age"].public)) == b"x"
        assert identities.publics == (Held(pairs["age"].public, "the keyring", False),)


def test_a_keyring_that_is_empty_or_not_there() -> None:
    """An empty keyring and a session without one give no identity and no other error."""
    from keyring.backends import fail

    for ring, words in ((MemoryRing(), ""), (fail.Keyring(), "the keyring cannot be read")):
        with keyring_of(ring), pytest.raises(NoIdentity) as caught:
            of(InKeyring()).open(b"x")
        assert words in str(caught.value.hint)


def test_a_passphrase_is_asked_for_when_nothing_else_fits(guarded: Pair, pairs: dict[str, Pair]) -> None:
    """A protected file stays closed while another identity fits, and is opened once when none does."""
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "open sesame"

    identities = of(guarded.file, pairs["age"].file, ask=ask)
    assert identities.open(age_seals(b"x", pairs["age"].public)) == b"x"
    assert asked == []
    for _ in range(2):
        assert identities.open(age_seals(b"y", guarded.public)) == b"y"
    assert asked == [f"passphrase of {guarded.file}"]
    assert Held(guarded.public, str(guarded.file), True) in identities.publics


def test_a_wrong_passphrase(guarded: Pair) -> None:
    """A wrong passphrase opens nothing, is said to be wrong, and is not asked for again."""
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "open barley"

    identities = of(guarded.file, ask=ask)
    for _ in range(2):
        with pytest.raises(NoIdentity) as caught:
            identities.open(age_seals(b"x", guarded.public))
        assert "the passphrase is wrong" in str(caught.value.hint)
        assert "open barley" not in f"{caught.value} {caught.value.hint}"
    assert len(asked) == 1


def test_files_that_age_protected(tmp_path: Path) -> None:
    """What `age -p` makes of an identity file, binary or armored, its passphrase opens."""
    pair = make_pair(tmp_path, "age")
    for words in ([], ["-a"]):
        file = tmp_path / f"protected{len(words)}"
        age_at_terminal(["-p", *words, "-o", file, pair.file], ["open sesame", "open sesame"])
        identities = of(file, ask=lambda question: "open sesame")
        assert identities.open(age_seals(b"x", pair.public)) == b"x"


def test_the_public_key_of_a_protected_file_stands_beside_it(guarded: Pair, tmp_path: Path) -> None:
    """Without its passphrase, a protected identity's public key is known from the .pub file beside it, or not."""
    file = tmp_path / "main.txt"
    file.write_bytes(guarded.file.read_bytes())
    assert of(file).publics == (Held(None, str(file), True),)
    tmp_path.joinpath("main.pub").write_text(f"{guarded.public}\n")
    assert of(file).publics == (Held(guarded.public, str(file), True),)


def test_no_key_fits_or_none_is_there(pairs: dict[str, Pair], tmp_path: Path) -> None:
    """A wrong key, no key, and a file that is not there end with exit code 13, and say which it was."""
    sealed = age_seals(b"x", pairs["age"].public)
    other = make_pair(tmp_path, "age")
    for identities, words in (
        (of(other.file, pairs["ssh-rsa"].file), "none of the identities at hand opens it"),
        (of(), "no identity is at hand"),
        (of(tmp_path / "nowhere"), "no identity is at hand"),
    ):
        with pytest.raises(NoIdentity, match=words) as caught:
            identities.open(sealed)
        assert caught.value.exit is Exit.CREDENTIALS
    with pytest.raises(NoIdentity) as caught:
        of(tmp_path / "nowhere").open(sealed)
    assert f"{tmp_path / 'nowhere'} cannot be read" in str(caught.value.hint)


def test_a_source_in_trouble_does_not_hinder_the_others(pairs: dict[str, Pair], tmp_path: Path) -> None:
    """A file that cannot be read is remembered as trouble while another identity opens."""
    identities = of(tmp_path / "nowhere", pairs["age"].file)
    assert identities.open(age_seals(b"x", pairs["age"].public)) == b"x"
    assert len(identities.troubles) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"# only a comment\n", "holds no identity"),
        (b"age1ye4x63d5crh5xc0g89ednat6k7z5d6478n6hgxvdsk5jc935nf5qnh9t2q\n", "something else"),
        (
            b"AGE-SECRET-KEY-1X4AEF6E49JJC5GAZEM7DYKP8TEXRHR3DGT9P4NFX9X8AQPRTKFJS9CEKPX\n",
            "a mistake in line 1",
        ),
        (b"AGE-PLUGIN-YUBIKEY-1QQQQ\n", "needs a plugin"),
        (b"\xff\xfe\x00", "is not text"),
        (
            b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n",
            "is not",
        ),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----", "is not an SSH private key"),
        (b"age-encryption.org/v1\n-> nonsense\n", "damaged, or not protected"),
        (b"x" * (1 << 21), "too big"),
    ],
)
def test_files_that_hold_no_identity(tmp_path: Path, content: bytes, words: str) -> None:
    """What is wrong with an identity file is said, and nothing of what it holds."""
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(NoIdentity) as caught:
        of(file, ask=lambda question: "x").open(b"x")
    assert words in str(caught.value.hint)
    assert "AEF6E49" not in str(caught.value.hint)


def test_an_ssh_key_with_a_passphrase(tmp_path: Path) -> None:
    """An SSH key that has its own passphrase is refused, with a way out."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", tmp_path / "locked"]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    with pytest.raises(NoIdentity) as caught:
        of(tmp_path / "locked").open(b"x")
    assert "ssh-keygen -p" in str(caught.value.hint)


def test_no_flipped_byte_passes(pairs: dict[str, Pair]) -> None:
    """Whichever byte of a sealed file is changed, nothing comes out; damage after the header is never a wrong key's."""
    plain = b"picture" * 30
    sealed = age_seals(plain, pairs["age"].public)
    identities = of(pairs["age"].file)
    header = sealed.index(b"\n--- ")
    for at in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[at] ^= 1 << at % 8
        with pytest.raises((DamagedSeal, NoIdentity) if at < header else DamagedSeal):
            identities.open(bytes(damaged))


def test_no_truncated_file_passes(pairs: dict[str, Pair]) -> None:
    """Cut anywhere, a sealed file is damaged, and so is one with something after its end."""
    sealed = age_seals(b"picture" * 30, pairs["age"].public)
    identities = of(pairs["age"].file)
    for cut in range(len(sealed)):
        with pytest.raises(DamagedSeal):
            identities.open(sealed[:cut])
    with pytest.raises(DamagedSeal):
        identities.open(sealed + b"x")


def test_a_file_sealed_by_a_passphrase_is_not_asked_for(guarded: Pair, pairs: dict[str, Pair]) -> None:
    """A hostile archive that is sealed by a passphrase is one that no identity fits."""
    with pytest.raises(NoIdentity):
        of(pairs["age"].file).open(guarded.file.read_bytes())


def test_threads_share_them(guarded: Pair) -> None:
    """However many threads open at once, the passphrase is asked for once, and each gets its own."""
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "open sesame"

    identities = of(guarded.file, ask=ask)
    recipients = Recipients.parse([guarded.public])
    opened: dict[int, bytes] = {}

    def work(at: int) -> None:
        opened[at] = identities.open(recipients.seal(b"%d" % at))

    threads = [threading.Thread(target=work, args=(at,)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == {at: b"%d" % at for at in range(6)}
    assert len(asked) == 1


def test_identities_show_no_secret(pairs: dict[str, Pair]) -> None:
    """Neither the text of an Identities nor that of what it hands out holds a secret."""
    identities = of(pairs["age"].file)
    identities.open(age_seals(b"x", pairs["age"].public))
    shown = f"{identities!r} {identities.publics!r} {vars(identities)!r}"
    assert pairs["age"].secret not in shown
    assert str(pyrage.x25519.Identity.from_str(pairs["age"].secret)) == pairs["age"].secret


def test_who_may_read_a_file(pairs: dict[str, Pair], tmp_path: Path) -> None:
    """A file that others may read is told from one that is private; one that is not there is no trouble."""
    file = tmp_path / "key"
    file.write_text("x")
    file.chmod(0o640)
    assert readable_by_others(file)
    file.chmod(0o600)
    assert not readable_by_others(file)
    assert not readable_by_others(tmp_path / "nowhere")
