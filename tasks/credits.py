"""Credits: expired holds, and sending changes to partners."""
