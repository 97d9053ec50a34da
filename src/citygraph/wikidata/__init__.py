"""The Wikidata connection: pull sister cities in our vocabulary, compare them with ours, and propose edits."""
