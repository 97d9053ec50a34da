"""Files that are replaced as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from citygraph.saving import replace_text, replacement


def test_a_file_is_replaced_when_it_is_whole(tmp_path: Path) -> None:
    """Folders are made, line ends are kept, and a link stays a link."""
    path, link = tmp_path / "a" / "b.txt", tmp_path / "link"
    replace_text(path, "one\r\n")
    link.symlink_to(path)
    replace_text(link, "two\r\n")
    assert link.is_symlink()
    assert path.read_bytes() == b"two\r\n"
    assert [one.name for one in path.parent.iterdir()] == ["b.txt"]


def test_after_an_error_the_old_file_is_there(tmp_path: Path) -> None:
    """And nothing beside it."""
    path = tmp_path / "b.txt"
    path.write_text("old")
    with pytest.raises(TypeError), replacement(path) as file:
        file.writelines(["new" * 100_000, 1])  # type: ignore[list-item]
    with pytest.raises(UnicodeEncodeError):
        replace_text(path, "\ud800")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("b.txt", "old")]


def test_after_a_kill_the_old_file_is_there(tmp_path: Path) -> None:
    """However much was written before."""
    path = tmp_path / "b.txt"
    path.write_text("old")
    code = (
        "import os, signal, sys; from pathlib import Path; from citygraph.saving import replacement\n"
        "with replacement(Path(sys.argv[1])) as file:\n"
        "    file.write('new' * 100_000); file.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_a_device_is_written_to(tmp_path: Path) -> None:
    """It cannot be replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["/bin/cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        replace_text(pipe, "text")
        assert reader.stdout is not None
        assert reader.stdout.read() == "text"
    assert pipe.is_fifo()
