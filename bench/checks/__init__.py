"""Why a measurement may be believed: each check one file, with its threshold; ``registry.py`` lists them."""
