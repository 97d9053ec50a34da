"""The entities of a release as a list that is filtered, counted and drawn: what /explore and /network stand on."""
