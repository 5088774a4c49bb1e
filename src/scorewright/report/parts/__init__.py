"""The sections of the report: each takes the report and the words, and gives the inside of one section."""
