"""What was done before: the digests that the ledger knows an export by, and whether one may be kept, replaced or touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from zipfile import BadZipFile

from USDICOMizerLib.archive import contents_digest, is_as_it_was
from USDICOMizerLib.deidentify.pseudonyms import ProjectKey
from USDICOMizerLib.errors import ExportError
from USDICOMizerLib.exam import Instance
from USDICOMizerLib.ledger import LedgerRecord
from USDICOMizerLib.outcomes import Outcome

_ENTRY_DIGITS = 32


def ledger_entry(key: ProjectKey, identity: str) -> str:
    """What stands in the ledger for an instance: made with the key, so that nobody can tell which it is by trying."""
    return key.digest("ledger", identity).hex()[:_ENTRY_DIGITS]


def work_digest(key: ProjectKey, parts: Iterable[str]) -> str:
    """A digest, made with the key, of all that decides the bytes of an export."""
    return key.digest("work", *parts).hex()


def fingerprint_of(instance: Instance) -> tuple[str, ...]:
    """What tells an instance's source from another, or from what it was before: name, size and time; none if it has gone."""
    try:
        state = instance.state or instance.source.state()
    except OSError:  # it fails when it is read
        return instance.identity, instance.source.member
    return instance.identity, instance.source.member, str(state.size), str(state.modified_ns)


def record_of(path: Path, known: Iterable[LedgerRecord]) -> LedgerRecord | None:
    """The newest of the records, which are of this export, that describes it as it is now, every byte of it; else None."""
    try:
        contents = contents_digest(path)
    except (OSError, BadZipFile):
        return None
    found = next((record for record in known if (record.export, record.contents) == (path.name, contents)), None)
    return found if found and is_as_it_was(path, contents) else None


def require_nothing_lost(path: Path, record: LedgerRecord | None, here: Sequence[str]) -> LedgerRecord:
    """The record of an export that may be taken over, or replaced as a whole; `here` are the entries of the input.

    Raises ExportError where it isn't known as it is, or holds what the input doesn't.
    """
    if record is None:
        raise ExportError(
            f"{path.name} exists, but the ledger beside it doesn't know it as it is: it was changed, or brought from elsewhere. "
            "Move it away, or add --overwrite to replace it"
        )
    lost = sum(outcome == Outcome.PREPARED and entry not in here for entry, (outcome, _) in record.outcomes.items())
    if lost:
        raise ExportError(
            f"{path.name} holds {lost} instances that this input doesn't: resuming would lose them. Give all files of the "
            "exam as INPUT, or add --overwrite to replace the export by what is given now"
        )
    return record


def is_finished(record: LedgerRecord, works: Collection[str]) -> bool:
    """Whether nothing is left to do: the work is one of these, and nothing of it failed, which may go well the next time."""
    return record.work in works and not any(outcome == Outcome.FAILED for outcome, _ in record.outcomes.values())
