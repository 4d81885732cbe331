"""The settings and the options of the command -> the rules by which headers are de-identified."""

from __future__ import annotations

from collections.abc import Sequence

from USDICOMizerLib.deidentify.options import Option, in_order, options_named, with_kept_dates
from USDICOMizerLib.deidentify.profile import CLASS_UIDS, Rules, dictionary_vrs
from USDICOMizerLib.deidentify.words import words_of
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.settings import Settings
from USDICOMizerLib.settings_attributes import describe
from USDICOMizerLib.tags import TagVocabulary

NO_OPTIONS = "none"
_TELLING_VRS = frozenset({"DA", "DT", "UI"})  # dates, and UIDs with dates in them


def profile_rules(settings: Settings, *, options: str | None = None, keep_dates: str | None = None) -> Rules:
    """The rules of the settings, with the options of the command over them.

    Parameters
    ----------
    options
        Names with commas between them instead of those of the settings, "none" for none; None where nothing was said.
    keep_dates
        "full" or "modified" instead of what the options say about dates; None where nothing was said.

    Raises CommandError where an option is wrong, or where the rules contradict each other.
    """
    chosen = settings.deidentification.options
    if options is not None:
        names = [] if options.strip().casefold() in ("", NO_OPTIONS) else options.split(",")
        try:
            chosen = options_named(names)
        except ValueError as error:
            raise CommandError(f"--options: {error}.") from None
    if keep_dates is not None:
        chosen = with_kept_dates(chosen, keep_dates)
    rules = rules_of_claims(settings, chosen)
    _check(rules)
    return rules


def rules_of_claims(settings: Settings, options: Sequence[Option]) -> Rules:
    """The rules to judge an export by that says which options were applied to it; the rest is that of the settings."""
    said = settings.deidentification
    return Rules(
        attributes_to_delete=said.attributes_to_delete,
        attributes_to_keep=said.attributes_to_keep,
        options=in_order(options),
        safe_private=said.safe_private,
        allowed_words=tuple(sorted({*said.allowed_words, *_words_of_tags(settings.tags)})),
        date_shift_days=said.date_shift_days,
    )


def _words_of_tags(tags: TagVocabulary) -> set[str]:
    return {word for name in (*tags.sites, *tags.sides, *tags.purposes) for word in words_of(name)}


def _check(rules: Rules) -> None:
    if Option.SAFE_PRIVATE in rules.options and not rules.safe_private:
        raise CommandError(
            f"The option {Option.SAFE_PRIVATE} keeps the private elements that [safe_private] of the settings lists, and it "
            "lists none: the standard knows no safe ones of ultrasound scanners. Add them there, or take the option out."
        )
    if {Option.UIDS, Option.MODIFIED_DATES} <= set(rules.options):
        raise CommandError(
            f"{Option.UIDS} and {Option.MODIFIED_DATES} don't go together: the UIDs of most scanners hold the date of the exam, "
            "which would tell by how much the other dates were shifted. Take one of them out."
        )
    telling = [tag for tag in rules.attributes_to_keep if dictionary_vrs(tag) & _TELLING_VRS and tag not in CLASS_UIDS]
    if Option.MODIFIED_DATES in rules.options and telling:
        raise CommandError(
            f"[attributes_to_keep] of the settings keeps {', '.join(map(describe, telling))} as it is, which would tell by how "
            "much the dates were shifted. Take it out: the option for modified dates treats all dates alike."
        )
