"""dataset.json: who is in which part, and that no subject is ever in two."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from USDICOMizerLib.archive import MANIFEST_COLUMNS, ManifestRow
from USDICOMizerLib.dataset import Label, Split, SplitChoice, divide, make_dataset, read_previous
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exports import ExportedExam

FEATURES = st.dictionaries(
    st.text("ABCDEF0123456789", min_size=4, max_size=8),
    st.frozensets(st.sampled_from(["device A", "device B", "site CFV", "site PV", "site FV"]), min_size=1),
    max_size=40,
)
RATIOS = st.sampled_from([(70, 15, 15), (80, 20, 0), (34, 33, 33), (100, 0, 0), (0, 50, 50)])


def row(**values) -> ManifestRow:
    known = dict.fromkeys(MANIFEST_COLUMNS, "") | {"rows": 8, "columns": 9, "frames": 3, "reviewed": "no"}
    return ManifestRow(**known | values)


def exam(number: int, *rows: ManifestRow, subject: str = "") -> ExportedExam:
    return ExportedExam(Path(f"exports/S-{number}_E-{number}.zip"), f"E-{number}", subject or f"S-{number}", rows)


@settings(deadline=None)
@given(FEATURES, RATIOS, st.integers(0, 5), st.randoms())
def test_each_subject_is_in_one_part_whatever_the_order_of_the_input(features, ratios, seed, random):
    choice = SplitChoice(ratios, seed)
    made = divide(features, choice)
    assert made.keys() == features.keys()
    shuffled = list(features.items())
    random.shuffle(shuffled)
    assert divide(dict(shuffled), choice) == made
    assert not {split for split, ratio in zip(Split, ratios, strict=True) if not ratio} & set(made.values())


@pytest.mark.parametrize("seed", range(5))
def test_the_parts_have_the_devices_and_sites_alike(seed):
    features = {
        f"S-{number}": frozenset({f"device {'ABBB'[number % 4]}", f"site {('CFV', 'PV', 'FV')[number % 3]}"})
        for number in range(200)
    }
    made = divide(features, SplitChoice((70, 15, 15), seed))
    assert Counter(made.values()) == {Split.TRAINING: 140, Split.VALIDATION: 30, Split.TEST: 30}
    for feature in {feature for found in features.values() for feature in found}:
        counts = Counter(made[subject] for subject, found in features.items() if feature in found)
        total = sum(counts.values())
        for split, share in zip(Split, (0.7, 0.15, 0.15), strict=True):
            assert abs(counts[split] - share * total) <= 2, (feature, counts)


def test_another_seed_divides_otherwise():
    features = {f"S-{number}": frozenset({"device A"}) for number in range(60)}
    assert divide(features, SplitChoice(seed=1)) != divide(features, SplitChoice(seed=2))


@settings(deadline=None)
@given(FEATURES, FEATURES)
def test_subjects_of_an_earlier_list_stay_where_they_are(before, added):
    earlier = divide(before, SplitChoice())
    later = divide(before | added, SplitChoice(), earlier)
    assert {subject: later[subject] for subject in earlier} == earlier


@pytest.mark.parametrize("seed", range(3))
def test_a_subject_that_was_absent_for_a_while_comes_back_to_its_part(tmp_path, seed):
    everyone = [exam(number, row(file="1.dcm", site="CFV" if number % 2 else "PV")) for number in range(30)]
    path, choice, known = tmp_path / "dataset.json", SplitChoice(seed=seed), {}
    for there in (everyone[:20], everyone[8:24], everyone[10:28], everyone):
        made = make_dataset(there, tmp_path, choice, Label.SITE, known)
        assert made["subjects"].keys() == {one.subject for one in there}
        path.write_text(json.dumps(made))
        later = read_previous(path)
        assert {subject: later.get(subject) for subject in known} == known
        known = later
    assert known.keys() == {one.subject for one in everyone}


def test_a_list_of_before_absent_subjects_were_kept_can_be_read(tmp_path):
    path = tmp_path / "dataset.json"
    path.write_text('{"subjects": {"S-1": "test"}}')
    assert read_previous(path) == {"S-1": Split.TEST}
    for absent in ("[]", '{"S-2": "somewhere"}'):
        path.write_text(f'{{"subjects": {{"S-1": "test"}}, "absent_subjects": {absent}}}')
        with pytest.raises(CommandError, match="is no dataset.json"):
            read_previous(path)


def test_the_list_is_one_for_monai_and_for_pandas(tmp_path):
    exams = [
        exam(1, row(file="a/1.dcm", site="CFV", side="L"), row(file="a/2.dcm", site="PV", frame_time="33.3")),
        exam(2, row(file="b/1.dcm", manufacturer="Make", reviewed="yes")),
        exam(3, row(file="c/1.dcm", site="CFV"), subject="S-1"),
    ]
    made = make_dataset(exams, Path("."), SplitChoice(), Label.SITE, {})
    assert json.loads(json.dumps(made)) == made
    items = [item for split in Split for item in made[split]]
    assert {item["image"] for item in items} == {
        "exports/S-1_E-1.zip!a/1.dcm",
        "exports/S-1_E-1.zip!a/2.dcm",
        "exports/S-2_E-2.zip!b/1.dcm",
        "exports/S-3_E-3.zip!c/1.dcm",
    }
    assert made["labels"] == {"0": "CFV", "1": "PV"}
    assert {item["image"][-7:]: item["label"] for item in items} == {"a/1.dcm": 0, "a/2.dcm": 1, "b/1.dcm": None, "c/1.dcm": 0}
    parts = [{item["subject"] for item in made[split]} for split in Split]
    assert sum(map(len, parts)) == 2, "S-1 is in one part with both of its exams"
    assert all(not isinstance(value, (list, dict)) for item in items for value in item.values()), "a row of a table"


def test_a_tag_can_be_the_label():
    made = make_dataset(
        [exam(1, row(file="1.dcm", site="FV", side="R", purpose="compression"))], Path("."), SplitChoice(), Label.TAG, {}
    )
    assert made["labels"] == {"0": "FV-R/compression"}


@pytest.mark.parametrize("ratios", ["", "70,15", "70,15,16", "70,15,-15", "a,b,c", "70.5,14.5,15"])
def test_ratios_that_make_no_hundred_are_told(ratios):
    with pytest.raises(ValueError, match="70,15,15"):
        SplitChoice.parse(ratios)


def test_an_earlier_list_that_is_none_is_told(tmp_path):
    path = tmp_path / "dataset.json"
    for content in ("", "[]", '{"subjects": {"S-1": "somewhere"}}'):
        path.write_text(content)
        with pytest.raises(CommandError, match="is no dataset.json"):
            read_previous(path)
