"""Files that people edit: data, rules and stored queries."""
