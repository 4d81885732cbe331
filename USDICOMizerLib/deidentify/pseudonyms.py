"""The project key, and the pseudonyms derived with it.

Every pseudonym is an HMAC-SHA256 (RFC 2104) with the project key, so nobody without the key can confirm a guess, and the
same original gives the same pseudonym in every file and every run. Each kind has its own domain: nothing can be learnt
from comparing a UID with a subject.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from uuid import UUID

from pydicom.uid import UID_dictionary

from USDICOMizerLib.errors import KeyFileError
from USDICOMizerLib.exam import Patient
from USDICOMizerLib.files import make_private_folder, written_whole

_KEY_BYTES = 32
_KEY_COMMENT = "# The project key of USDICOMizer. Whoever has it can tie pseudonyms to patients: keep it, never send it."

# No vowels, so that no word appears; and of what is mistaken for another (0 O Q, 1 I L, 2 Z, 5 S, 8 B) one at most.
_ALPHABET = "23456789CDFGHJKMNPRTVWX"
_LETTERS = 9  # 23**9: among 100,000 subjects, two meet with a probability of 0.3 %
_LONG_PART = 4
_GROUP = 5


@dataclass(frozen=True)
class ProjectKey:
    """256 secret bits in a file that only its owner can read. Never exported, logged or shown."""

    secret: bytes = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> ProjectKey:
        """Read the key. Raises KeyFileError where it is missing, damaged, or readable by others (POSIX)."""
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="ascii")
        except FileNotFoundError:
            raise KeyFileError(f"There is no project key at {path}.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise KeyFileError(f"The project key at {path} can't be read ({type(error).__name__}).") from None
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise KeyFileError(f"Others can read the project key at {path}. Take that right away: chmod 600 {path}")
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        try:
            (digits,) = lines
            secret = bytes.fromhex(digits)
        except ValueError:
            secret = b""
        if len(secret) != _KEY_BYTES:
            raise KeyFileError(
                f"The project key at {path} is damaged: it holds one line of {2 * _KEY_BYTES} hexadecimal digits. "
                "Restore it from your backup; another key gives other pseudonyms."
            )
        return cls(secret)

    @classmethod
    def create(cls, path: Path) -> ProjectKey:
        """Make a new key and write it, readable by its owner only (POSIX). An existing file is never overwritten.

        Raises KeyFileError.
        """
        secret = secrets.token_bytes(_KEY_BYTES)
        try:
            make_private_folder(path.parent)
            with written_whole(path, replace=False, private=True) as stream:  # so that another run never reads half of it
                stream.write(f"{_KEY_COMMENT}\n{secret.hex()}\n".encode("ascii"))
        except FileExistsError:
            raise KeyFileError(f"There is a project key at {path} already; it is never overwritten.") from None
        except OSError as error:
            raise KeyFileError(f"The project key can't be written to {path} ({error.strerror}).") from None
        return cls(secret)

    def __reduce__(self) -> NoReturn:
        raise TypeError("the project key never travels: another process reads it from its file")

    @property
    def fingerprint(self) -> str:
        """Tells whether two sites use the same key, and nothing else about it."""
        digits = self.digest("fingerprint").hex()
        return "-".join(digits[start : start + 4] for start in range(0, 16, 4))

    def digest(self, domain: str, *parts: str) -> bytes:
        """HMAC-SHA256 over the domain and the parts, each with its length, so that no two lists of parts are the same."""
        message = b"".join(len(encoded).to_bytes(8, "big") + encoded for encoded in map(_encoded, (domain, *parts)))
        return hmac.new(self.secret, message, hashlib.sha256).digest()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogatepass")


@dataclass(frozen=True)
class Pseudonyms:
    """The replacements of one project. `subjects` are the user's own, by Patient ID; all others are derived."""

    key: ProjectKey
    subjects: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def fingerprint(self) -> str:
        """That of the key."""
        return self.key.fingerprint

    def uid(self, original: str) -> str:
        """The replacement of a UID: "2.25." and the integer of a UUID (PS3.5 B.2). Registered UIDs stay, as does nothing ("")."""
        original = original.strip(" \0")
        if not original or is_registered(original):
            return original
        # A UUID of version 4 (ITU-T X.667): its other 122 bits are those of the HMAC, which no one can tell from random ones.
        return f"2.25.{UUID(bytes=self.key.digest('uid', original)[:16], version=4).int}"

    def subject(self, patient: Patient, *, study_uid: str = "") -> str:
        """The subject's pseudonym: the user's own, else "S-" with ten characters, the last of which checks the others.

        A patient is told by Patient ID and its issuer; without an ID by name and birth date; without a name by the
        study, so that two unnamed people don't become one. The same person under two spellings of the ID is two
        subjects: the user's table can say that they are one.
        """
        if self.subjects and (own := self.subjects.get(patient.id)):
            return own
        if patient.id:
            identity = ("id", patient.issuer, patient.id)
        elif patient.name:
            identity = ("name", patient.name, patient.birth_date)
        else:
            identity = ("study", study_uid)
        return f"S-{self._readable('subject', *identity)}"

    def exam(self, study_uid: str) -> str:
        """The exam's pseudonym: "E-" with ten characters, the last of which checks the others."""
        return f"E-{self._readable('exam', study_uid)}"

    def date_shift(self, subject: str, days: tuple[int, int]) -> int:
        """The number of days by which the dates of a subject are moved, from the least to the greatest of `days`.

        It belongs to the subject's pseudonym: two Patient IDs that the user's table gives one pseudonym have one shift.
        """
        least, greatest = days
        return least + int.from_bytes(self.key.digest("date-shift", subject), "big") % (greatest - least + 1)

    def _readable(self, domain: str, *parts: str) -> str:
        number = int.from_bytes(self.key.digest(domain, *parts), "big")
        digits = []
        for _ in range(_LETTERS):
            number, digit = divmod(number, len(_ALPHABET))
            digits.append(digit)
        text = "".join(_ALPHABET[digit] for digit in (*digits, _check_digit(digits)))
        return f"{text[:_GROUP]}-{text[_GROUP:]}"


def is_registered(uid: str) -> bool:
    """Whether the UID is in DICOM's own registry (PS3.6 Annex A): it names a kind of thing, never an instance."""
    return uid in UID_dictionary


def has_valid_check_character(pseudonym: str) -> bool:
    """Whether a derived subject or exam was copied without an error: no character wrong, no two neighbours swapped."""
    kind, _, written = pseudonym.strip().upper().partition("-")
    letters = written.replace("-", "")
    if kind not in ("S", "E") or len(letters) != _LETTERS + 1 or set(letters) - set(_ALPHABET):
        return False
    *digits, check = (_ALPHABET.index(letter) for letter in letters)
    return _check_digit(digits) == check


def _check_digit(digits: list[int]) -> int:
    """A sum with weights 1, 2, 3.. modulo a prime: any one error and any swap of neighbours changes it."""
    return sum(weight * digit for weight, digit in enumerate(digits, start=1)) % len(_ALPHABET)


def gives_away(subject: str, patient: Patient) -> bool:
    """Whether a pseudonym that a person chose holds a part of the patient's ID, name or birth date.

    Case, accents and separators don't matter. Parts of less than four characters count as whole words only; of an ID,
    its runs of four digits or more count by themselves.
    """
    words = _words(subject)
    joined = "".join(words)
    parts = [*_words(patient.name), "".join(_words(patient.id)), *re.findall(r"\d{4,}", patient.id), patient.birth_date.strip()]
    return any(part in words or (len(part) >= _LONG_PART and part in joined) for part in parts if part)


def _words(text: str) -> list[str]:
    """Letters and digits in small letters without accents, divided where anything else stands."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return re.findall(r"[^\W_]+", "".join(letter for letter in plain if not unicodedata.combining(letter)))
