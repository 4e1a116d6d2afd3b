"""Another project: it gets the changes of a shared balance in signed batches."""
