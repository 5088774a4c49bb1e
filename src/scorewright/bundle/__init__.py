"""The bundle: the sealed folder that is trained, evaluated, registered and served, always the same bytes."""
