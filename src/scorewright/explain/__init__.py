"""What moves a model: over all applications, for one of them, and what moves it suspiciously well."""
