import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from USDICOMizerLib.deidentify.byte_scan import scan_bytes
from USDICOMizerLib.deidentify.needles import Kind, Needle, Needles, Strength


def needles(*texts: str, kind: Kind = Kind.NAME, strength: Strength = Strength.ANYWHERE) -> Needles:
    return Needles(frozenset(Needle(text.casefold(), text, kind, strength) for text in texts))


@given(before=st.binary(max_size=70), after=st.binary(max_size=70), cut=st.integers(0, 150))
def test_a_value_is_found_wherever_it_begins_and_however_the_chunks_are_cut(before, after, cut):
    data = before + b"LINDqvist Annika" + after
    assert scan_bytes([data[:cut], data[cut:]], needles("Lindqvist Annika")) == {Kind.NAME}


@given(st.lists(st.binary(min_size=1, max_size=9)))
def test_a_value_is_found_across_many_small_chunks(chunks):
    hidden = [b"Lind", b"qv", b"i", b"st^An", b"nika"]
    assert scan_bytes([*chunks, *hidden, *chunks], needles("Lindqvist Annika")) == {Kind.NAME}


def test_what_is_not_there_is_not_found():
    noise = np.random.default_rng(0).integers(0, 256, 3_000_000, dtype=np.uint8).tobytes()
    assert scan_bytes([noise, noise], needles("Lindqvist Annika", "MRN0047110", "19610917")) == frozenset()


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16-le", "utf-16-be"])
def test_a_value_is_found_in_any_encoding_and_case(encoding):
    for spelling in ("Åström^Jörgen", "åström jörgen", "ÅSTRÖM JÖRGEN"):
        data = b"\x07" + spelling.encode(encoding)
        assert scan_bytes([data], needles("Åström Jörgen")) == {Kind.NAME}


def test_the_kinds_of_all_that_is_found_are_told():
    sought = Needles(needles("Lindqvist").values | needles("MRN0047110", kind=Kind.IDENTIFIER).values)
    assert scan_bytes([b"..mrn0047110..LINDQVIST.."], sought) == {Kind.NAME, Kind.IDENTIFIER}


def test_short_values_are_not_searched_in_bytes():
    assert scan_bytes([b"anna"], needles("Anna", strength=Strength.TEXT)) == frozenset()


def test_a_value_that_pixels_spell_by_themselves_is_not_searched():
    ramp = bytes(range(256))
    for text in ("12345678", "87654321", "33333333"):
        assert scan_bytes([ramp, ramp[::-1], b"3" * 50], needles(text, kind=Kind.IDENTIFIER)) == frozenset()


def test_digits_inside_a_pseudonymous_uid_are_chance():
    own = b"2.25.1961091700000000000000000000000000001"
    assert scan_bytes([b" " + own], needles("19610917", kind=Kind.DATE)) == frozenset()
    assert scan_bytes([b" 2.16.19610917.4"], needles("19610917", kind=Kind.DATE)) == {Kind.DATE}
    assert scan_bytes([b"ID 0019610917"], needles("19610917", kind=Kind.DATE)) == {Kind.DATE}


def test_a_short_uid_is_not_found_in_one_that_it_begins():
    assert scan_bytes([b"1.2.840.10008.5.1.4.1.1.6.1"], needles("1.2.840.1", kind=Kind.UID)) == frozenset()
    assert scan_bytes([b"\x001.2.840.1\x00"], needles("1.2.840.1", kind=Kind.UID)) == {Kind.UID}
    long = "1.2.826.0.1.3680043.8.498.1"
    assert scan_bytes([long.encode() + b".44"], needles(long, kind=Kind.UID)) == {Kind.UID}


def test_every_chunk_is_consumed_also_after_a_find_and_without_needles():
    for sought in (needles("Lindqvist"), Needles()):
        chunks = iter([b"Lindqvist", b"", b"x" * 100])
        scan_bytes(chunks, sought)
        assert next(chunks, None) is None
