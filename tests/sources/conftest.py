"""Mail on the disk, as other programs leave it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pop3s_fake.maildrop import UpdateResult
    from pop3s_fake.sources import Loaded

    Write = Callable[[dict[str, bytes]], Path]
    Delete = Callable[..., UpdateResult]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files by their names below the test's folder, and give that folder."""

    def write(files: dict[str, bytes]) -> Path:
        for name, octets in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(octets)
        return tmp_path

    return write


@pytest.fixture
def delete() -> Delete:
    """Delete messages by their numbers in a session of its own, and end it with UPDATE."""

    def delete(loaded: Loaded, *numbers: int) -> UpdateResult:
        session = loaded.maildrop.open("session")
        assert all(session.mark(number) for number in numbers)
        result = session.update()
        session.close()
        return result

    return delete
