"""/curate: importing spreadsheets in the browser."""
