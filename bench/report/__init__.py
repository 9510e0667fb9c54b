"""What a run leaves for people: summary.json, charts and one page."""
