from dataclasses import replace

import pytest
from pydicom.datadict import tag_for_keyword

from USDICOMizerLib.deidentify.options import Option
from USDICOMizerLib.deidentify.words import is_descriptive
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.profile_rules import profile_rules, rules_of_claims
from USDICOMizerLib.settings import Settings, parse_settings

TEXT = """
[tags]
sites = CFV, Wade
sides = L, R
purposes = thrombolysis
[deidentification]
options = retain-uids, retain-longitudinal-full-dates
date_shift_days = 400 to 4000
allowed_words = C5-2, Größe
[safe_private]
(200d,XX37)  Philips US Imaging 60
"""


def test_the_settings_say_what_is_applied():
    rules = profile_rules(parse_settings(TEXT, "settings.ini"))
    assert rules.options == (Option.FULL_DATES, Option.UIDS)
    assert rules.date_shift_days == (400, 4000)
    (safe,) = rules.safe_private
    assert (safe.creator, safe.group, safe.element) == ("Philips US Imaging 60", 0x200D, 0x37)


def test_the_words_of_the_tags_and_of_the_settings_are_allowed():
    rules = profile_rules(parse_settings(TEXT, "settings.ini"))
    assert is_descriptive("CFV-L Wade, thrombolysis, C5-2 GRÖSSE", rules.allowed_words)
    assert not is_descriptive("CFV-L Wade, thrombolysis, C6-2", rules.allowed_words)
    assert not is_descriptive("Wade", profile_rules(Settings()).allowed_words)


def test_the_command_goes_over_the_settings():
    settings = parse_settings(TEXT, "settings.ini")
    assert profile_rules(settings, options="clean-descriptors").options == (Option.CLEAN_DESCRIPTORS,)
    assert profile_rules(settings, options="none").options == ()
    assert profile_rules(settings, options="retain-uids").options == (Option.UIDS,)
    assert profile_rules(settings, options="retain-safe-private", keep_dates="full").options == (
        Option.FULL_DATES,
        Option.SAFE_PRIVATE,
    )


@pytest.mark.parametrize(
    "options", ["retain-everything", "retain-uids,,", "retain-uids,retain-uids", "clean-recognizable-visual-features"]
)
def test_a_wrong_option_is_a_named_error(options):
    with pytest.raises(CommandError, match="^--options: "):
        profile_rules(Settings(), options=options)


def test_safe_private_without_a_list_is_a_named_error():
    with pytest.raises(CommandError, match=r"\[safe_private\]"):
        profile_rules(Settings(), options="retain-safe-private")


@pytest.mark.parametrize("keyword", ["StudyDate", "StudyInstanceUID"])
def test_what_would_tell_the_shift_is_a_named_error(keyword):
    settings = Settings()
    kept = replace(settings.deidentification, attributes_to_keep=(tag_for_keyword(keyword),))
    settings = replace(settings, deidentification=kept)
    assert profile_rules(settings, keep_dates="full").attributes_to_keep
    with pytest.raises(CommandError, match="how much the dates were shifted"):
        profile_rules(settings, keep_dates="modified")


def test_original_uids_beside_shifted_dates_are_a_named_error():
    """The UIDs of most scanners hold the date of the exam."""
    with pytest.raises(CommandError, match="don't go together"):
        profile_rules(Settings(), options="retain-uids", keep_dates="modified")


def test_an_export_is_judged_by_what_it_claims():
    rules = rules_of_claims(Settings(), [Option.UIDS, Option.CLEAN_DESCRIPTORS])
    assert rules.options == (Option.CLEAN_DESCRIPTORS, Option.UIDS)


def test_rules_read_the_same_in_every_process():
    """They are a part of what `--resume` compares."""
    assert repr(profile_rules(parse_settings(TEXT, "x"))) == repr(profile_rules(parse_settings(TEXT, "x")))
    assert list(profile_rules(Settings()).allowed_words) == sorted(profile_rules(Settings()).allowed_words)
