"""The inbox of accepted updates. `intake` and `writer` put them in; nothing else does."""
