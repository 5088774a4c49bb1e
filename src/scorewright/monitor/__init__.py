"""Whether today's applications still look like those a model was trained on."""
