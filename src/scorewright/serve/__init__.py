"""The HTTP door: one application in, one decision out. Nothing heavy is imported until ``serve.app`` is."""
