import contextlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacierkeep.errors import Exit, UsageError
from glacierkeep.keys.recipients import NotRecipient, Recipients
from support.keys import KINDS, Pair, age_opens, make_pair

SECRETS = [
    "AGE-SECRET-KEY-1X4AEF6E49JJC5GAZEM7DYKP8TEXRHR3DGT9P4NFX9X8AQPRTKFJS9CEKPY",
    "age-secret-key-1x4aef6e49jjc5gazem7dykp8texrhr3dgt9p4nfx9x8aqprtkfjs9cekpy",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE\n",
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEogIBAAKCAQEA\n",
]


@pytest.mark.parametrize("kind", KINDS)
def test_age_opens_what_we_seal(pairs: dict[str, Pair], kind: str) -> None:
    """What is sealed to a key of any kind, `age -d` opens with it; armored too."""
    recipients = Recipients.parse([pairs[kind].public])
    plain = b"picture" * 20000
    assert age_opens(recipients.seal(plain), pairs[kind].file) == plain
    sealed = recipients.seal(plain, armored=True)
    assert sealed.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert age_opens(sealed, pairs[kind].file) == plain


def test_each_of_several_opens(pairs: dict[str, Pair]) -> None:
    """One seal is for all recipients: each of their keys opens it alone."""
    sealed = Recipients.parse([pair.public for pair in pairs.values()]).seal(b"x")
    assert {age_opens(sealed, pair.file) for pair in pairs.values()} == {b"x"}


def test_blanks_and_comments_are_allowed(pairs: dict[str, Pair]) -> None:
    """An SSH line may have a comment and stray blanks, an age key blanks around it; none of them is kept."""
    kind, body, _ = pairs["ssh-ed25519"].public.split()
    recipients = Recipients.parse([f"  {kind}\t {body}   ada at home \n", f" {pairs['age'].public}\n"])
    assert recipients.texts == (f"{kind} {body}", pairs["age"].public)


def test_the_fingerprint_is_of_the_set(pairs: dict[str, Pair]) -> None:
    """Order, comments, case and repetition make no difference to the fingerprint; another set has another."""
    age, ssh = pairs["age"].public, pairs["ssh-rsa"].public
    first = Recipients.parse([age, ssh])
    second = Recipients.parse([ssh.replace("ada@home", "x"), age.upper(), " ".join(ssh.split()[:2]), age])
    assert first.fingerprint == second.fingerprint
    assert len(first.fingerprint) == 32
    assert Recipients.parse([age]).fingerprint != first.fingerprint


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_recognised_and_never_repeated(pairs: dict[str, Pair], secret: str) -> None:
    """A secret key where a public one belongs is named by its place alone."""
    with pytest.raises(NotRecipient) as caught:
        Recipients.parse([pairs["age"].public, secret])
    said = f"{caught.value} {caught.value.hint}".lower()
    assert caught.value.place == 2
    assert caught.value.exit is Exit.USAGE
    assert "recipient 2 is a secret key" in said
    assert not any(word in said for word in secret.lower().split() if len(word) > 12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no public key"),
        ("friend", "is no public key"),
        ("age1abc", "(age1abc) is not an age public key"),
        ("ssh-ed25519", "is not TYPE BASE64"),
        ("ssh-ed25519 AAAA", "is not an SSH public key"),
        ("ssh-ed25519 ????", "not base64"),
        ("ssh-dss AAAAB3NzaC1kc3M=", "is not TYPE BASE64"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str) -> None:
    """A text that is no recipient is named by its place and by what is wrong with it."""
    with pytest.raises(NotRecipient, match=r"^recipient 1 ") as caught:
        Recipients.parse([text])
    assert words in str(caught.value)


def test_an_age_key_with_a_wrong_letter_is_refused(pairs: dict[str, Pair]) -> None:
    """One wrong letter in a public key is found: nothing is sealed to a key that nobody has."""
    public = pairs["age"].public
    other = "q" if public[20] != "q" else "p"
    with pytest.raises(NotRecipient):
        Recipients.parse([f"{public[:20]}{other}{public[21:]}"])


def test_a_weak_rsa_key_is_refused(tmp_path: Path) -> None:
    """An RSA key of 1024 bits is refused, and the size that is needed is said."""
    words = ["ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", tmp_path / "weak"]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    with pytest.raises(NotRecipient) as caught:
        Recipients.parse([tmp_path.joinpath("weak.pub").read_text()])
    assert "2048 bits" in str(caught.value.hint)


def test_nobody_is_no_recipient() -> None:
    """An empty list is an error, never a file that nobody opens."""
    with pytest.raises(UsageError):
        Recipients.parse([])


@given(st.text(max_size=200) | st.text(max_size=80).map(lambda text: f"ssh-rsa {text}"))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Whatever the text, parsing ends with recipients or with NotRecipient."""
    with contextlib.suppress(NotRecipient):
        assert Recipients.parse([text]).texts


def test_two_pairs_differ(tmp_path: Path) -> None:
    """Keys are compared, not kinds: two keys of a kind are two recipients."""
    one, two = (make_pair(tmp_path, "age", name) for name in ("one", "two"))
    assert len(Recipients.parse([one.public, two.public, one.public]).texts) == 2
