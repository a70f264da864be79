"""Programs for this repository: its pages, the models they run, how stable its numbers are."""
