"""Where the picture lies, told from the pixels alone: evidence, the outline that fits it, how sure that is."""
