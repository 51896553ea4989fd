"""Where things live on this system."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from glacierkeep.config.atomic import sync_folder
from glacierkeep.errors import ConfigError

_APP = "glacierkeep"


@dataclass(frozen=True, slots=True)
class Homes:
    """Absolute paths; none of them need exist. *machine* is the file with this machine's id,
    *keys* the folder where new identities go."""

    config_file: Path
    catalog: Path
    local: Path
    staging: Path
    log: Path
    machine: Path
    keys: Path


def find_homes(environment: Mapping[str, str]) -> Homes:
    """The homes under `GK_HOME`, or each in the place this system has for its kind. Raises ConfigError."""
    home = environment.get("GK_HOME")
    if home:
        return _together(_absolute(home))
    return _apart()


def make_private(folder: Path) -> Path:
    """*folder*, made with mode 0700 and on the disk if it was absent (an existing one is left as it is)."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in made:
        with suppress(PermissionError):  # a folder that can be written to need not be readable
            sync_folder(each.parent)
    return folder


def _absolute(home: str) -> Path:
    if "\0" in home:
        raise ConfigError("GK_HOME holds a NUL byte")
    return Path(os.path.abspath(os.path.expanduser(home)))


def _together(home: Path) -> Homes:
    return Homes(
        config_file=home / "config.toml",
        catalog=home / "catalog.db",
        local=home / "local",
        staging=home / "staging",
        log=home / "log",
        machine=home / "machine",
        keys=home / "keys",
    )


def _apart() -> Homes:
    import platformdirs

    data = platformdirs.user_data_path(_APP, appauthor=False)
    state = platformdirs.user_state_path(_APP, appauthor=False)
    config = platformdirs.user_config_path(_APP, appauthor=False)
    return Homes(
        config_file=config / "config.toml",
        catalog=data / "catalog.db",
        local=data / "local",
        # Big, and can be made anew from the files it was made of: what backups leave out.
        staging=platformdirs.user_cache_path(_APP, appauthor=False) / "staging",
        log=state / "log",
        machine=state / "machine",
        keys=config / "keys",
    )
