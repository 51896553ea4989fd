"""gk key, as a person and a cron host meet it."""

import os
import re
import stat
import sys
from pathlib import Path

import pytest

from glacierkeep.errors import Exit
from glacierkeep.keys.recipients import Recipients
from glacierkeep.keys.sheet import typed_lines
from support.keys import MemoryRing, Pair, age_opens, keyring_of, make_pair, typed_at_terminal
from support.runner import Gk, Result

SECRET = re.compile(r"AGE-SECRET-KEY-1[A-Z0-9]{20}", re.IGNORECASE)


@pytest.fixture
def made(gk: Gk) -> Pair:
    """The key main, made by gk, and the vault photos."""
    assert gk("vault", "create", "local:photos").exit_code == 0
    assert gk("key", "create", "--yes").exit_code == 0
    folder = gk.home / "keys"
    return Pair(folder / "main.txt", folder.joinpath("main.pub").read_text().strip())


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """A pair by age-keygen, which gk does not know."""
    return make_pair(tmp_path, "age")


def _config(gk: Gk) -> str:
    return gk.home.joinpath("config.toml").read_text()


def _said(result: Result) -> str:
    return result.stdout + result.stderr


def test_create_explains_and_asks(gk: Gk) -> None:
    """Before a key is made, gk says that losing it loses the archives; without a yes nothing is made."""
    for refused in (gk("key", "create"), gk("key", "create", tty=True, input="n\n")):
        assert refused.exit_code == Exit.FAILED
        assert "nobody can help" in _said(refused)
        assert not gk.home.joinpath("keys").exists()
    made = gk("key", "create", tty=True, input="y\n")
    assert made.exit_code == 0
    assert made.stdout.index("nobody can help") < made.stdout.index("make the key main?")
    assert "gk key export main" in made.stdout


def test_create_makes_remembers_and_shows_no_secret(gk: Gk) -> None:
    """A key is private, its identity file is configured, its public key is shown, and its secret never."""
    result = gk("key", "create", "--yes", "--json")
    created = result.the("key-created")
    file = gk.home / "keys" / "main.txt"
    assert (created["file"], created["name"], created["protected"]) == (str(file), "main", False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert gk("config", "show", "keys.identity_files", "--json").objects[0]["value"] == [str(file)]
    assert not SECRET.search(_said(result))
    assert SECRET.search(file.read_text())


def test_create_never_overwrites(gk: Gk, made: Pair) -> None:
    """A second key of the same name is refused before anything is asked; another name is another key."""
    before = made.file.read_bytes()
    refused = gk("key", "create", "--yes", "--json")
    assert (refused.exit_code, refused.objects[-1]["code"]) == (Exit.FAILED, "key-exists")
    assert made.file.read_bytes() == before
    assert gk("key", "create", "--yes", "--name", "travel").exit_code == 0
    places = {one["place"] for one in gk("key", "list", "--json").objects}
    assert places == {str(made.file), str(made.file.with_name("travel.txt"))}


def test_create_elsewhere(gk: Gk, tmp_path: Path) -> None:
    """--to names another new file, relative ones by where gk runs; it is configured by its full path."""
    assert gk("key", "create", "--yes", "--to", "stick.key", cwd=tmp_path).exit_code == 0
    assert str(tmp_path / "stick.key") in _config(gk)
    assert tmp_path.joinpath("stick.key.pub").exists()
    missing = gk("key", "create", "--yes", "--to", tmp_path / "no" / "folder")
    assert missing.exit_code == Exit.FAILED


@pytest.mark.parametrize(
    "words",
    [
        ("--name", "../x"),
        ("--name", ".."),
        ("--name", ""),
        ("--keyring", "--passphrase"),
        ("--keyring", "--to", "x"),
    ],
)
def test_create_of_what_cannot_be(gk: Gk, words: tuple[str, ...]) -> None:
    """A name that is a path, and ways that exclude each other, are wrong usage."""
    assert gk("key", "create", "--yes", *words).exit_code == Exit.USAGE
    assert not gk.home.joinpath("keys").exists()


def test_a_passphrase_is_typed_twice(gk: Gk) -> None:
    """At a terminal a new passphrase is asked for twice; two different ones make nothing."""
    differ = gk("key", "create", "--passphrase", tty=True, input="y\nopen sesame\nopen barley\n")
    assert differ.exit_code == Exit.CREDENTIALS
    assert not gk.home.joinpath("keys", "main.txt").exists()
    made = gk("key", "create", "--passphrase", tty=True, input="y\nopen sesame\nopen sesame\n")
    assert made.exit_code == 0
    assert "BEGIN AGE ENCRYPTED FILE" in gk.home.joinpath("keys", "main.txt").read_text()


def test_a_passphrase_is_not_shown(gk: Gk) -> None:
    """What is typed for a passphrase does not appear on the terminal, and the terminal shows again what is typed."""
    words = [sys.executable, "-m", "glacierkeep", "key", "create", "--passphrase"]
    shown = typed_at_terminal(words, ["y", "open sesame", "open sesame"])
    assert "make the key main? [y/N] y" in shown
    assert "sesame" not in shown
    assert "made the key main" in shown


def test_a_passphrase_by_a_command(gk: Gk) -> None:
    """Away from a terminal keys.passphrase_command is asked, for making, checking and printing; else it is exit 13."""
    nobody = gk("key", "create", "--passphrase", "--yes")
    assert nobody.exit_code == Exit.CREDENTIALS
    assert "keys.passphrase_command" in nobody.stderr
    gk("vault", "create", "local:photos")
    gk("config", "set", "keys.passphrase_command", "echo open sesame")
    assert gk("key", "create", "--passphrase", "--yes").exit_code == 0
    assert gk("key", "add", "main").exit_code == 0
    [vault] = [one for one in gk("key", "list", "--json").objects if one["type"] == "vault-keys"]
    assert vault["opens"] is True
    assert gk("key", "check").exit_code == 0
    assert not SECRET.search(gk("key", "export", "--yes").stdout)
    assert "AGE-SECRET-KEY-1 =" in gk("key", "export", "--yes", "--unprotected").stdout
    failing = gk("key", "check", env={"GK_KEYS_PASSPHRASE_COMMAND": "echo open barley; exit 1"})
    assert failing.exit_code == Exit.CREDENTIALS
    assert "keys.passphrase_command ended with exit code 1" in failing.stderr
    assert "barley" not in _said(failing)


def test_a_passphrase_that_is_not_utf_8(gk: Gk) -> None:
    """A passphrase that age could never take is refused as such, whether a command prints it or a person types it."""
    latin = {"GK_KEYS_PASSPHRASE_COMMAND": r"printf 'p\344ss\n'"}
    by_command = gk("key", "create", "--passphrase", "--yes", env=latin)
    typed = gk("key", "create", "--passphrase", tty=True, input=b"y\np\xe4ss\np\xe4ss\n")
    for refused in (by_command, typed):
        assert refused.exit_code == Exit.CREDENTIALS
        assert "UTF-8" in _said(refused)
    assert not gk.home.joinpath("keys", "main.txt").exists()


def test_a_key_in_the_keyring(gk: Gk) -> None:
    """--keyring writes no file; the key is found by its name, seals, opens and is printed all the same."""
    gk("vault", "create", "local:photos")
    with keyring_of(MemoryRing()):
        made = gk("key", "create", "--keyring", "--yes", "--json")
        assert made.the("key-created")["file"] is None
        assert not gk.home.joinpath("keys").exists()
        assert gk("key", "create", "--keyring", "--yes").exit_code == Exit.FAILED
        assert gk("key", "add", "main").exit_code == 0
        assert gk("key", "check").exit_code == 0
        assert "AGE-SECRET-KEY-1" in gk("key", "export", "main", "--yes").stdout
    away = gk("key", "check")
    assert away.exit_code == Exit.CREDENTIALS


def test_add_takes_keys_files_and_names(gk: Gk, made: Pair, tmp_path: Path) -> None:
    """A recipient is a public key, the lines of a .pub file, or the name of a key of one's own."""
    ssh = make_pair(tmp_path, "ssh-ed25519")
    other = make_pair(tmp_path, "age")
    result = gk("key", "add", "main", f"{ssh.file}.pub", other.public, "--json")
    changed = result.the("recipients-changed")
    assert changed["recipients"] == [made.public, ssh.public, other.public]
    assert (changed["vault"], changed["checked"]) == ("local:photos", False)
    assert "gk key check -V photos" in result.the("noted")["sentence"]
    again = gk("key", "add", made.public.upper(), " ".join(ssh.public.split()[:2]), "--json")
    assert again.the("recipients-changed")["recipients"] == changed["recipients"]


def test_add_configures_a_bare_address(gk: Gk, pair: Pair) -> None:
    """A vault that is named by its address alone gets its place in the configuration."""
    assert gk("key", "add", pair.public, "-V", "local:other").exit_code == 0
    assert "[vault.other]" in _config(gk)
    gk("vault", "create", "local:x", "--name", "taken")
    refused = gk("key", "add", pair.public, "-V", "local:taken")
    assert refused.exit_code == Exit.USAGE
    assert "--name" in refused.stderr


def test_comments_in_the_list_are_kept(gk: Gk, pair: Pair, tmp_path: Path) -> None:
    """Adding and removing touches no other recipient, nor what is written beside it."""
    other = make_pair(tmp_path, "age", "other")
    gk.home.mkdir()
    text = f'[vault.a]\nurl = "local:a"\nrecipients = [\n  "{pair.public}", # mine\n]\n'
    gk.home.joinpath("config.toml").write_text(text)
    assert gk("key", "add", other.public, "-V", "a").exit_code == 0
    assert f'"{pair.public}", # mine\n' in _config(gk)
    assert gk("key", "add", "--remove", other.public, "-V", "a").exit_code == 0
    assert f'"{pair.public}", # mine\n' in _config(gk)
    assert other.public not in _config(gk)


def test_remove_is_for_new_archives(gk: Gk, made: Pair, pair: Pair) -> None:
    """A recipient is exchanged in one command, and gk says that old archives need the old identity for ever."""
    gk("key", "add", "main")
    result = gk("key", "add", pair.public, "--remove", "main", "--json")
    assert result.the("recipients-changed")["recipients"] == [pair.public]
    assert any("keep the old identities" in one.get("sentence", "") for one in result.objects)
    assert gk("key", "add", "--remove", "main").exit_code == Exit.FAILED


def test_the_last_recipient_is_removed_only_with_a_yes(gk: Gk, made: Pair) -> None:
    """Without recipients a vault is not encrypted any more: that is asked for."""
    gk("key", "add", "main")
    refused = gk("key", "add", "--remove", "main")
    assert refused.exit_code == Exit.FAILED
    assert "not encrypted" in refused.stderr
    assert made.public in _config(gk)
    assert gk("key", "add", "--remove", "main", "--yes").exit_code == 0
    assert "recipients = []" in _config(gk)


def test_add_of_what_is_no_recipient(gk: Gk, made: Pair, tmp_path: Path) -> None:
    """Nonsense, a secret key and a file that holds one are refused as wrong usage, and never repeated."""
    ssh = make_pair(tmp_path, "ssh-ed25519")
    for word in (
        "nonsense",
        "age1abc",
        "ssh-ed25519",
        made.secret,
        made.secret.lower(),
        str(made.file),
        str(ssh.file),
    ):
        result = gk("key", "add", word, "--json")
        assert result.exit_code == Exit.USAGE, word
        assert not SECRET.search(result.stdout)
    assert gk("key", "add").exit_code == Exit.USAGE
    assert "recipients" not in _config(gk)


def test_recipients_that_are_configured_wrongly(gk: Gk, pair: Pair) -> None:
    """A wrong recipient in config.toml is a fault of the configuration that names its key and place, exit code 10."""
    gk.home.mkdir()
    for wrong in ("age1abc", pair.secret):
        text = f'[vault.a]\nurl = "local:a"\nrecipients = ["{pair.public}", "{wrong}"]\n'
        gk.home.joinpath("config.toml").write_text(text)
        for words in (("check",), ("list",), ("add", pair.public, "-V", "a"), ("check", "-V", "a")):
            result = gk("key", *words)
            assert result.exit_code == Exit.NO_VAULT
            assert "vault.a.recipients: recipient 2 " in result.stderr
            assert not SECRET.search(_said(result))
        assert not SECRET.search(gk("config", "show").stdout)


def test_check_proves_and_remembers(gk: Gk, made: Pair) -> None:
    """A check that passes is written down for this set of recipients, and a changed set has to be checked again."""
    gk("key", "add", "main")
    assert _vault(gk)["checked_at"] is None
    passed = gk("key", "check", "--json")
    assert passed.exit_code == 0
    assert passed.the("keys-checked")["fingerprint"] == Recipients.parse([made.public]).fingerprint
    assert _vault(gk)["checked_at"] == passed.the("keys-checked")["checked_at"]
    assert gk("key", "check").stdout == ""
    gk("key", "create", "--name", "two", "--yes")
    gk("key", "add", "two")
    assert _vault(gk)["checked_at"] is None


def test_check_that_fails(gk: Gk, made: Pair, pair: Pair) -> None:
    """If no identity at hand opens what is sealed, it is exit code 13, and nothing is written down."""
    gk("key", "add", pair.public)
    failed = gk("key", "check", "--json")
    assert (failed.exit_code, failed.objects[0]["code"]) == (Exit.CREDENTIALS, "no-identity")
    assert _vault(gk)["checked_at"] is None
    assert _vault(gk)["opens"] is False


def test_check_with_another_file(gk: Gk, pair: Pair) -> None:
    """--identity is read for this check alone: it is not remembered."""
    gk("key", "add", pair.public, "-V", "local:photos")
    assert gk("key", "check", "--identity", pair.file).exit_code == 0
    assert _vault(gk)["opens"] is False
    assert _vault(gk)["checked_at"]
    assert gk("key", "check").exit_code == Exit.CREDENTIALS
    assert gk("key", "check", "--identity", "nowhere").exit_code == Exit.CREDENTIALS


def test_check_of_several_vaults(gk: Gk, made: Pair, pair: Pair) -> None:
    """Without -V each vault with recipients is checked; those that fail are named, and the rest is written down."""
    gk("key", "add", "main", "-V", "local:photos")
    gk("key", "add", pair.public, "-V", "local:foreign")
    result = gk("key", "check", "--json")
    assert result.exit_code == Exit.CREDENTIALS
    assert result.the("keys-checked")["vault"] == "local:photos"
    assert "local:foreign" in result.the("trouble")["sentence"]
    assert gk("key", "check", "-V", "photos").exit_code == 0


def test_check_of_nothing(gk: Gk) -> None:
    """A vault without recipients cannot be checked, and the way to some is named."""
    for words in (
        (),
        ("-V", "local:a"),
        ("-V", "local:a", "--challenge", "x"),
        ("-V", "local:a", "--answer", "x"),
    ):
        result = gk("key", "check", *words)
        assert result.exit_code == Exit.FAILED
        assert "gk key add" in result.stderr
    assert gk("key", "check", "--answer", "x", "--sheet", "y").exit_code == Exit.USAGE


def test_a_host_with_public_keys_alone(gk: Gk, pair: Pair, tmp_path: Path) -> None:
    """A word is sealed, opened elsewhere by age, and the right answer is what a check needs; the word is not kept."""
    gk("key", "add", pair.public, "-V", "local:photos")
    file = tmp_path / "challenge.age"
    assert gk("key", "check", "--answer", "x", "-V", "photos").exit_code == Exit.CREDENTIALS
    assert gk("key", "check", "--challenge", file, "-V", "photos").exit_code == 0
    word = age_opens(file.read_bytes(), pair.file).decode().strip()
    assert word.encode() not in gk.home.joinpath("catalog.db").read_bytes()
    again = gk("key", "check", "--challenge", file, "-V", "photos")
    assert again.exit_code == Exit.FAILED
    assert gk("key", "check", "--answer", "0" * 16, "-V", "photos").exit_code == Exit.CREDENTIALS
    assert _vault(gk)["checked_at"] is None
    assert gk("key", "check", "--answer", "-", "-V", "photos", input=f" {word.upper()}\n").exit_code == 0
    assert _vault(gk)["checked_at"]
    assert gk("key", "check", "--answer", word, "-V", "photos").exit_code == Exit.CREDENTIALS


def test_a_challenge_on_standard_output(gk: Gk, pair: Pair) -> None:
    """--challenge - prints lines of text that age opens; as JSON there is none."""
    gk("key", "add", pair.public, "-V", "local:photos")
    printed = gk("key", "check", "--challenge", "-", "-V", "photos").stdout
    word = age_opens(printed.encode(), pair.file).decode()
    assert gk("key", "check", "--answer", word, "-V", "photos").exit_code == 0
    assert gk("key", "check", "--challenge", "-", "-V", "photos", "--json").exit_code == Exit.USAGE


def test_list_tells_everything_but_secrets(gk: Gk, made: Pair, pair: Pair) -> None:
    """gk key list names recipients and identities, what opens what, and files that others may read."""
    gk("key", "add", "main", pair.public)
    made.file.chmod(0o644)
    result = gk("key", "list")
    assert made.public in result.stdout
    assert pair.public in result.stdout
    assert f"chmod 600 {made.file}" in result.stderr
    vault = _vault(gk)
    assert vault["opens"] is True
    assert [one["place"] for one in vault["recipients"]] == [str(made.file), None]
    made.file.unlink()
    assert "cannot be read" in gk("key", "list").stderr
    assert not SECRET.search(_said(result))


def test_list_of_nothing(gk: Gk) -> None:
    """Without keys the list says how to come by some, and as JSON is empty."""
    assert "gk key create" in gk("key", "list").stdout
    assert gk("key", "list", "--json").stdout == ""


def test_export_guards_the_secret(gk: Gk, made: Pair, tmp_path: Path) -> None:
    """A sheet goes to a new private file, or out with --yes or at a terminal; never into JSON or over a file."""
    assert gk("key", "export").exit_code == Exit.FAILED
    assert gk("key", "export", "--json").exit_code == Exit.USAGE
    sheet = tmp_path / "sheet.txt"
    written = gk("key", "export", "main", "--to", sheet, "--json")
    assert written.the("sheet-written")["file"] == str(sheet)
    assert not SECRET.search(_said(written))
    assert "AGE-SECRET-KEY" not in _said(written)
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    before = sheet.read_bytes()
    assert gk("key", "export", "main", "--to", sheet).exit_code == Exit.FAILED
    assert sheet.read_bytes() == before
    for shown in (gk("key", "export", "--yes"), gk("key", "export", tty=True)):
        assert all(line in shown.stdout for line in typed_lines(made.secret))
        assert "whoever sees it" in _said(shown)


def test_export_names_the_vaults(gk: Gk, made: Pair, tmp_path: Path) -> None:
    """The sheet says which vaults are sealed to the key, in text and in HTML."""
    gk("key", "add", "main")
    page = tmp_path / "sheet.html"
    assert gk("key", "export", "--html", "--to", page).exit_code == 0
    assert "<svg" in page.read_text()
    for text in (gk("key", "export", "--yes").stdout, page.read_text()):
        assert "local:photos" in text
        assert made.public in text


def test_export_of_what_is_not_there(gk: Gk, made: Pair, tmp_path: Path) -> None:
    """Without a key, with several unnamed ones, an unknown name or an SSH key, there is no sheet, and a reason."""
    assert (
        gk("key", "export", "--yes", env={"GK_HOME": str(tmp_path / "empty")}).exit_code == Exit.CREDENTIALS
    )
    unknown = gk("key", "export", "other", "--to", tmp_path / "x", "--json")
    assert (unknown.exit_code, unknown.objects[-1]["code"]) == (Exit.FAILED, "no-such-key")
    gk("key", "create", "--name", "two", "--yes")
    several = gk("key", "export", "--yes")
    assert several.exit_code == Exit.USAGE
    assert "main, two" in several.stderr
    ssh = make_pair(tmp_path, "ssh-ed25519")
    refused = gk("key", "export", ssh.file.stem, "--yes", env={"GK_KEYS_IDENTITY_FILES": str(ssh.file)})
    assert refused.exit_code == Exit.FAILED
    assert "SSH key" in refused.stderr


def test_a_sheet_is_typed_back(gk: Gk, made: Pair, tmp_path: Path) -> None:
    """What is typed from the sheet is compared with its checks, and opens what the vaults are sealed to."""
    gk("key", "add", "main")
    sheet = gk("key", "export", "--yes").stdout
    made.file.unlink()
    lines = "\n".join(line for line in sheet.splitlines() if " = " in line)
    right = gk("key", "check", "--sheet", "-", "--json", input=lines)
    assert right.exit_code == 0
    assert right.the("sheet-read")["public"] == made.public
    assert right.the("keys-checked")["vault"] == "local:photos"
    typed = tmp_path / "typed"
    typed.write_text(lines.replace("AGE-SECRET-KEY-1", "AGE-SECRET-KEY-l"))
    wrong = gk("key", "check", "--sheet", typed)
    assert wrong.exit_code == Exit.MISMATCH
    assert "line 1 of the sheet" in wrong.stderr
    assert gk("key", "check", "--sheet", "-", input="nothing").exit_code == Exit.MISMATCH
    assert gk("key", "check", "--sheet", "-", input=b"\xff\xfe nothing").exit_code == Exit.MISMATCH
    mistyped = made.public.replace("age1", "AGE-SECRET-KEY-1")
    assert gk("key", "check", "--sheet", "-", input=mistyped).exit_code == Exit.MISMATCH


def test_the_sheet_of_another_key(gk: Gk, made: Pair) -> None:
    """A sheet that is right but opens no vault is exit code 13; where no vault is sealed, being right is enough."""
    sheet = gk("key", "export", "--yes").stdout
    assert gk("key", "check", "--sheet", "-", input=sheet).exit_code == 0
    gk("key", "create", "--name", "two", "--yes")
    gk("key", "add", "two")
    assert gk("key", "check", "--sheet", "-", input=sheet).exit_code == Exit.CREDENTIALS


def test_a_secret_in_the_words_is_not_in_a_bug_report(gk: Gk, made: Pair) -> None:
    """The report of a bug holds no secret key, even if one was among the words of the command."""
    from glacierkeep.cli.report import report_of, without_secrets

    report = without_secrets(
        report_of(ValueError(made.secret), ["key", "add", made.secret.lower()]), os.environ
    )
    assert "<secret key>" in report
    assert not SECRET.search(report)


def _vault(gk: Gk) -> dict[str, object]:
    [found] = [one for one in gk("key", "list", "--json").objects if one["type"] == "vault-keys"]
    return found
