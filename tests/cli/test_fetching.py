"""How what is ready is fetched, as said on the command line and in the configuration."""

from pathlib import Path

import pytest

from glacierkeep.errors import Exit
from support.runner import Gk


def test_jobs_of_retrieve_and_poll(gk: Gk, tmp_path: Path) -> None:
    """--jobs and retrieve.jobs are taken, from 1 to 64, and files come back with each."""
    root = tmp_path / "photos"
    root.mkdir()
    (root / "a.jpg").write_bytes(b"a picture")
    assert gk("upload", root, "-V", "local:photos").exit_code == Exit.DONE
    assert gk("config", "set", "retrieve.jobs", "2").exit_code == Exit.DONE
    for number, words in enumerate([(), ("--jobs", "1"), ("--jobs", "64")]):
        back = tmp_path / f"back-{number}"
        assert gk("retrieve", "photos", "-V", "local:photos", "--to", back, *words).exit_code == Exit.DONE
        assert (back / "photos" / "a.jpg").read_bytes() == b"a picture"
        assert gk("poll", *words).exit_code == Exit.DONE


@pytest.mark.parametrize("jobs", ["0", "65", "many"])
def test_jobs_that_cannot_be(gk: Gk, jobs: str) -> None:
    """Any other number is wrong usage, and no setting."""
    assert gk("retrieve", "photos", "--jobs", jobs).exit_code == Exit.USAGE
    assert gk("poll", "--jobs", jobs).exit_code == Exit.USAGE
    assert gk("config", "set", "retrieve.jobs", jobs).exit_code == Exit.NO_VAULT
