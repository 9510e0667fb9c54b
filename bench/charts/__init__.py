"""The charts of a report: each file draws one, from data that were prepared elsewhere."""
