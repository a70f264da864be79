"""Results beside those of the survey: comparisons, tables, figures, verdicts."""
