"""The control door: JSON under /control/ for tests, load tests and the pages."""
