"""The build: from source files to a published release."""
