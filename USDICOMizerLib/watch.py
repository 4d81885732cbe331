"""A folder that studies arrive in: what has stopped growing is prepared, what isn't ready waits in a list for a person.

The list is waiting.csv in the folder `waiting` of the linkage, beside a plan and the pictures of each exam that it
names. A plan that a person saves there is followed. Nothing else is remembered: what was exported is in the ledger, and
how it was decided in the linkage's plans, so that another watch goes on where this one ended.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from USDICOMizerLib.after_images import write_after_images
from USDICOMizerLib.batch import RunResult
from USDICOMizerLib.choices import Choices, decide_all
from USDICOMizerLib.console import Console
from USDICOMizerLib.decision import Decision
from USDICOMizerLib.errors import CommandError, PlanError, USDICOMizerError
from USDICOMizerLib.exam import Exam, group_into_exams
from USDICOMizerLib.files import lock, make_private_folder, open_private, written_whole
from USDICOMizerLib.logs import log
from USDICOMizerLib.outcomes import Outcome, Problem
from USDICOMizerLib.plan import Plan, make_plan, match_plan, source_text
from USDICOMizerLib.plan_file import parse_plan, plan_bytes, read_plan
from USDICOMizerLib.project import Project
from USDICOMizerLib.readiness import assess
from USDICOMizerLib.sources import Discovery, SourceOutcome, discover

WAITING, LISTING = "waiting", "waiting.csv"
_LOCK = "watch.lock"

_FOR_A_PERSON = frozenset(
    {
        Problem.NO_CROP,
        Problem.CROP_OUTSIDE_IMAGE,
        Problem.DOUBTFUL_PROPOSAL,
        Problem.NO_TAG,
        Problem.TEXT_IN_IMAGE,
        Problem.NOT_REVIEWED,
        Problem.MIXED_PATIENTS,
    }
)
"""What a person can settle in a plan. Instances with other problems are refused, and their exam goes out without them."""

_MISTAKE = "the plan has a mistake"
_LONGEST_PAUSE = 60.0
_SECONDS_TO_TRY_AGAIN = 600.0


@dataclass(frozen=True)
class Waiting:
    """A row of the list: an exam that isn't ready, why, and its plan.

    `written` is a digest of the plan that nobody has touched; "" where it holds what a person decided.
    A file that can't be read belongs to no exam: then `source` is its path.
    """

    exam: str
    instances: int
    problems: str
    plan: str = ""
    written: str = ""
    source: str = ""


class Watch:
    """Looks at the folders time and again. One `look` prepares everything that is complete and ready."""

    def __init__(
        self,
        folders: Sequence[Path],
        project: Project,
        choices: Choices,
        settle: float,
        console: Console,
        index_folder: Path | None,
    ):
        self._folders, self._project, self._choices, self._console = folders, project, choices, console
        self._settle, self._index_folder = settle, index_folder
        self._seen: dict[str, tuple[str, float]] = {}
        self._done: dict[str, str] = {}
        self._tried: dict[str, tuple[str, float]] = {}
        self._shown: dict[str, str] = {}
        self._has_begun = self._away = False
        self._place = make_private_folder(project.linkage_folder / WAITING)
        self._lock = open_private(self._place / _LOCK, "ab")  # held until the process ends
        if not lock(self._lock, wait=False):
            self._lock.close()
            raise CommandError(
                "Another watch is going on with this linkage folder, or the folder's file system has no locks. Stop the other "
                "one, or name another folder, on a local disk, with --linkage."
            )
        self._listed = self._listed_before()
        self._written = {row.plan: row.written for row in self._listed.values()}
        self._read: dict[str, str] = {}
        """Digests of the plans as they were when this look decided by them: one that differs, a person has saved since."""

    @property
    def pause(self) -> float:
        """Seconds until the next look is worth it."""
        return min(self._settle / 4, _LONGEST_PAUSE)

    def look(self) -> None:
        """Prepare what is complete and ready, and list what waits. Raises KeyboardInterrupt where a person ends it."""
        found = self._found()
        if found is None:
            return
        ready: list[Exam] = []
        decisions: dict[str, Decision] = {}
        waiting = []
        for exam in group_into_exams(found.instances):
            if not self._is_settled(exam.study_uid, _state(exam)):
                waiting += filter(None, [self._listed.get(self._name(exam))])
                continue
            if self._done.get(exam.study_uid, "").startswith(_state(exam)) and not self._plan_file(exam).exists():
                continue
            made, problems = self._decided(exam)
            if problems:
                waiting.append(self._waiting(exam, made, problems))
            elif self._is_to_do(exam, made):
                ready.append(exam)
                decisions |= made
            elif row := self._listed.get(self._name(exam)):  # done, but for what was found in its pixels and still waits
                waiting.append(row)
            elif self._done.get(exam.study_uid) == _key(exam, made):  # saved again, with nothing new in it
                self._put_away(exam)
        waiting += self._prepared(ready, decisions)
        self._list(waiting + [row for other in found.others for row in self._unreadable(other)])

    def _found(self) -> Discovery | None:
        """What is in the folders; None where one can't be reached any more. Raises CommandError for one that never was."""
        if self._has_begun and self._is_away():
            return None
        try:
            found = discover(self._folders, index_folder=self._index_folder, processes=self._project.cores)
        except CommandError:
            if not self._has_begun or not self._is_away():
                raise
            return None
        if self._is_away():  # it went meanwhile: a part of a study is no study
            return None
        self._has_begun = True
        return found

    def _is_away(self) -> bool:
        """Whether a folder can't be reached; said once. Then nothing is prepared: a study may lie in several folders."""
        why = next(filter(None, map(_why_away, self._folders)), "")
        if why and not self._away:
            self._console.note(f"A watched folder can't be reached ({why}). The watch waits until it is back.")
        elif self._away and not why:
            self._console.note("The watched folder is back; the watch goes on.")
            self._tried.clear()  # what failed may have failed for that
        self._away = bool(why)
        return self._away

    def _is_settled(self, what: str, state: str) -> bool:
        """Whether a study, or a file that is of none, has been the same for the time that is asked for."""
        now = time.monotonic()
        before, since = self._seen.get(what, ("", now))
        if before != state:
            since = now
        self._seen[what] = state, since
        return now - since >= self._settle

    def _unreadable(self, other: SourceOutcome) -> Iterator[Waiting]:
        """A row for a file that can't be read, once it isn't being copied any more."""
        place = source_text(other.source)
        if other.outcome is Outcome.FAILED and self._is_settled(place, other.reason):
            yield Waiting("", 0, other.reason, source=place)

    def _decided(self, exam: Exam) -> tuple[Mapping[str, Decision], list[str]]:
        """The decisions for an exam, and what a person has to settle: by the plan that a person saved, or that it was
        exported by before, with the settings' rules for what such a plan doesn't know."""
        proposed = decide_all(exam, self._choices, self._project.settings)
        plan, mistakes = self._plan(exam)
        if mistakes:
            return proposed, [mistakes]
        decisions = dict(proposed)
        if plan:
            named = {row.sop_instance_uid for row in plan.rows}
            try:
                matched = match_plan(plan, [exam])
            except PlanError as error:
                return proposed, [_in_plan(error)]
            decisions |= {one.identity: matched[one.identity] for one in exam.instances if one.sop_instance_uid in named}
        problems = {
            finding.problem
            for instance in exam.instances
            if decisions[instance.identity].include
            for finding in assess(instance, decisions[instance.identity], self._project.policy, exam)
        }
        return decisions, sorted(problem.value for problem in problems & _FOR_A_PERSON)

    def _plan(self, exam: Exam) -> tuple[Plan | None, str]:
        """The plan to follow, if there is one; or why the one that a person saved can't be read."""
        saved = self._plan_file(exam)
        vocabulary = self._project.settings.tags
        self._read[saved.name] = ""
        if saved.exists():
            data = saved.read_bytes()
            self._read[saved.name] = _digest(data)
            if _digest(data) == self._written.get(saved.name):
                return None, ""  # nobody has touched it
            try:
                return parse_plan(data, saved.name, vocabulary), ""
            except PlanError as error:
                return None, _in_plan(error)
        executed = self._project.linkage_folder / "plans" / saved.name
        if executed.exists() and self._was_exported(exam):
            try:
                plan = read_plan(executed, vocabulary)
                match_plan(plan, [exam])
            except PlanError:  # made for other files, or with another vocabulary
                return None, ""
            return plan, ""
        return None, ""

    def _was_exported(self, exam: Exam) -> bool:
        return any(self._project.output.glob(f"*_{self._name(exam)}.zip"))

    def _is_to_do(self, exam: Exam, decisions: Mapping[str, Decision]) -> bool:
        key = _key(exam, decisions)
        tried, when = self._tried.get(exam.study_uid, ("", 0.0))
        if tried == key and time.monotonic() - when < _SECONDS_TO_TRY_AGAIN:
            return False
        return self._done.get(exam.study_uid) != key

    def _prepared(self, exams: list[Exam], decisions: Mapping[str, Decision]) -> list[Waiting]:
        """Prepare the exams; those for which it could not even begin wait for a person."""
        if not exams:
            return []
        try:
            result = self._project.prepare(exams, (), decisions)
        except CommandError as error:  # one subject for two patients: the others have nothing to do with it
            if len(exams) > 1:
                return [row for exam in exams for row in self._prepared([exam], decisions)]
            self._note_tried(exams[0], decisions)
            self._console.note(f"{self._name(exams[0])}: {error}")
            return [Waiting(self._name(exams[0]), len(exams[0].instances), str(error))]
        self._console.run_ended(result)
        waiting = self._note_ended(result, exams, decisions)
        if result.left:
            raise KeyboardInterrupt
        return waiting

    def _note_ended(self, result: RunResult, exams: list[Exam], decisions: Mapping[str, Decision]) -> list[Waiting]:
        """Remember what is done. What a person can settle and only the pixels showed, text, waits for one: returns that."""
        by_name = {self._name(exam): exam for exam in exams}
        waiting = []
        for ended in result.exams:
            exam = by_name[ended.exam]
            if any(one.outcome is Outcome.FAILED for one in ended.instances):
                self._note_tried(exam, decisions)
                continue
            self._done[exam.study_uid] = _key(exam, decisions)
            settled = sorted({one.reason for one in ended.instances if one.outcome is Outcome.REFUSED} & set(_FOR_A_PERSON))
            if settled:
                waiting.append(self._waiting(exam, decisions, settled))
                continue
            self._put_away(exam)
        return waiting

    def _put_away(self, exam: Exam) -> None:
        """Remove the plan and the pictures of an exam that is done. A plan saved since it was read stays, and is followed."""
        if not self._is_saved_since(self._plan_file(exam)):
            self._plan_file(exam).unlink(missing_ok=True)
            shutil.rmtree(self._pictures(exam), ignore_errors=True)

    def _is_saved_since(self, plan: Path) -> bool:
        """Whether a person has saved the plan after this look decided by it."""
        return plan.exists() and _digest(plan.read_bytes()) != self._read[plan.name]

    def _note_tried(self, exam: Exam, decisions: Mapping[str, Decision]) -> None:
        self._tried[exam.study_uid] = _key(exam, decisions), time.monotonic()

    def _waiting(self, exam: Exam, decisions: Mapping[str, Decision], problems: list[str]) -> Waiting:
        """The exam's row of the list. Its plan and pictures are made anew where the exam, or a decision, has changed since.

        A plan that a person saved stays as it is while there is a mistake in it.
        """
        plan, name, key = self._plan_file(exam), self._name(exam), _key(exam, decisions) + repr(problems)
        if self._shown.get(exam.study_uid) != key:
            self._shown[exam.study_uid] = key
            self._console.note(f"{name} waits for a person: {', '.join(problems)}")
            if not any(problem.startswith(_MISTAKE) for problem in problems):
                self._show(exam, decisions)
        return Waiting(name, len(exam.instances), ", ".join(problems), plan.name, self._written.get(plan.name, ""))

    def _show(self, exam: Exam, decisions: Mapping[str, Decision]) -> None:
        plan = self._plan_file(exam)
        try:
            is_a_persons = self._read[plan.name] not in ("", self._written.get(plan.name))
            content = plan_bytes(make_plan([exam], decisions))
            write_after_images([exam], decisions, self._pictures(exam))
            if self._is_saved_since(plan):  # the next look decides by it, and shows that
                self._shown.pop(exam.study_uid)
                return
            with written_whole(plan, replace=True, private=True) as stream:
                stream.write(content)
            self._written[plan.name] = "" if is_a_persons else _digest(content)  # what a person decided is followed on
        except (OSError, USDICOMizerError) as error:  # a source that has gone: the next look tells
            log("plan not written", exam=self._name(exam), error=error)

    def _listed_before(self) -> dict[str, Waiting]:
        """The list as an earlier watch left it, by exam."""
        try:
            with (self._place / LISTING).open(encoding="utf-8", newline="") as stream:
                rows = [Waiting(**row | {"instances": int(row["instances"])}) for row in csv.DictReader(stream)]
        except (OSError, KeyError, TypeError, ValueError, csv.Error):
            return {}
        return {row.exam: row for row in rows if row.exam}

    def _list(self, waiting: Sequence[Waiting]) -> None:
        self._listed = {row.exam: row for row in waiting if row.exam}
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, [field.name for field in fields(Waiting)])
        table.writeheader()
        table.writerows(asdict(row) for row in waiting)
        content, path = text.getvalue().encode(), self._place / LISTING
        if not path.exists() or path.read_bytes() != content:
            with written_whole(path, replace=True, private=True) as stream:
                stream.write(content)

    def _name(self, exam: Exam) -> str:
        return self._project.pseudonyms.exam(exam.study_uid)

    def _plan_file(self, exam: Exam) -> Path:
        return self._place / f"{self._name(exam)}.csv"

    def _pictures(self, exam: Exam) -> Path:
        return self._place / self._name(exam)


def _why_away(path: Path) -> str:
    """Why an input can't be reached; "" where it can."""
    try:
        if path.is_file():
            return ""
        with os.scandir(path) as entries:
            next(entries, None)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _state(exam: Exam) -> str:
    """A digest of which files the exam has, and of their size and time."""
    return hashlib.sha256(repr([(one.identity, one.source, one.state) for one in exam.instances]).encode()).hexdigest()


def _key(exam: Exam, decisions: Mapping[str, Decision]) -> str:
    """Equal while there is nothing new to do for the exam."""
    return _state(exam) + repr([decisions[one.identity] for one in exam.instances])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _in_plan(error: PlanError) -> str:
    """The first mistake of a plan, with its place; a message about a plan names nobody."""
    return f"{_MISTAKE}: {error.mistakes[0]}"
