"""Backups: the releases and files of an instance, copied by content into another folder, and brought back."""
