"""De-identification after PS3.15 Annex E: the profile, pseudonyms, cleaning a header, and proving it clean."""
