"""Whole pages: entities, home, about, dataset, previews and errors."""
