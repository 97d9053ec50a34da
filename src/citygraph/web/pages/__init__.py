"""Pages for people: what the templates get to show, in the words of the reader."""
