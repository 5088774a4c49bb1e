"""What is said of a model to people: charts, the report as one page, and the card inside the bundle.

Altair and vl-convert, which draw the charts, have their only home here and are not imported before they are used.
"""
