from __future__ import annotations

import json
import logging

from USDICOMizerLib.logs import collected, log, pass_on, set_up_logging


def lines(folder):
    return [json.loads(line) for line in (folder / "usdicomizer.log").read_text().splitlines()]


def test_a_line_is_a_json_object_with_its_facts(tmp_path):
    set_up_logging(tmp_path / "logs", "INFO")
    log("instance ended", exam="E-1", instance=3)
    log("too fine", level=logging.DEBUG)
    (line,) = lines(tmp_path / "logs")
    assert line["event"] == "instance ended"
    assert (line["exam"], line["instance"], line["level"]) == ("E-1", 3, "INFO")


def test_of_an_error_the_class_and_the_place_are_logged_but_not_its_words(tmp_path):
    set_up_logging(tmp_path / "logs", "DEBUG")
    try:
        raise ValueError("DOE^JANE is no valid name")
    except ValueError as error:
        log("instance failed", error=error)
    assert "DOE" not in (tmp_path / "logs" / "usdicomizer.log").read_text()
    (line,) = lines(tmp_path / "logs")
    assert line["error"] == "ValueError"
    assert line["at"][-1].startswith("test_logs.py:")


def test_the_log_follows_the_settings_last_read(tmp_path):
    set_up_logging(tmp_path / "one", "INFO")
    set_up_logging(tmp_path / "two", "INFO")
    log("x")
    assert not (tmp_path / "one" / "usdicomizer.log").exists()
    assert len(lines(tmp_path / "two")) == 1


def test_lines_that_another_process_collected_are_passed_on_as_they_are(tmp_path):
    with collected() as there:
        log("instance ended", exam="E-1", instance=3)
        log("too fine", level=logging.DEBUG)
    assert len(there) == 2
    set_up_logging(tmp_path / "logs", "INFO")
    pass_on(there)
    (line,) = lines(tmp_path / "logs")
    assert line == json.loads(there[0][1])
