"""Page layouts, one module for each kind of entity."""
