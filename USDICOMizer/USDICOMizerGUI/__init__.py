"""The rooms of the panel: each shows one part of the session and calls it; none decides."""
