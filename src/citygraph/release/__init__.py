"""Releases on disk: publication, changes, output files and graph ownership."""
