"""The recovery sheet: a secret key on paper, which somebody without gk can use, and which can be typed back."""

import base64
import binascii
import hashlib
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from glacierkeep.errors import Exit, GlacierkeepError
from glacierkeep.keys.identity import is_protected

WIDTH = 72

_HEAD = "AGE-SECRET-KEY-1"
_KEY_LENGTH = 74
_BEGIN, _END = "-----BEGIN AGE ENCRYPTED FILE-----", "-----END AGE ENCRYPTED FILE-----"
_LINE = re.compile(r"^\s*([0-9]{1,3})\s*:\s*(.*?)\s*=\s*([0-9A-Fa-f]{4})\s*$")
_WHOLE = re.compile(r"^\s*all\s*=\s*([0-9A-Fa-f]{8})\s*$", re.IGNORECASE)


class SheetMistyped(GlacierkeepError):
    """What was typed is not what the sheet shows."""

    exit = Exit.MISMATCH
    code = "sheet-mistyped"


@dataclass(frozen=True, slots=True, repr=False)
class Sheet:
    """What a recovery sheet is about. *secret*: an X25519 identity, or an armored age file that holds it and needs the
    passphrase as well. *vaults*: addresses of the vaults that are sealed to it. *date* in UTC."""

    name: str
    public: str | None
    secret: str
    vaults: Sequence[str]
    date: datetime


def as_text(sheet: Sheet) -> str:
    """The sheet as text: ASCII in 72 columns, and a QR code of blocks where it fits."""
    drawn = _blocks(sheet.secret)
    if max(map(len, drawn)) > WIDTH:
        code = ["The HTML sheet (--html) has the key as a QR code too."]
    else:
        code = ["The same key as a QR code:", "", *drawn]
    return "\n".join([*_body(sheet), "", *code, ""])


def as_html(sheet: Sheet) -> str:
    """The sheet as one HTML page to print, with a QR code that is drawn."""
    text = escape("\n".join(_body(sheet)))
    drawing = _code(sheet.secret).svg_inline(scale=4, border=4)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(_title(sheet))}</title>\n"
        "<style>body { background: white; color: black } pre { font-size: 10pt }\n"
        "@page { margin: 15mm }</style>\n</head>\n"
        f"<body>\n<pre>\n{text}\n</pre>\n<p>The same key as a QR code:</p>\n{drawing}\n</body>\n</html>\n"
    )


def typed_lines(secret: str) -> list[str]:
    """*secret* as lines that can be typed back: a number, groups, and four digits that check the line; then all."""
    rows = _rows(secret)
    digits = len(str(len(rows)))
    lines = [f"{at:>{digits}}: {row} = {_check(at, row)}" for at, row in enumerate(rows, start=1)]
    return [*lines, f"all = {_sum(rows)}"]


def read_typed(text: str) -> str:
    """The secret in *text*: lines typed from a sheet, a whole sheet, or the bare key. Raises SheetMistyped."""
    found = [match.groups() for line in text.splitlines() if (match := _LINE.match(line))]
    if not found:
        return _bare(text)
    upper = found[0][1].upper() == _HEAD
    rows = [row.upper() if upper else row for _, row, _ in found]
    wrong = [
        at for at, row, check in found if _check(int(at), row.upper() if upper else row) != check.upper()
    ]
    if wrong:
        raise SheetMistyped(
            f"not as printed: line {', '.join(wrong)} of the sheet",
            hint="compare it letter by letter; in keys protected by a passphrase, small and capital letters differ",
        )
    if [int(at) for at, _, _ in found] != list(range(1, len(found) + 1)):
        raise SheetMistyped("a line of the sheet is missing, or they are not in order")
    if [match[1].upper() for line in text.splitlines() if (match := _WHOLE.match(line))] != [_sum(rows)]:
        raise SheetMistyped("the line that begins with `all` is missing, or not as printed")
    return "".join(_squeezed(rows)) if upper else armored(_decoded(_squeezed(rows)))


def armored(content: bytes) -> str:
    """The binary age file *content* as lines of text."""
    body = base64.b64encode(content).decode("ascii")
    return "\n".join([_BEGIN, *textwrap.wrap(body, 64), _END, ""])


def _bare(text: str) -> str:
    """The key without the numbers and checks of the lines."""
    squeezed = "".join(text.split()).upper()
    if squeezed.startswith(_HEAD) and len(squeezed) == _KEY_LENGTH:
        return squeezed
    if is_protected(text.encode("utf-8", "replace")):
        return text.strip() + "\n"
    raise SheetMistyped(
        "there is no key of a recovery sheet in what was typed",
        hint="type the numbered lines as they stand, and the line that begins with `all`",
    )


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise SheetMistyped("what was typed is no key") from error


def _rows(secret: str) -> list[str]:
    if not is_protected(secret.encode("ascii")):
        return [_HEAD, *_grouped(secret.removeprefix(_HEAD), group=4, line=20)]
    return list(_grouped("".join(secret.split("\n")[1:-2]), group=8, line=48))


def _grouped(text: str, *, group: int, line: int) -> Iterator[str]:
    for start in range(0, len(text), line):
        row = text[start : start + line]
        yield " ".join(row[at : at + group] for at in range(0, len(row), group))


def _check(at: int, row: str) -> str:
    return _digest(f"{at}:{_squeezed([row])}")[:4]


def _sum(rows: Sequence[str]) -> str:
    return _digest(_squeezed(rows))[:8]


def _squeezed(rows: Sequence[str]) -> str:
    return "".join("".join(row.split()) for row in rows)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest().upper()


def _title(sheet: Sheet) -> str:
    return f"glacierkeep recovery sheet: the secret key {_ascii(sheet.name)}"


def _body(sheet: Sheet) -> list[str]:
    vaults = [f"    {_ascii(vault)}" for vault in sheet.vaults] or ["    none when this was printed"]
    return [
        _title(sheet),
        "=" * min(WIDTH, len(_title(sheet))),
        "",
        f"Printed {sheet.date:%Y-%m-%d} (UTC).",
        "",
        *_wrapped(_WHAT),
        "",
        "Vaults whose new archives are sealed to it:",
        *vaults,
        "Its public key, which is not secret:",
        f"    {sheet.public or 'not known without the passphrase'}",
        "",
        *_wrapped(_PROTECTED if is_protected(sheet.secret.encode("ascii")) else _OPEN),
        "",
        *(f"    {line}" for line in typed_lines(sheet.secret)),
        "",
        *_wrapped(_CHECKS),
        "",
        *_manual(sheet),
    ]


_WHAT = """\
Archives that are sealed to this key are encrypted, in the format of age (https://age-encryption.org). Only this secret
key opens them, and those of others to whom they were sealed as well. Whoever has it can read them; if every copy of it
is lost, nobody can help. Keep this sheet where the computer is not, show it to nobody, and keep it as long as there is
such an archive, even if new ones are sealed to other keys."""
_OPEN = "The secret key, in lines to type back:"
_PROTECTED = """\
The secret key, PROTECTED BY A PASSPHRASE that is not on this sheet: without the passphrase the sheet is worth nothing.
In lines to type back, where small and capital letters differ:"""
_CHECKS = """\
The number before a line, the blanks, and the digits from the = sign on are no part of the key. The digits are the
beginning of the SHA-256 of `NUMBER:LINE` without blanks, and in the last line of the whole key, so that a mistake in
typing is found. With glacierkeep, `gk key check --sheet -` reads the lines and says whether they are right."""


def _manual(sheet: Sheet) -> list[str]:
    protected = is_protected(sheet.secret.encode("ascii"))
    if protected:
        joined = f"in lines of 64 characters, after a line {_BEGIN} and before a line {_END}"
    else:
        joined = "on one line, without blanks"
    return [
        *_wrapped(
            f"To open an archive without glacierkeep, write the key to a file key.txt, {joined}. An archive is a tar of"
            " numbered pieces, which together are a tar of your files:"
        ),
        "",
        "    tar -xf ARCHIVE",
        "    for piece in *.age; do",
        "        age -d -i key.txt $piece > opened",
        "        case $piece in *.zst.age) zstd -dc opened;; *) cat opened;; esac",
        "    done > files.tar",
        "    tar -xf files.tar",
    ]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_on_hyphens=False)


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _code(secret: str) -> Any:
    """The QR code: with more room for damage where there is little to say."""
    import segno

    return segno.make(secret, error="l" if is_protected(secret.encode("ascii")) else "q", micro=False)


def _blocks(secret: str) -> list[str]:
    """The QR code, dark on light paper, two rows of it in a line of text."""
    rows = [list(row) for row in _code(secret).matrix_iter(border=2)]
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    pairs = zip(rows[::2], rows[1::2], strict=True)
    lines = [
        "".join(" ▄▀█"[bool(upper) * 2 + bool(lower)] for upper, lower in zip(*pair, strict=True))
        for pair in pairs
    ]
    return [line.rstrip() for line in lines]
