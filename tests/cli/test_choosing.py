from glacierkeep.errors import Exit


def _config(gk, text: str) -> None:
    gk.home.mkdir(exist_ok=True)
    gk.home.joinpath("config.toml").write_text(text)


def test_cron_without_a_vault_is_told(gk) -> None:
    """Without a terminal and without a vault there is nothing to guess: exit 10, and how to name one."""
    result = gk("vault", "show")
    assert result.exit_code == Exit.NO_VAULT
    assert "GK_VAULT" in result.stderr


def test_a_person_without_a_vault_gets_the_local_one(gk) -> None:
    """At a terminal local:default is used, gk says so, and it is not written into the configuration."""
    gk("vault", "create", "local:default")
    gk("vault", "delete", "local:default", "--yes")
    shown = gk("vault", "show", tty=True).stdout
    assert "no vault is named: using local:default" in shown


def test_order_of_precedence(gk) -> None:
    """-V beats GK_VAULT, which beats default_vault."""
    _config(gk, 'default_vault = "local:file"\n')

    def chosen(*args: str, **env: str) -> str:
        return gk("vault", "show", *args, env=env).stderr

    assert "local:file" in chosen()
    assert "local:env" in chosen(GK_VAULT="local:env")
    assert "local:option" in chosen("-V", "local:option", GK_VAULT="local:env")


def test_the_first_vault_named_becomes_the_default(gk) -> None:
    """A vault named with -V by a command that succeeded is the default from then on; gk says so once."""
    gk("vault", "create", "local:a")
    gk.home.joinpath("config.toml").unlink()
    first = gk("-V", "local:a", "vault", "show")
    second = gk("-V", "local:a", "vault", "show")
    assert "local:a is the default vault from now on" in first.stderr
    assert second.stderr == ""
    assert gk("vault", "show", "--json").objects[0]["address"] == "local:a"


def test_a_vault_of_the_environment_does_not_become_the_default(gk) -> None:
    """GK_VAULT is for where it is set; the configuration stays as it is."""
    gk("vault", "create", "local:a")
    gk.home.joinpath("config.toml").unlink()
    assert gk("vault", "show", env={"GK_VAULT": "local:a"}).stderr == ""
    assert not gk.home.joinpath("config.toml").exists()


def test_a_configuration_that_cannot_be_written_does_not_fail_the_command(gk) -> None:
    """That the default could not be noted is said; what was asked for is done all the same."""
    gk("vault", "create", "local:a")
    file = gk.home / "config.toml"
    file.unlink()
    file.symlink_to(gk.home / "nowhere" / "config.toml")
    result = gk("-V", "local:a", "vault", "show")
    assert result.exit_code == 0
    assert "could not be made the default" in result.stderr


def test_a_default_that_is_not_configured_says_who_named_it(gk) -> None:
    """A dangling default_vault, or GK_VAULT, is named as the one to blame."""
    _config(gk, 'default_vault = "gone"\n')
    assert "default_vault: no vault is named gone" in gk("vault", "show").stderr
    assert "GK_VAULT: no vault is named lost" in gk("vault", "show", env={"GK_VAULT": "lost"}).stderr


def test_a_profile_overlays_the_configuration(gk) -> None:
    """-P takes the values of its table where it has them."""
    _config(gk, 'default_vault = "local:home"\n[profile.work]\ndefault_vault = "local:work"\n')
    assert "local:home" in gk("vault", "show").stderr
    assert "local:work" in gk("vault", "show", "-P", "work").stderr
    assert "local:work" in gk("vault", "show", env={"GK_PROFILE": "work"}).stderr
    unknown = gk("vault", "show", "-P", "play")
    assert unknown.exit_code == Exit.NO_VAULT
    assert "there is work" in unknown.stderr


def test_quiet_says_only_what_is_wrong(gk) -> None:
    """-q silences notes, not errors."""
    assert gk("vault", "create", "local:a", "-q").stderr == ""
    assert gk("vault", "use", "nope", "-q").stderr != ""
