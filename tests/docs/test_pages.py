"""The pages agree with the program, and with each other."""

import json
import re
import runpy
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
import jsonschema
import pytest

from glacierkeep.catalog.schema_work import whole
from glacierkeep.cli.main import root
from glacierkeep.config import keys
from glacierkeep.domain import description, manifest
from glacierkeep.errors import Exit, GlacierkeepError
from glacierkeep.local.faults import rules as rules_of_faults

if TYPE_CHECKING:
    from conftest import Docs

_LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)\s]+)\)")
_ENDS = {"|", "||", "&&", ";", ";;", ")", "<", ">", "&"}
_TEST = re.compile(r"`(?P<file>(?:\w+/)+test_\w+\.py)?::(?P<name>test_\w+)`")


def test_every_command_and_option_is_on_the_page_of_commands(docs: "Docs") -> None:
    """reference/commands.md is what the commands say of themselves today."""
    page = runpy.run_path(str(docs.root / "docs/reference/generate.py"))["page"]()
    assert docs.read("docs/reference/commands.md") == page, "run: python docs/reference/generate.py"


def test_every_link_leads_somewhere(docs: "Docs") -> None:
    """A link to a file of the repository, and to a heading in it, finds it."""
    broken = []
    for page in docs.pages():
        for found in _LINK.finditer(without_code(page.read_text("utf-8"))):
            path, _, heading = found["target"].partition("#")
            if "://" in found["target"]:
                continue
            target = (page.parent / path).resolve() if path else page
            if not target.is_file() or (heading and heading not in headings(target.read_text("utf-8"))):
                broken.append(f"{page.relative_to(docs.root)}: {found['target']}")
    assert not broken


def test_every_page_can_be_found(docs: "Docs") -> None:
    """docs/index.md leads to every page of docs/."""
    index = docs.root / "docs/index.md"
    linked = {
        (index.parent / found["target"]).resolve() for found in _LINK.finditer(index.read_text("utf-8"))
    }
    assert {page for page in docs.pages() if index.parent in page.parents} - linked <= {index}


@pytest.mark.parametrize("page", ["README.md", "docs/reference/exit-codes.md"])
def test_exit_codes_are_those_of_the_program(docs: "Docs", page: str) -> None:
    """The table of exit codes has each code once, in order, and no other."""
    rows = re.findall(r"^\| (\d+) \| .+ \|$", docs.read(page), re.MULTILINE)
    assert [int(code) for code in rows] == sorted(Exit)


def test_configuration_has_every_key(docs: "Docs") -> None:
    """reference/configuration.md lists the keys of config.toml, and no other."""
    listed = re.findall(
        r"^\| `([a-zA-Z_.]+)` \| [^|]+ \| [^|]+ \|",
        docs.read("docs/reference/configuration.md"),
        re.MULTILINE,
    )
    plain = {keys.dotted(key) for key in keys.plain_keys()}
    assert sorted(listed) == sorted(plain | {f"vault.NAME.{key}" for key in keys.VAULT})


def test_the_page_of_faults_tells_of_every_kind(docs: "Docs") -> None:
    """how-to/order-faults.md has each kind of fault in its table, and examples there are rules."""
    cells = re.findall(r"^\| (`.+`) \| ", docs.read("docs/how-to/order-faults.md"), re.MULTILINE)
    rules = [rules_of_faults.parse(rule) for cell in cells for rule in re.findall(r"`([^`]+)`", cell)]
    assert [rule.kind for rule in rules] == list(rules_of_faults.Kind)


def test_the_page_of_the_catalog_tells_of_every_table(docs: "Docs") -> None:
    """reference/catalog.md names each table once, in bold, and no other."""
    section = docs.read("docs/reference/catalog.md").partition("## What is kept")[2]
    assert sorted(re.findall(r"\*\*(\w+)\*\*", section)) == sorted(whole.tables)


def test_every_error_code_is_on_the_page_of_json(docs: "Docs") -> None:
    """reference/json.md lists the code of every error of the errors module."""
    page = docs.read("docs/reference/json.md")
    missing = {kind.code for kind in kinds(GlacierkeepError) if f"| `{kind.code}` |" not in page}
    assert not missing


def test_every_gk_line_can_be_typed(docs: "Docs") -> None:
    """Each gk command in a fenced block has arguments and options that exist."""
    wrong, count = [], 0
    for page in docs.pages():
        for words in gk_commands(docs, page.read_text("utf-8")):
            count += 1
            try:
                parse(words)
            except click.UsageError as error:
                wrong.append(
                    f"{page.relative_to(docs.root)}: gk {shlex.join(words)}: {error.format_message()}"
                )
    assert not wrong
    assert count > 100


def test_the_first_command_names_its_vault(docs: "Docs") -> None:
    """The README's first command runs where there is no terminal: its upload names a local vault."""
    block = docs.read("README.md").partition("<!-- ci: first -->\n```sh\n")[2].partition("```")[0]
    assert block.count("\n") == 1
    assert re.fullmatch(r"pip install \. && gk upload .*-V local:\w+ docs && gk ls docs", block.strip())


def test_unreleased_changes_are_told(docs: "Docs") -> None:
    """CHANGELOG.md has an Unreleased section that says something."""
    section = re.split(r"^## ", docs.read("CHANGELOG.md"), flags=re.MULTILINE)[1]
    assert section.startswith("[Unreleased]")
    assert re.findall(r"^- `?\w", section, re.MULTILINE)


def test_tests_that_are_named_exist(docs: "Docs") -> None:
    """reference/acceptance.md names a test for each situation, and each one is there."""
    page, file, wrong = docs.read("docs/reference/acceptance.md"), "", []
    for row in re.findall(r"^\| (?!situation|---|promise).+$", page, re.MULTILINE):
        found = list(_TEST.finditer(row))
        if not found:
            wrong.append(f"no test: {row}")
        for test in found:
            file = test["file"] or file
            path = docs.root / "tests" / file
            if not path.is_file() or not re.search(rf"def {test['name']}\b", path.read_text("utf-8")):
                wrong.append(f"{file}::{test['name']}")
    assert not wrong


def test_json_lines_on_the_page_fit_the_schema(docs: "Docs") -> None:
    """Each line that reference/json.md shows is one the published schema knows."""
    schema = json.loads(docs.read("docs/reference/gk-1.schema.json"))
    lines = [line for step in docs.steps(docs.read("docs/reference/json.md")) for line in step.shown]
    assert len(lines) > 1
    for line in lines:
        jsonschema.validate(json.loads(line), schema)


def test_formats_on_the_page_can_be_read(docs: "Docs") -> None:
    """The description and manifest that reference/formats.md shows are ones gk writes, to the letter."""
    shown, *listed, _, sealed = docs.blocks(docs.read("docs/reference/formats.md"), "json")[:5]
    said = description.read(shown.strip())
    assert said is not None
    assert description.write(said) == shown.strip()
    [member] = manifest.read_members([manifest.first_line(1), listed[1].encode()])
    assert manifest.member_line(member) == listed[1].encode()
    assert listed[0].encode() == manifest.first_line(2)
    [segment], members = manifest.read_lines([*sealed.encode().splitlines(keepends=True), listed[1].encode()])
    assert sealed.encode() == manifest.first_line(1, 1) + manifest.segment_line(segment)
    assert len(list(members)) == 1


def without_code(text: str) -> str:
    """*text* without fenced blocks and code in lines."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def headings(text: str) -> set[str]:
    """The anchors of the headings in *text*."""
    lines = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def kinds(kind: type[GlacierkeepError]) -> Iterator[type[GlacierkeepError]]:
    """The errors of glacierkeep.errors below *kind*."""
    for inner in kind.__subclasses__():
        if inner.__module__ == "glacierkeep.errors":
            yield inner
        yield from kinds(inner)


def gk_commands(docs: "Docs", text: str) -> Iterator[list[str]]:
    """The words after `gk` of every command in the fenced blocks of *text*."""
    lines = [
        line for lang in ("sh", "crontab") for block in docs.blocks(text, lang) for line in block.splitlines()
    ]
    lines += [step.command for step in docs.steps(text)]
    for line in lines:
        if not re.search(r"\bgk ", line):
            continue
        reader = shlex.shlex(line, posix=True, punctuation_chars=True)
        reader.wordchars += "@:!%,{}[]$"
        words = list(reader)
        for at, word in enumerate(words):
            if word == "gk" and (at == 0 or words[at - 1] != "install"):
                stop = next((end for end in range(at, len(words)) if words[end] in _ENDS), len(words))
                yield words[at + 1 : stop]


def parse(words: list[str]) -> None:
    """Read *words* as gk would, without doing anything. Raises click.UsageError."""
    command: click.Command = root
    context = click.Context(root, info_name="gk", **root.context_settings)
    while True:
        _, rest, _ = command.make_parser(context).parse_args(list(words))
        if not isinstance(command, click.Group) or not rest:
            return
        inner = command.get_command(context, rest[0])
        if inner is None:
            raise click.UsageError(f"no command {rest[0]}")
        context, words, command = click.Context(inner, info_name=rest[0], parent=context), rest[1:], inner
