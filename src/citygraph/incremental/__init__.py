"""Effects of a change: dependency paths, re-derivation, partial validation, counts and index updates."""
