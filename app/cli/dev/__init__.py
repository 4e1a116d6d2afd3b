"""`make run`: everything on one machine, from nothing, until Ctrl+C."""
