from __future__ import annotations

import os
import subprocess
import sys

import pytest

from USDICOMizerLib.files import is_inside, lock, make_private_folder, open_private, remove_abandoned_parts, written_whole

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX rights")


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    with written_whole(tmp_path / "a", replace=False) as stream:
        stream.write(b"1")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").read_bytes() == b"1"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / "a", replace=False):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_another_process_wrote_meanwhile_is_not_replaced(tmp_path):
    with pytest.raises(FileExistsError), written_whole(tmp_path / "a", replace=False) as stream:
        stream.write(b"mine")
        (tmp_path / "a").write_bytes(b"theirs")
    assert (tmp_path / "a").read_bytes() == b"theirs"


def test_parts_of_killed_runs_are_removed_and_those_of_running_ones_stay(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from USDICOMizerLib.files import written_whole\n"
        "with written_whole(Path(sys.argv[1]) / 'x', replace=False): print('writing', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE)
    assert process.stdout.readline()
    remove_abandoned_parts(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1, "it is being written"
    process.kill()
    process.wait()
    remove_abandoned_parts(tmp_path)
    assert list(tmp_path.iterdir()) == []


@posix
def test_private_things_are_their_owners_only(tmp_path):
    folder = make_private_folder(tmp_path / "private")
    with open_private(folder / "table.csv", "a") as stream:
        stream.write("x")
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "table.csv").stat().st_mode & 0o077 == 0


def test_a_lock_is_held_by_one_at_a_time(tmp_path):
    with (tmp_path / "a").open("w") as first, (tmp_path / "a").open("a") as second:
        assert lock(first, wait=False)
        assert not lock(second, wait=False)
    with (tmp_path / "a").open("a") as third:
        assert lock(third, wait=False)


def test_a_link_into_a_folder_is_inside_of_it(tmp_path):
    (tmp_path / "real").mkdir()
    assert is_inside(tmp_path / "real" / "x", tmp_path / "real")
    assert not is_inside(tmp_path / "really", tmp_path / "real")
    if os.name == "posix":
        (tmp_path / "link").symlink_to(tmp_path / "real")
        assert is_inside(tmp_path / "link" / "x", tmp_path / "real")
