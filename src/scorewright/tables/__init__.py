"""Tables: what a portfolio declares, what a contract promises, and how files become checked frames."""
