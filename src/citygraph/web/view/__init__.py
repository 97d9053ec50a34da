"""Parts of pages: translations, values, statement tables and open releases."""
