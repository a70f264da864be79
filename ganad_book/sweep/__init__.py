"""The grid of the reproduction: what is run, how, and the rows that came out."""
