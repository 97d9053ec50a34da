"""Writing: from a change to a published release that holds it."""
