"""From a change to a release that holds it."""
