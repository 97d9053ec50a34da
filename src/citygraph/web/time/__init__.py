"""Releases over time: releases, differences, Memento, history, citations, feeds and downloads."""
