"""Looks for what is in the training tables and will not be there when an application is scored.

Each look gives findings: what was seen, why it is suspicious and what to do. None of them reads an outcome of the
locked test set, and none says a value of a person.

How well something separates defaults from repayments is measured as an AUC on folds. The bounds come from the field:
the whole score of a good application model reaches about 0.80, and a single column far less (0.66 for the best of Home
Credit). They are raised where few rows could reach them by luck.
"""
