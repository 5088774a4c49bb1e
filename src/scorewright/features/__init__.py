"""Features: SQL, compiled once, computed the same way for one application and for millions."""
