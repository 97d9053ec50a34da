"""The kinds of pages: what is shown of a city, an agreement, a person … beside its register, each in its own way."""
