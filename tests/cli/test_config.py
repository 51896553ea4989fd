from glacierkeep.domain.limits import MIB
from glacierkeep.errors import Exit


def _config(gk, text: str) -> None:
    gk.home.mkdir(exist_ok=True)
    gk.home.joinpath("config.toml").write_text(text)


def _shown(gk, *args: str, **env: str) -> dict[str, tuple[object, str, str]]:
    objects = gk("config", "show", "--json", *args, env=env).objects
    settings = [one for one in objects if one["type"] == "setting"]
    return {one["key"]: (one["value"], one["origin"], one["where"]) for one in settings}


def test_show_tells_where_each_value_came_from(gk) -> None:
    """Option over environment over file over default, each with its origin: file and line, variable, option."""
    _config(gk, '# mine\ndefault_vault = "a"\n\n[vault.a]\nurl = "local:a"\n[upload]\nexclude = ["x y"]\n')
    shown = _shown(gk, GK_UPLOAD_JOBS="7")
    file = str(gk.home / "config.toml")
    assert shown["default_vault"] == ("a", "file", f"{file}:2")
    assert shown["vault.a.url"] == ("local:a", "file", f"{file}:5")
    assert shown["upload.exclude"] == (["x y"], "file", f"{file}:7")
    assert shown["upload.jobs"] == (7, "environment", "GK_UPLOAD_JOBS")
    assert shown["budget.month"] == (None, "default", "")
    assert _shown(gk, "-V", "local:b")["default_vault"] == ("local:b", "option", "--vault")


def test_show_for_people(gk) -> None:
    """A table of keys and values; with --origin, where they came from."""
    _config(
        gk, '[vault.a]\nurl = "local:a"\nbundle_size = "64MiB"\n[catalog]\nurl = "sqlite://u:hunter2@/x"\n'
    )
    plain = gk("config", "show").stdout
    assert "ORIGIN" not in plain
    assert "hunter2" not in plain
    lines = [line.split() for line in plain.splitlines()]
    assert ["vault.a.bundle_size", "64MiB"] in lines
    assert "config.toml:3" in gk("config", "show", "--origin").stdout


def test_show_tells_what_memory_sending_takes(gk) -> None:
    """Below the settings, and only where all are shown, stands the bound of memory that follows from them."""
    most = 5 * 4 * MIB + 4 * MIB
    told = "\n\nSending holds at most 24MiB of archives in memory (4 jobs), whatever their size.\n"
    assert gk("config", "show").stdout.endswith(told)
    assert gk("config", "show", "--json").the("sending-memory")["most"] == most
    gk("config", "set", "upload.jobs", "2")
    told = gk("config", "show", "--json").the("sending-memory")
    assert (told["jobs"], told["most"]) == (2, 3 * 4 * MIB + 2 * MIB)
    assert "Sending" not in gk("config", "show", "upload.jobs").stdout


def test_show_of_a_key_that_does_not_exist(gk) -> None:
    """A key that is asked for and does not exist is an error with a suggestion."""
    result = gk("config", "show", "upload.job")
    assert result.exit_code == Exit.NO_VAULT
    assert "did you mean jobs?" in result.stderr


def test_set_then_show(gk) -> None:
    """What was set is in force in the next command."""
    assert gk("config", "set", "budget.month", "5.00").exit_code == 0
    assert gk("config", "show", "budget.month").stdout.split() == ["KEY", "VALUE", "budget.month", "5.00"]


def test_set_is_silent(gk) -> None:
    """Nothing is said of what went well."""
    result = gk("config", "set", "upload.jobs", "3")
    assert (result.stdout, result.stderr) == ("", "")


def test_set_refuses_and_leaves_the_file(gk) -> None:
    """A value that cannot be is refused, and the file is as it was."""
    _config(gk, "[upload]\njobs = 3 # three\n")
    assert gk("config", "set", "upload.jobs", "many").exit_code == Exit.NO_VAULT
    assert gk("config", "set", "nothing.here", "1").exit_code == Exit.NO_VAULT
    assert gk.home.joinpath("config.toml").read_text() == "[upload]\njobs = 3 # three\n"


def test_path(gk) -> None:
    """`gk config path` is one line for scripts, whatever state the file is in."""
    _config(gk, "this is not toml")
    assert gk("config", "path").stdout == f"{gk.home}/config.toml\n"


def test_validate(gk) -> None:
    """A valid file is exit 0; a fault is exit 10 and names file and line."""
    _config(gk, '[vault.a]\nurl = "local:a"\n')
    assert gk("config", "validate").exit_code == 0
    assert "is valid" in gk("config", "validate", tty=True).stdout
    _config(gk, '[vault.a]\nurl = "local:a"\n\ntieer = "Bulk"\n')
    wrong = gk("config", "validate")
    assert wrong.exit_code == Exit.NO_VAULT
    assert f"{gk.home}/config.toml, line 4: unknown key vault.a.tieer" in wrong.stderr
    assert "did you mean tier?" in wrong.stderr


def test_a_fault_stops_every_command_that_reads_the_file(gk) -> None:
    """No command guesses at a configuration with a fault in it."""
    _config(gk, "default_vault = 7\n")
    for command in (("vault", "list"), ("config", "show"), ("vault", "show", "local:x")):
        assert gk(*command).exit_code == Exit.NO_VAULT
