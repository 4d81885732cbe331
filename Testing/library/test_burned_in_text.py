"""Text in the picture is found where it stands, read where it can be, and never called harmless without a reason."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from text_plants import planted_pictures

from USDICOMizerLib import burned_in_text, text_reader
from USDICOMizerLib.burned_in_text import find_text, sampled_frames, seen_text
from USDICOMizerLib.deidentify.needles import Kind, identifying_values
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.text_meaning import is_initials, is_one_line, is_technical, like_header
from USDICOMizerLib.text_network import CELL, text_likelihood
from USDICOMizerLib.text_reader import Quad, ReadLine, read_picture, reader_is_installed


@pytest.fixture
def without_reader(monkeypatch):
    monkeypatch.setattr(burned_in_text, "reader_is_installed", lambda: False)


@pytest.fixture
def reader():
    assert reader_is_installed(), "the test extra brings the reader"


def speckle(shape: tuple[int, int], seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).gamma(2, 22, (*shape, 1))
    return np.clip(np.repeat(noise, 3, axis=2), 0, 255).astype(np.uint8)


def written(picture: np.ndarray, text: str, at: tuple[int, int], size: int = 16, tone: int = 235) -> np.ndarray:
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).text(at, text, (tone, tone, tone), font=ImageFont.load_default(size=size))
    return np.asarray(image)


def the_header() -> Dataset:
    header = Dataset()
    header.PatientName = "Fenwick^Rosalind"
    header.PatientID = "MRN-48151623"
    header.PatientBirthDate = "19610214"
    header.StudyDate = "20240311"
    header.InstitutionName = "Northfield Harbour Hospital"
    return header


def test_planted_lines_are_found_and_clean_pictures_are_mostly_left_alone(without_reader):
    lines = found = 0
    for planted in planted_pictures(6, 1):
        pixels = np.zeros(planted.picture.shape[:2], bool)
        for one in find_text([planted.picture].__getitem__, 1).boxes:
            pixels[one.box.top : one.box.bottom, one.box.left : one.box.right] = True
        lines += len(planted.lines)
        found += sum((pixels & line.pixels).sum() >= 0.5 * line.pixels.sum() for line in planted.lines)
    flagged = sum(bool(find_text([planted.picture].__getitem__, 1).doubtful) for planted in planted_pictures(6, 1, lines=0))
    assert found >= 0.9 * lines
    assert flagged <= 1


def test_a_place_is_told_in_pixels_of_the_picture(without_reader):
    picture = written(np.zeros((203, 317, 3), np.uint8), "FENWICK ROSALIND", (120, 150))
    (place,) = find_text([picture].__getitem__, 1).doubtful
    assert place.box.left <= 128 and place.box.right >= 240
    assert place.box.top <= 156 and place.box.bottom >= 162
    assert place.box.fits(317, 203)


def test_text_that_stands_still_is_found_in_speckle_that_moves_although_no_frame_shows_it_clearly(without_reader):
    frames = [written(speckle((240, 320), seed), "FENWICK 1961", (90, 100), tone=150) for seed in range(12)]
    assert any(one.box.top <= 112 <= one.box.bottom for one in find_text(frames.__getitem__, 12).doubtful)


def test_dark_text_is_found_as_well(without_reader):
    picture = written(np.full((240, 320, 3), 220, np.uint8), "FENWICK ROSALIND", (90, 100), tone=10)
    assert find_text([picture].__getitem__, 1).doubtful


def test_text_in_a_few_of_many_frames_is_found(without_reader):
    frames = [np.zeros((160, 320, 3), np.uint8) for _ in range(12)]
    frames[7] = written(frames[7], "FENWICK ROSALIND", (60, 60))
    assert find_text(frames.__getitem__, 12).doubtful


def test_the_frames_that_are_looked_at_are_spread_over_the_cine():
    assert list(sampled_frames(1)) == [0]
    assert list(sampled_frames(5)) == [0, 1, 2, 3, 4]
    many = list(sampled_frames(300))
    assert (many[0], many[-1], len(many)) == (0, 299, 16)
    assert max(np.diff(many)) <= 20


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (64, 9), (480, 640)])
def test_every_cell_of_a_picture_of_any_size_has_an_answer(shape):
    likely = text_likelihood(np.zeros(shape, np.uint8))
    assert likely.shape == (-(-shape[0] // CELL), -(-shape[1] // CELL))
    assert ((likely >= 0) & (likely <= 1)).all()


def test_calipers_and_depth_marks_are_no_text(without_reader):
    image = Image.new("RGB", (400, 300))
    draw = ImageDraw.Draw(image)
    for y in range(0, 300, 25):
        draw.line([380, y, 388, y], (200, 200, 200))
    for x, y in ((100, 80), (250, 200)):
        draw.line([x - 6, y, x + 6, y], (255, 255, 0))
        draw.line([x, y - 6, x, y + 6], (255, 255, 0))
    assert seen_text(np.asarray(image)) == []


@pytest.mark.parametrize(
    "text",
    ["12", "5.0", "10 15", "MI 1.1", "TIS 0.4", "62%", "Gain 52%", "12 cm", "FR 29 Hz", "Venous", "10 15 20 25", "LONG axis"],
)
def test_technical_text_is_harmless(text):
    assert is_technical(text)


@pytest.mark.parametrize(
    "text",
    [
        "Fenwick",
        "48151623",
        "1961",
        "14.02.1961",
        "11 Mar 2024",
        "12/03/24",
        "09:02",
        "Dr. Who",
        "St. Elsewhere",
        "62Y F",
        "A1029",
        "481 516",  # a number in groups
        "123 456 789",
        "14 02 61",
        "14 2 61",
        "MARK LONG",
        "Left MARK LONG",
        "---",
        ". .",
    ],
)
def test_what_may_name_somebody_is_not_technical(text):
    assert not is_technical(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("FENWICK, ROSALIND T", Kind.NAME),
        ("Rosalind Fenwick", Kind.NAME),
        ("FENWlCK", Kind.NAME),  # a letter misread
        ("R. Fenwiek", Kind.NAME),
        ("ID 48I5I623", Kind.IDENTIFIER),
        ("DOB 14.02.1961", Kind.DATE),
        ("14-Feb-1961", Kind.DATE),
        ("2024-03-11 09:02", Kind.DATE),
        ("Northfield Harbour Hospital", Kind.IDENTIFIER),
    ],
)
def test_text_that_is_like_the_header_is_recognised(text, kind):
    assert kind in like_header(text, identifying_values(the_header()))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("PAPADOPOUL", Kind.NAME),
        ("Papadop M", Kind.NAME),
        ("02/04/75", Kind.DATE),
        ("11MAR24", Kind.DATE),
        ("Larissa General Hospital", Kind.IDENTIFIER),
        ("Gen Hosp Larissa", Kind.IDENTIFIER),
    ],
)
def test_parts_of_names_and_dates_as_people_write_them_are_recognised(text, kind):
    header = Dataset()
    header.PatientName, header.PatientBirthDate, header.StudyDate = "Papadopoulos^Maria", "19750402", "20240311"
    header.InstitutionName = "General Hospital Larissa"
    assert kind in like_header(text, identifying_values(header))


@pytest.mark.parametrize("text", ["Vascular Ultrasound", "Venous vascular", "Left femoral"])
def test_words_of_ultrasound_alone_are_no_part_of_a_departments_name(text):
    header = Dataset()
    header.InstitutionName, header.PatientName = "Vascular Ultrasound Venous Centre", "Papadopoulos^Maria"
    assert like_header(text, identifying_values(header)) == frozenset()


@pytest.mark.parametrize(
    ("keyword", "value", "text"),
    [
        ("InstitutionName", "Northfield Vascular Laboratory", "NORTHFIELD VASCULAR"),
        ("InstitutionName", "General Hospital Larissa", "General Larissa"),
        ("InstitutionName", "Larissa Heart Centre", "LARISSA HEART CTR"),
        ("InstitutionName", "Heartlands Vascular", "HEART HEARTL HEARTLA HEARTLAN VASCULAR"),
        ("PatientName", "Crossley^Maria", "CROSS MAR"),
        ("PatientName", "Crossley^Maria", "Cross"),
        ("PatientName", "Chesterton^Gilbert", "Chest Gilb"),
    ],
)
def test_beside_another_word_and_in_a_persons_name_they_are(keyword, value, text):
    header = Dataset()
    setattr(header, keyword, value)
    assert like_header(text, identifying_values(header)) == {Kind.NAME if keyword == "PatientName" else Kind.IDENTIFIER}


@pytest.mark.parametrize(("mark", "is_one"), [("FR", True), ("RF", True), ("LT", False), ("P", False)])
def test_a_mark_may_be_somebodys_initials(mark, is_one):
    assert is_initials(mark, identifying_values(the_header())) is is_one


@pytest.mark.parametrize("text", ["MI 1.1", "12 cm", "Venous", "Left common femoral vein", "09:02:27", "Gain 52%"])
def test_other_text_is_not_taken_for_the_header(text):
    assert like_header(text, identifying_values(the_header())) == frozenset()


def test_what_is_read_is_compared_with_the_header(reader):
    picture = written(np.zeros((160, 480, 3), np.uint8), "FENWICK, ROSALIND", (40, 60), size=20)
    found = find_text([picture].__getitem__, 1, identifying_values(the_header()))
    assert found.read and found.identifies == {Kind.NAME}
    assert "Fenwick" not in f"{found} {found!r}" and "FENWICK" not in f"{found} {found!r}"


def test_technical_text_that_is_read_makes_no_doubt(reader):
    picture = written(np.zeros((160, 480, 3), np.uint8), "Gain 52%", (40, 60), size=20)
    found = find_text([picture].__getitem__, 1)
    assert found.boxes and not found.doubtful


def reads(monkeypatch, *lines: ReadLine):
    """The reader finds these lines in the picture, and none in any part of it."""
    monkeypatch.setattr(burned_in_text, "read_picture", lambda picture: list(lines))
    monkeypatch.setattr(burned_in_text, "read_places", lambda picture, places: [])


def line_at(box: CropBox, text: str, confidence: float) -> ReadLine:
    return ReadLine(box, text, confidence, (Quad.of(box),))


def doubtful(picture: np.ndarray) -> bool:
    return bool(find_text([picture].__getitem__, 1).doubtful)


def test_text_that_is_seen_but_not_read_remains_doubtful(reader, monkeypatch):
    reads(monkeypatch)
    assert doubtful(written(np.zeros((160, 480, 3), np.uint8), "Gain 52%", (40, 60), size=20))


def test_what_the_reader_finds_and_cannot_read_is_doubtful_even_where_the_network_sees_nothing(reader, monkeypatch):
    engine = text_reader._engine()
    read_well = engine.recognize_txt

    def read_badly(lines):
        read = read_well(lines)
        read.scores = tuple(0.1 for _ in read.scores)
        return read

    monkeypatch.setattr(engine, "recognize_txt", read_badly)
    monkeypatch.setattr(burned_in_text, "seen_text", lambda picture, sure=1: [])
    assert doubtful(written(np.zeros((160, 480, 3), np.uint8), "Gain 52%", (40, 60), size=20))


def test_a_word_that_is_read_says_nothing_about_the_rest_of_its_line(reader, monkeypatch):
    reads(monkeypatch, line_at(CropBox(230, 60, 290, 84), "12 cm", 0.99))
    assert doubtful(written(np.zeros((160, 480, 3), np.uint8), "ROSALIND FENWICK 12 cm", (40, 60), size=20))


def test_a_line_of_which_most_is_read_as_technical_is_looked_at_again_without_that(reader, monkeypatch):
    picture = written(np.zeros((160, 480, 3), np.uint8), "Gain 52%  FR 29 Hz", (40, 60), size=20)
    lines = [line_at(CropBox(36, 58, 214, 88), "Gain 52% FR 29 Hz", 0.99)]
    reads(monkeypatch, *lines)
    assert not doubtful(picture)
    assert doubtful(written(picture, "R. FENWICK", (214, 60), size=20, tone=110))


def test_a_long_line_of_which_two_letters_are_read_remains_doubtful(reader, monkeypatch):
    reads(monkeypatch, line_at(CropBox(32, 56, 230, 88), "R.", 0.4))
    assert doubtful(written(np.zeros((160, 480, 3), np.uint8), "ROSALIND FENWICK", (40, 60), size=20))


def test_a_small_word_of_which_a_letter_is_read_is_no_mark(reader, monkeypatch):
    reads(monkeypatch, line_at(CropBox(36, 58, 84, 74), "F", 0.3))
    assert doubtful(written(np.zeros((160, 480, 3), np.uint8), "FENWICK", (40, 60), size=10))


def test_a_letter_beside_the_picture_makes_no_doubt(reader, monkeypatch):
    reads(monkeypatch, line_at(CropBox(6, 6, 40, 40), "P", 0.5))
    assert not doubtful(written(np.zeros((160, 480, 3), np.uint8), "P", (12, 10), size=20))


def test_a_ring_that_marks_the_probes_side_makes_no_doubt_whatever_the_reader_takes_it_for(reader, monkeypatch):
    picture = speckle((160, 480), 3) // 8
    picture[40:52, 60:72:3] = 255
    reads(monkeypatch, line_at(CropBox(59, 39, 72, 52), "C", 0.2))
    monkeypatch.setattr(burned_in_text, "seen_text", lambda picture, sure=1: [])
    assert not doubtful(picture)


def test_what_a_place_looks_like_to_a_reader_that_finds_no_line_there_makes_nothing_harmless(reader, monkeypatch):
    place = ReadLine(CropBox(32, 56, 140, 88), "12 cm", 0.99, found=False)
    monkeypatch.setattr(burned_in_text, "read_picture", lambda picture: [])
    monkeypatch.setattr(burned_in_text, "read_places", lambda picture, places: [place])
    assert doubtful(written(np.zeros((160, 480, 3), np.uint8), "FENWICK", (40, 60), size=20))


def test_two_lines_that_are_read_as_one_are_doubtful(reader, monkeypatch):
    picture = written(np.zeros((160, 480, 3), np.uint8), "12 cm", (40, 60), size=19)
    picture = written(picture, "J. Li", (40, 78), size=19, tone=150)
    reads(monkeypatch, line_at(CropBox(30, 51, 103, 104), "12cm", 0.9))
    assert doubtful(picture)
    assert is_one_line("12 cm", 62, 26) and not is_one_line("12cm", 73, 53)


@pytest.mark.parametrize(("left", "is_cut"), [(380, False), (440, True)])
def test_what_the_edge_of_the_picture_cuts_off_is_doubtful_whatever_is_left_of_it(reader, monkeypatch, left, is_cut):
    reads(monkeypatch, line_at(CropBox(left - 4, 56, min(left + 64, 479), 90), "12 cm", 0.99))
    assert doubtful(written(np.zeros((160, 480, 3), np.uint8), "12 cm", (left, 60), size=20)) is is_cut


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_name_that_stands_on_its_side_or_its_head_is_compared_with_the_header(reader, turns):
    upright = written(np.zeros((240, 240, 3), np.uint8), "FENWICK, ROSALIND", (20, 100), size=20)
    picture = np.ascontiguousarray(np.rot90(upright, turns))
    assert Kind.NAME in find_text([picture].__getitem__, 1, identifying_values(the_header())).identifies


def test_text_that_changes_over_a_cine_is_read_where_it_was_seen(reader):
    shown = [written(np.zeros((160, 480, 3), np.uint8), words, (40, 60), size=20) for words in ("Gain 52%", "FENWICK")]
    frames = [shown[0]] * 4 + [shown[1]] * 4
    assert find_text(frames.__getitem__, 8).doubtful
    found = find_text(frames.__getitem__, 8, identifying_values(the_header()))
    assert found.identifies == {Kind.NAME}
    assert not find_text([shown[0]].__getitem__, 1).doubtful


@pytest.mark.parametrize("shape", [(3, 2400), (2400, 3), (1, 1), (20, 900)])
def test_a_picture_of_any_shape_can_be_read(reader, shape):
    assert read_picture(np.zeros((*shape, 3), np.uint8)) == []


def test_technical_text_in_a_cine_that_stands_still_over_moving_speckle_makes_no_doubt(reader):
    frames = [written(speckle((160, 320), seed) // 3, "FR 29 Hz", (90, 60), size=20) for seed in range(6)]
    found = find_text(frames.__getitem__, 6)
    assert found.boxes and not found.doubtful
