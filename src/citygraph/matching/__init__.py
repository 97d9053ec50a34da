"""From names to entities: scoring, lookup and recorded decisions."""
