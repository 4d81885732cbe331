"""Records as dictionaries and JSON, and with one object for equal values."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import pytest

from USDICOMizerLib.export_job import ExamResult, InstanceResult
from USDICOMizerLib.outcomes import Outcome
from USDICOMizerLib.records import Sharing, as_json, shallow


@dataclass(frozen=True, slots=True)
class Inner:
    number: int


@dataclass(frozen=True)
class Outer:
    inner: tuple[Inner, ...]
    outcome: Outcome


def test_a_record_is_the_same_json_as_its_whole_copy():
    outer = Outer((Inner(1), Inner(2)), Outcome.PREPARED)
    assert as_json({"all": [outer]}) == json.dumps({"all": [asdict(outer)]})
    assert shallow(outer)["inner"] is outer.inner


def test_what_is_no_record_is_no_json():
    with pytest.raises(TypeError):
        as_json({1, 2})


def test_results_of_many_instances_share_what_is_equal():
    def result(number: int) -> InstanceResult:
        words = " ".join(["cut", "out"])
        return InstanceResult(number, Outcome.PREPARED, file=f"{number}.dcm", how=words, actions={"kept": 3}, warnings=(words,))

    sharing = Sharing()
    before = [ExamResult(f"E-{number}", "S-1", None, (result(number),)) for number in (1, 2)]
    one, two = (exam.shared(sharing) for exam in before)
    assert [one, two] == before
    for name in ("how", "actions", "warnings"):
        assert getattr(one.instances[0], name) is getattr(two.instances[0], name)
    assert InstanceResult(3, Outcome.PREPARED).shared(sharing) == InstanceResult(3, Outcome.PREPARED)
