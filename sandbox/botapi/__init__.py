"""The Bot API, one file per area of methods."""
