"""Results as files for other programs, such as spreadsheets, data frames, maps and networks."""
